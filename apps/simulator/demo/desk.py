"""What ends is renewed: each end opens a renewal and mails its owner."""

import time
from typing import Final

from apps.compliance.selectors.renewals import reminders_unsent, waiting_renewals
from apps.compliance.services.desk import advance_desk
from apps.compliance.services.duties import Duty, ensure_duty
from apps.simulator.certificates.folder import make_lab_folder
from apps.simulator.certificates.reports import expected_flags
from apps.simulator.demo.stage import Stage
from apps.simulator.demo.steps import Finding

MAIL_SECONDS: Final = 120


def remind_of_ends(stage: Stage) -> Finding:
    """Open a renewal for each report that ends, and mail its owner through the worker."""
    now = stage.clock()
    owner, deputy = stage.staff["compliance"], stage.staff["compliance-deputy"]
    ensure_duty(Duty("", owner.pk or 0, deputy.pk), reason="The demo's desk.", now=now)
    advance_desk(now=now, on=stage.started_at.date())
    deadline = time.monotonic() + MAIL_SECONDS
    while (unsent := reminders_unsent()) and time.monotonic() < deadline:
        time.sleep(0.5)
    folder = make_lab_folder(stage.data_dir / "demo" / "certificates", now=now)
    flags = expected_flags(folder.reports, stage.started_at.date())
    ends = {*flags["expiring"], *flags["expired"], *flags["review_due"]} - {*flags["superseded"]}
    open_now = {renewal.certificate.report_number for renewal in waiting_renewals()}
    return Finding(
        is_held=ends <= open_now and not unsent,
        text=f"{len(open_now)} renewals open, each mailed to its owner; the mails lie in "
        f"{stage.data_dir / 'mail'}.",
        figures={"expected": sorted(ends), "open": sorted(open_now), "unsent": unsent},
    )
