"""Open cases, work on them, and decide the ones that end without a credit."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import IntegrityError, connection, transaction

from apps.core.reasons import require_reason
from apps.disputes.clocks import deadlines
from apps.disputes.contracts import Complaint
from apps.disputes.enums import CLOSED_STATES, CaseState, CaseType, NoteKind
from apps.disputes.errors import (
    CaseContentError,
    CaseOpenAlreadyError,
    CaseStateError,
    CreditPendingError,
    EventNowhereError,
    EventOfAnotherPlayerError,
    NotAllowedError,
)
from apps.disputes.locks import lock_case
from apps.disputes.models import Case
from apps.disputes.selectors import has_pending_credit, open_case_of_event
from apps.disputes.services.trail import add_step, audit_step
from apps.players.contracts import PlayerRef
from apps.players.selectors import player_by_ref
from apps.providers.selectors import provider_by_code
from apps.reconciliation.selectors import statement_row
from apps.rounds.selectors import event_by_id
from apps.staff.services.approvals import Person

logger = structlog.get_logger(__name__)

MAX_CLAIM_CHARACTERS: Final = 10_000
_MAX_AGE: Final = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class _DisputedEvent:
    provider_id: int | None = None
    event_id: str = ""
    round_ref: str = ""


@transaction.atomic
def open_case(complaint: Complaint, *, acting_user: Person, now: datetime) -> Case:
    """Open a case and start its clocks. The event may be one that only the provider knows of.

    Raises:
        CaseContentError: the type is unknown, the claim empty or too long, the receipt in the
            future, or an event without its provider.
        UnknownPlayerError, UnknownProviderError, EventNowhereError: as they say.
        EventOfAnotherPlayerError: the event belongs to somebody else.
        CaseOpenAlreadyError: a case about this event is open.
        NotAllowedError: the account may not open cases.
    """
    opener_id = _require_permission(acting_user, "disputes.open_case")
    claim = _checked_claim(complaint)
    received_at = _checked_receipt(complaint, now)
    player = player_by_ref(complaint.player_ref)
    event = _disputed_event(complaint, player)
    due = deadlines(player.jurisdiction, received_at)
    case_id = _next_case_id()
    case = Case(
        pk=case_id,
        number=f"D-{case_id:06d}",
        player_id=player.id,
        currency=player.currency,
        provider_id=event.provider_id,
        event_id=event.event_id,
        round_ref=event.round_ref,
        case_type=complaint.case_type,
        claim=claim,
        opened_by_id=opener_id,
        received_at=received_at,
        opened_at=now,
        acknowledge_by=due.acknowledge_by,
        decide_by=due.decide_by,
        clock_source=due.source,
    )
    _save_new(case, complaint)
    add_step(case, NoteKind.OPENED, case.opened_by_id, claim, now)
    audit_step(
        case,
        "opened",
        acting_user,
        reason="",
        details={"type": case.case_type, "event": event.event_id},
        now=now,
    )
    logger.info("disputes.case.opened", case_id=case.pk)
    return case


def _save_new(case: Case, complaint: Complaint) -> None:
    try:
        with transaction.atomic():
            case.save(force_insert=True)
    except IntegrityError as error:
        if "disputes_case_one_open_per_event" not in str(error):
            raise
        earlier = open_case_of_event(complaint.provider_code, complaint.event_id)
        raise CaseOpenAlreadyError(str(earlier)) from error


def _next_case_id() -> int:
    # The number that people say is the row's id, so it is taken before the row is written.
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('disputes_case', 'id'))")
        return int(cursor.fetchone()[0])


def _checked_claim(complaint: Complaint) -> str:
    claim = complaint.claim.strip()
    if complaint.case_type not in CaseType.values:
        raise CaseContentError("That is no type of dispute.")
    if not claim or "\x00" in claim or len(claim) > MAX_CLAIM_CHARACTERS:
        raise CaseContentError(
            f"Say what the player claims, in at most {MAX_CLAIM_CHARACTERS:,} characters."
        )
    if bool(complaint.provider_code) != bool(complaint.event_id):
        raise CaseContentError("A round event needs both its provider and its id.")
    return claim


def _checked_receipt(complaint: Complaint, now: datetime) -> datetime:
    received_at = complaint.received_at or now
    if not now - _MAX_AGE <= received_at <= now:
        raise CaseContentError("The complaint can't have been received then.")
    return received_at


def _disputed_event(complaint: Complaint, player: PlayerRef) -> _DisputedEvent:
    if not complaint.event_id:
        return _DisputedEvent()
    provider = provider_by_code(complaint.provider_code)
    event = event_by_id(provider.code, complaint.event_id)
    if event is not None:
        owner, round_ref = event.player_ref, event.round_ref
    else:
        row = statement_row(provider.code, complaint.event_id)
        if row is None:
            raise EventNowhereError(provider.code, complaint.event_id)
        owner, round_ref = str(row.values.get("player")), str(row.values.get("round") or "")
    if owner != player.player_ref:
        raise EventOfAnotherPlayerError(complaint.event_id, player.player_ref)
    return _DisputedEvent(provider.pk, complaint.event_id, round_ref)


@transaction.atomic
def assign(
    *, case_id: int, assignee: Person, acting_user: Person, note: str = "", now: datetime
) -> Case:
    """Give a case to somebody; an open one is then in review. The same person again: no change.

    What the giver notes stands with the step, in the case and in the audit chain.

    Raises:
        UnknownCaseError, CaseStateError: as they say.
        NotAllowedError: one of the two may not work on cases.
    """
    _require_permission(acting_user, "disputes.work_case")
    _require_permission(assignee, "disputes.work_case")
    case = _lock_open(case_id, "assigned")
    if case.assigned_to_id == assignee.pk:
        return case
    case.assigned_to_id = assignee.pk
    if case.state == CaseState.OPEN:
        case.state = CaseState.IN_REVIEW
    case.save(update_fields=["assigned_to", "state"])
    words = note.strip()
    step = " ".join(part for part in (f"Assigned to {assignee}.", words) if part)
    add_step(case, NoteKind.ASSIGNED, acting_user.pk or 0, step, now)
    audit_step(
        case, "assigned", acting_user, reason=words, details={"assigned_to": assignee.pk}, now=now
    )
    return case


@transaction.atomic
def acknowledge(*, case_id: int, acting_user: Person, note: str, now: datetime) -> Case:
    """Record that the player was told we have the complaint; the first time counts.

    Raises:
        ReasonRequiredError: nothing says how the player was told.
        UnknownCaseError, CaseStateError, NotAllowedError: as they say.
    """
    _require_permission(acting_user, "disputes.work_case")
    words = require_reason(note)
    case = _lock_open(case_id, "acknowledged")
    if case.acknowledged_at is not None:
        return case
    case.acknowledged_at = now
    case.save(update_fields=["acknowledged_at"])
    add_step(case, NoteKind.ACKNOWLEDGED, acting_user.pk or 0, words, now)
    audit_step(case, "acknowledged", acting_user, reason=words, details={}, now=now)
    return case


@transaction.atomic
def add_note(*, case_id: int, body: str, acting_user: Person, now: datetime) -> None:
    """Add a remark; closed cases take them too, since letters still arrive.

    Raises:
        ReasonRequiredError: the note is empty.
        UnknownCaseError, NotAllowedError: as they say.
    """
    _require_permission(acting_user, "disputes.work_case")
    case = lock_case(case_id)
    add_step(case, NoteKind.NOTE, acting_user.pk or 0, require_reason(body), now)


def resolve(*, case_id: int, acting_user: Person, reason: str, now: datetime) -> Case:
    """Close a case in the player's favour or by agreement, without money.

    Raises:
        ReasonRequiredError, UnknownCaseError, CaseStateError, NotAllowedError: as they say.
        CreditPendingError: a credit awaits a decision.
    """
    return _close(case_id, CaseState.RESOLVED, acting_user=acting_user, reason=reason, now=now)


def reject(*, case_id: int, acting_user: Person, reason: str, now: datetime) -> Case:
    """Close a case against the player; raises what ``resolve`` raises."""
    return _close(case_id, CaseState.REJECTED, acting_user=acting_user, reason=reason, now=now)


@transaction.atomic
def _close(
    case_id: int, state: CaseState, *, acting_user: Person, reason: str, now: datetime
) -> Case:
    _require_permission(acting_user, "disputes.close_case")
    words = require_reason(reason)
    case = _lock_open(case_id, str(state))
    if case.state == CaseState.OPEN:
        raise CaseStateError(case.number, "not assigned to anybody", str(state))
    require_no_pending_credit(case)
    close_case(case, state, acting_user.pk or 0, words, now)
    kind = NoteKind.RESOLVED if state == CaseState.RESOLVED else NoteKind.REJECTED
    add_step(case, kind, acting_user.pk or 0, words, now)
    audit_step(case, str(state), acting_user, reason=words, details={}, now=now)
    return case


def close_case(case: Case, state: CaseState, person_id: int, outcome: str, now: datetime) -> None:
    """Write the end of a locked case."""
    case.state = state
    case.closed_by_id = person_id
    case.closed_at = now
    case.outcome = outcome
    case.save(update_fields=["state", "closed_by", "closed_at", "outcome"])


def require_no_pending_credit(case: Case) -> None:
    """Refuse to go on while a second person has yet to decide.

    Raises:
        CreditPendingError
    """
    if has_pending_credit(case):
        raise CreditPendingError(case.number)


def _lock_open(case_id: int, step: str) -> Case:
    case = lock_case(case_id)
    if case.state in CLOSED_STATES:
        raise CaseStateError(case.number, case.get_state_display(), step)
    return case


def _require_permission(person: Person, permission: str) -> int:
    if person.pk is None or not person.is_active or not person.has_perm(permission):
        raise NotAllowedError(f"This needs an active account with the permission {permission}.")
    return person.pk
