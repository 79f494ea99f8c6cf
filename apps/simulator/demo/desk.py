"""What ends is renewed: each end opens a renewal and mails its owner."""

import time
from datetime import timedelta
from typing import Final

from apps.compliance.selectors.renewals import reminders_unsent, waiting_renewals
from apps.compliance.selectors.uncovered import uncertified_play_since
from apps.compliance.services.desk import advance_desk
from apps.compliance.services.duties import Duty, ensure_duty
from apps.compliance.services.uncovered import keep_uncertified_play
from apps.core.money import display_money
from apps.providers.selectors.ends import remains_of
from apps.providers.selectors.lapses import flagged_lapses, report_name
from apps.simulator.certificates.folder import make_lab_folder
from apps.simulator.certificates.reports import expected_flags
from apps.simulator.demo.register import reports_on_file
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
    flags = expected_flags(reports_on_file(folder), stage.started_at.date())
    ends = {*flags["expiring"], *flags["expired"], *flags["review_due"]} - {*flags["superseded"]}
    open_now = {renewal.certificate.report_number for renewal in waiting_renewals()}
    # An old report of a game that a newer one covers is nobody's work.
    remains = remains_of({lapse.end for lapse in flagged_lapses()}, stage.started_at.date())
    names = {report_name(end.certificate_id) or "" for end in remains if remains[end].is_something}
    ends &= {name.rpartition(" rev ")[0] for name in names}
    return Finding(
        is_held=bool(ends) and ends <= open_now and not unsent,
        text=f"{len(open_now)} renewals open, each mailed to its owner; the mails lie in "
        f"{stage.data_dir / 'mail'}.",
        figures={"expected": sorted(ends), "open": sorted(open_now), "unsent": unsent},
    )


def count_uncertified_play(stage: Stage) -> Finding:
    """Work out what was played without cover: the provider plays what it likes, covered or not."""
    now = stage.clock()
    places = keep_uncertified_play(now=now, days=1)
    played = uncertified_play_since(stage.started_at.date() - timedelta(days=1), limit=1000)
    stakes: dict[str, int] = {}
    for one in played:
        stakes[one.currency] = stakes.get(one.currency, 0) + one.stake_minor
    told = ", ".join(display_money(minor, currency) for currency, minor in sorted(stakes.items()))
    rounds = sum(one.rounds for one in played)
    return Finding(
        is_held=places > 0 and rounds > 0,
        text=f"{places} games x places x days without cover; {rounds:,} rounds played in them, "
        f"{told} staked.",
        figures={"places": places, "rounds": rounds, "stakes": stakes},
    )
