"""What the desk does by itself: open renewals for what lapses, close them when it is replaced.

Each of these finds its work in the tables, so one that is missed is made up by the next, and one
that runs twice does nothing twice.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime

import structlog
from django.db import IntegrityError, transaction

from apps.compliance.enums import RenewalNoteKind
from apps.compliance.locks import lock_renewals
from apps.compliance.models import DeskDuty, Renewal, RenewalNote
from apps.compliance.selectors.renewals import (
    decided_ends,
    duties_by_provider,
    open_renewals_of,
    waiting_renewals,
)
from apps.compliance.services.notices import remind_of_accreditations, remind_of_key_events
from apps.compliance.services.reminders import escalate_silence, remind_of_lapses
from apps.compliance.services.renewals import end_renewal
from apps.compliance.wording import words_for
from apps.core.services import record_audit
from apps.providers.enums import CertificateState, EndKind
from apps.providers.selectors.ends import Remains, RemainsOnDay, is_replaced_before, replaced_since
from apps.providers.selectors.lapses import End, Lapse, flagged_lapses

logger = structlog.get_logger(__name__)


def open_lapsing(judge: RemainsOnDay, *, now: datetime, on: date) -> int:
    """Open a renewal for each certificate with a flagged end to decide about; return how many.

    An end that somebody decided about gets none again, nor does one that leaves every offer
    covered, or that comes to a report that was replaced before. A certificate has one at a time: of
    several ends the nearest.
    """
    lapses = flagged_lapses()
    certificates = {lapse.certificate_id for lapse in lapses}
    decided, waiting = decided_ends(certificates), open_renewals_of(certificates)
    replaced = replaced_since(certificates, on)
    undecided = [
        lapse
        for lapse in lapses
        if lapse.certificate_id not in waiting
        and lapse.end not in decided
        and not is_replaced_before(lapse.end, replaced.get(lapse.certificate_id))
    ]
    remains = judge.of({lapse.end for lapse in undecided})
    nearest: dict[int, Lapse] = {}
    for lapse in sorted(undecided, key=lambda lapse: (lapse.ends_on, lapse.flag_id)):
        if remains[lapse.end].is_something:
            nearest.setdefault(lapse.certificate_id, lapse)
    new = list(nearest.values())
    if not new:
        return 0
    try:
        _open_all(new, now)
    except IntegrityError as error:
        if "compliance_renewal_one_open_per_certificate" not in str(error):
            raise
        # A person or a twin of this run opened one meanwhile; the next run opens the rest.
        return 0
    return len(new)


@transaction.atomic
def _open_all(lapses: list[Lapse], now: datetime) -> None:
    duties = duties_by_provider()
    renewals = Renewal.objects.bulk_create(
        [_renewal_for(lapse, duties, now) for lapse in lapses], batch_size=1000
    )
    RenewalNote.objects.bulk_create(
        [
            RenewalNote(
                renewal=renewal,
                kind=RenewalNoteKind.OPENED,
                body=f"Opened by the daily check: {words_for(lapse.kind, lapse.ends_on)}.",
                created_at=now,
            )
            for renewal, lapse in zip(renewals, lapses, strict=True)
        ],
        batch_size=1000,
    )
    record_audit(
        action="compliance.renewals.opened",
        actor=None,
        subject="compliance.renewals",
        details={"certificates": [lapse.certificate_id for lapse in lapses]},
        now=now,
    )
    logger.info("compliance.renewals.opened", count=len(lapses))


def _renewal_for(lapse: Lapse, duties: dict[str, DeskDuty], now: datetime) -> Renewal:
    duty = duties.get(lapse.provider_code) or duties.get("")
    return Renewal(
        certificate_id=lapse.certificate_id,
        end_kind=lapse.end.kind,
        ends_on=lapse.ends_on,
        owner=duty.owner if duty else None,
        deputy=duty.deputy if duty else None,
        due_on=lapse.ends_on,
        opened_at=now,
    )


@transaction.atomic
def close_replaced(judge: RemainsOnDay, *, now: datetime) -> int:
    """Close what is over: its certificate was withdrawn, reviewed, or replaced and nothing is left.

    A later revision that leaves an offer uncovered closes nothing: the renewal's page names what.
    """
    waiting = list(waiting_renewals())
    ends = {
        renewal.pk: End(renewal.certificate_id, renewal.end_kind, renewal.ends_on)
        for renewal in waiting
    }
    remains = judge.of(set(ends.values()))
    ways = {renewal.pk: _way_out(renewal, remains[ends[renewal.pk]]) for renewal in waiting}
    closed = 0
    for renewal in lock_renewals(pk for pk, way in ways.items() if way is not None).values():
        way = ways[renewal.pk]
        if renewal.closed_at is not None or way is None:
            continue
        end_renewal(
            renewal,
            way.outcome,
            None,
            now,
            successor_id=way.successor_id,
            is_reviewed=way.is_reviewed,
        )
        closed += 1
    return closed


@dataclass(frozen=True, slots=True)
class _WayOut:
    """How a renewal is over by what the register says."""

    outcome: str
    successor_id: int | None = None
    is_reviewed: bool = False


def _way_out(renewal: Renewal, remains: Remains) -> _WayOut | None:
    certificate = renewal.certificate
    if certificate.state == CertificateState.WITHDRAWN:
        return _WayOut("The certificate was withdrawn; there is nothing to renew.")
    if renewal.end_kind == EndKind.REVIEW and certificate.review_due_on != renewal.ends_on:
        outcome = f"The review was recorded; the next is due on {certificate.review_due_on}."
        return _WayOut(outcome, is_reviewed=True)
    if remains.successor_id is not None and not remains.is_something:
        outcome = "A later revision of the report was registered."
        return _WayOut(outcome, successor_id=remains.successor_id)
    return None


@dataclass(frozen=True, slots=True)
class DeskRun:
    """What one run of the desk did."""

    opened: int
    closed: int
    reminded: int
    escalated: int
    noticed: int


def advance_desk(*, now: datetime, on: date) -> DeskRun:
    """Do everything the desk does by itself; ``on`` is the day that certificates are judged by.

    What each end leaves is judged once for all of it, by the register as it stood when first asked.
    """
    judge = RemainsOnDay(on)
    run = DeskRun(
        closed=close_replaced(judge, now=now),
        opened=open_lapsing(judge, now=now, on=on),
        reminded=remind_of_lapses(judge, now=now),
        escalated=escalate_silence(now=now),
        noticed=remind_of_key_events(now=now) + remind_of_accreditations(now=now, on=on),
    )
    logger.info("compliance.desk.advanced", **asdict(run))
    return run
