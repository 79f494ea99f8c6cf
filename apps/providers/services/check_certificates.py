"""Look at every certificate on a day: what lapses, what is not covered; tell once per threshold."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from apps.core.jurisdictions import all_jurisdictions, day_in
from apps.providers.contracts import CertificateRemark, CertificateStanding, UncoveredGame
from apps.providers.enums import END_OF_FLAG, THRESHOLD_DAYS, EndKind, FlagKind, SignatureState
from apps.providers.models import CertificateFlag, CertificateJurisdiction
from apps.providers.selectors.certificates import standings_on
from apps.providers.selectors.coverage import games_without_cover, offer_count
from apps.providers.selectors.remarks import remarks_on

logger = structlog.get_logger(__name__)

HORIZON_DAYS = max(THRESHOLD_DAYS)


@dataclass(frozen=True, slots=True)
class CertificateReport:
    """The state of the desk on a day. Each list is in a fixed order.

    A certificate is valid through ``expires_on``: on that day it is expiring with 0 days left, the
    day after it is expired. ``expiring`` and ``review_due`` hold what ends within 90 days (an
    overdue review has negative days left) and leave out what a later revision has replaced: there
    is nothing to renew. ``expired`` is a fact of the date and keeps it.
    """

    on: date
    expired: list[CertificateStanding]
    expiring: list[CertificateStanding]
    review_due: list[CertificateStanding]
    superseded: list[CertificateStanding]
    invalid_signature: list[CertificateStanding]
    uncovered: list[UncoveredGame]
    offers: int
    remarks: list[CertificateRemark] = field(default_factory=list)
    new_flags: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the report as issue 2 words it: these keys and no others."""
        return {
            "on": self.on.isoformat(),
            "expired": [
                {**_named(item), "expires_on": str(item.expires_on)} for item in self.expired
            ],
            "expiring": [
                {
                    **_named(item),
                    "expires_on": str(item.expires_on),
                    "days_left": days_left(item.expires_on, self.on),
                }
                for item in self.expiring
            ],
            "review_due": [
                {
                    **_named(item),
                    "review_due_on": str(item.review_due_on),
                    "days_left": days_left(item.review_due_on, self.on),
                }
                for item in self.review_due
            ],
            "superseded": [
                {**_named(item), "superseded_by": item.superseded_by} for item in self.superseded
            ],
            "invalid_signature": [
                {**_named(item), "detail": item.signature_detail} for item in self.invalid_signature
            ],
            "uncovered": [
                {"game": item.game_code, "jurisdiction": item.jurisdiction}
                for item in self.uncovered
            ],
        }


def check_certificates(*, on: date, now: datetime, is_recorded: bool) -> CertificateReport:
    """Report the standing of all certificates on ``on``; the command and the daily task share it.

    With ``is_recorded`` each new fact becomes a flag, once per certificate and threshold however
    often and however concurrently this runs. A look at another day than today is a what-if and
    must not use up the reminders of the day when it comes true. Flags go by each certificate's own
    day, which begins at midnight in its jurisdiction.
    """
    standings = standings_on(on)
    report = _report(standings, on)
    new_flags = _record_flags(standings, on, now) if is_recorded else 0
    logger.info(
        "providers.certificates.checked",
        on=on.isoformat(),
        expired=len(report.expired),
        expiring=len(report.expiring),
        uncovered=len(report.uncovered),
        new_flags=new_flags,
    )
    return replace(report, new_flags=new_flags)


def _report(standings: list[CertificateStanding], on: date) -> CertificateReport:
    found: dict[FlagKind, list[CertificateStanding]] = {kind: [] for kind in FlagKind}
    for item in standings:
        for kind in _kinds_of(item, on):
            found[kind].append(item)
    return CertificateReport(
        on=on,
        expired=_by_day(found[FlagKind.EXPIRED], "expires_on"),
        expiring=_by_day(found[FlagKind.EXPIRING], "expires_on"),
        review_due=_by_day(found[FlagKind.REVIEW_DUE], "review_due_on"),
        superseded=found[FlagKind.SUPERSEDED],
        invalid_signature=found[FlagKind.INVALID_SIGNATURE],
        uncovered=games_without_cover(on),
        offers=offer_count(),
        remarks=remarks_on(on),
    )


def _kinds_of(item: CertificateStanding, on: date) -> Iterator[FlagKind]:
    """Yield all that is to be said of a certificate on a day."""
    if item.signature_state == SignatureState.INVALID:
        yield FlagKind.INVALID_SIGNATURE
    if item.effective_on > on:
        return
    has_ended = _has_ended(item, on)
    if has_ended:
        yield FlagKind.EXPIRED
    over = [kind for _, kind, day in _taken_back(item) if day <= on]
    yield from over
    if item.superseded_by is not None:
        yield FlagKind.SUPERSEDED
        return
    if not over:
        yield from _near_ends(item, on, has_ended=has_ended)


