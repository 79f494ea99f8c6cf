"""When an auditor may read, and what they read."""

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from apps.core.reasons import require_reason
from apps.core.sealed import append_sealed
from apps.core.services import record_audit
from apps.staff.contracts import LONGEST_PATH, LONGEST_QUERY, LookUp
from apps.staff.enums import Role
from apps.staff.errors import NotAnAuditorError, OwnSeatError, SeatRevokedError, SeatTermError
from apps.staff.locks import lock_user
from apps.staff.models import LONGEST_SEAT, AuditorLookUp, AuditorSeat, User
from apps.staff.selectors import is_visit_logged

type Person = User | AnonymousUser


@transaction.atomic
def grant_seat(
    *,
    person_id: int,
    starts_at: datetime,
    ends_at: datetime,
    purpose: str,
    acting_user: Person,
    now: datetime,
) -> AuditorSeat:
    """Let an auditor read from ``starts_at`` until ``ends_at``; another time is another seat.

    Raises:
        ReasonRequiredError, OwnSeatError, NotAnAuditorError, SeatTermError: as they say.
    """
    require_reason(purpose)
    if acting_user.pk == person_id or acting_user.pk is None:
        raise OwnSeatError
    if not starts_at < ends_at <= starts_at + LONGEST_SEAT or ends_at <= now:
        raise SeatTermError(LONGEST_SEAT.days)
    person = lock_user(person_id)
    if not person.is_active or not person.groups.filter(name=Role.AUDITOR).exists():
        raise NotAnAuditorError
    seat = AuditorSeat.objects.create(
        person=person,
        starts_at=starts_at,
        ends_at=ends_at,
        purpose=purpose.strip(),
        granted_by_id=acting_user.pk,
        granted_at=now,
    )
    _audit(seat, "granted", acting_user, purpose, now)
    return seat


@transaction.atomic
def revoke_seat(*, seat_id: int, reason: str, acting_user: Person, now: datetime) -> AuditorSeat:
    """End a seat at once and for good; without another one the next page ends the session.

    Raises:
        ReasonRequiredError, SeatRevokedError: as they say.
    """
    require_reason(reason)
    seat = AuditorSeat.objects.select_for_update().get(pk=seat_id)
    if seat.revoked_at is not None:
        raise SeatRevokedError
    seat.revoked_at = now
    seat.revoked_by_id = acting_user.pk
    seat.revoke_reason = reason.strip()
    seat.save(update_fields=["revoked_at", "revoked_by", "revoke_reason"])
    _audit(seat, "revoked", acting_user, reason, now)
    return seat


def note_look(look_up: LookUp, *, now: datetime) -> None:
    """Record a page that was opened, or that renewed itself and whose visit is not in the log.

    A renewal of a page whose opening is in the log adds nothing for ``VISIT``: the entry stands
    for what the page showed until then. After that the visit is logged again.
    """
    if not (look_up.is_renewal and is_visit_logged(look_up, now)):
        record_look_up(look_up, now=now)


def record_look_up(look_up: LookUp, *, now: datetime) -> AuditorLookUp:
    """Append to the sealed log of what auditors opened."""
    return append_sealed(
        AuditorLookUp(
            seat_id=look_up.seat_id,
            person_id=look_up.person_id,
            person_name=look_up.person_name,
            page=look_up.page[:150],
            path=look_up.path[:LONGEST_PATH],
            query=look_up.query[:LONGEST_QUERY],
            status=look_up.status,
            created_at=now,
        )
    )


def _audit(seat: AuditorSeat, verb: str, actor: Person, reason: str, now: datetime) -> None:
    record_audit(
        action=f"staff.auditor_seat.{verb}",
        actor=actor,
        subject=f"staff.auditorseat:{seat.pk}",
        details={
            "person": seat.person_id,
            "starts_at": seat.starts_at.isoformat(),
            "ends_at": seat.ends_at.isoformat(),
        },
        reason=reason.strip(),
        now=now,
    )