def _near_ends(item: CertificateStanding, on: date, *, has_ended: bool) -> Iterator[FlagKind]:
    for ahead, _, day in _taken_back(item):
        if _is_near(_last_day(day), on):
            yield ahead
    if not has_ended and _is_near(item.expires_on, on):
        yield FlagKind.EXPIRING
    if not has_ended and _is_near(item.review_due_on, on):
        yield FlagKind.REVIEW_DUE


def _taken_back(item: CertificateStanding) -> Iterator[tuple[FlagKind, FlagKind, date]]:
    """Yield from which days on the report covers nothing, with the flags ahead of and past each."""
    if item.invalidated_on is not None:
        yield FlagKind.INVALIDATING, FlagKind.INVALIDATED, item.invalidated_on
    if item.recalled_on is not None:
        yield FlagKind.RECALLING, FlagKind.RECALLED, item.recalled_on


def _last_day(first_without: date) -> date:
    """Return the day through which a report counts that covers nothing from another day on."""
    return first_without - timedelta(days=1)


def _named(item: CertificateStanding) -> dict[str, Any]:
    return {"report_number": item.report_number, "revision": item.revision}


def days_left(day: date | None, on: date) -> int:
    """Return the days from ``on`` to ``day``: 0 on the day itself, negative after it."""
    assert day is not None  # noqa: S101 - callers have filtered on the date
    return (day - on).days


def _has_ended(item: CertificateStanding, on: date) -> bool:
    return item.expires_on is not None and item.expires_on < on


def _is_near(day: date | None, on: date) -> bool:
    return day is not None and (day - on).days <= HORIZON_DAYS


def _by_day(items: list[CertificateStanding], name: str) -> list[CertificateStanding]:
    return sorted(items, key=lambda item: (getattr(item, name), item.report_number, item.revision))


def threshold_for(days: int) -> int | None:
    """Return the tightest threshold that ``days`` has reached; None past the end.

    Only the tightest is flagged: a check that finds 20 days left says 30, not 90, 60 and 30.
    """
    if days < 0:
        return None
    return next((threshold for threshold in THRESHOLD_DAYS if days <= threshold), None)


def _own_days(on: date, now: datetime) -> dict[int, date]:
    """Return the day that it is for each certificate: where its furthest jurisdiction is by now.

    A day begins at the jurisdiction's own midnight, and a report of several ends first where the
    clock is ahead. One that names none goes by UTC.
    """
    ahead = {
        place: day_in(place, now) - now.astimezone(UTC).date() for place in all_jurisdictions()
    }
    days: dict[int, date] = {}
    for certificate_id, place in CertificateJurisdiction.objects.values_list(
        "certificate_id", "jurisdiction"
    ):
        day = on + ahead.get(place, timedelta())
        days[certificate_id] = max(day, days.get(certificate_id, day))
    return days


def _threshold_of(item: CertificateStanding, kind: FlagKind, on: date) -> int | None:
    if kind == FlagKind.EXPIRING:
        return threshold_for(days_left(item.expires_on, on))
    if kind == FlagKind.REVIEW_DUE:
        return threshold_for(days_left(item.review_due_on, on))
    near = [day for ahead, _, day in _taken_back(item) if ahead == kind]
    return threshold_for(days_left(_last_day(near[0]), on)) if near else None


def _end_of(item: CertificateStanding, kind: FlagKind) -> date | None:
    return {
        EndKind.EXPIRY: item.expires_on,
        EndKind.REVIEW: item.review_due_on,
        EndKind.INVALIDATION: item.invalidated_on,
        EndKind.RECALL: item.recalled_on,
        None: None,
    }[END_OF_FLAG.get(kind)]


@transaction.atomic
def _record_flags(standings: list[CertificateStanding], on: date, now: datetime) -> int:
    days = _own_days(on, now)
    wanted = [
        CertificateFlag(
            certificate_id=item.certificate_id,
            kind=kind,
            threshold_days=_threshold_of(item, kind, day),
            ends_on=_end_of(item, kind),
            flagged_on=day,
            created_at=now,
        )
        for item in standings
        for day in [days.get(item.certificate_id, on)]
        for kind in _kinds_of(item, day)
    ]
    on_file = set(
        CertificateFlag.objects.filter(
            certificate_id__in={flag.certificate_id for flag in wanted}
        ).values_list("certificate_id", "kind", "threshold_days", "ends_on")
    )
    new = [
        flag
        for flag in wanted
        if (flag.certificate_id, FlagKind(flag.kind).value, flag.threshold_days, flag.ends_on)
        not in on_file
    ]
    # A twin of this run may have written the same flags since: the unique key lets one win.
    CertificateFlag.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)
