"""What people do about a certificate that ends: open, plan, assign, move and end its renewal."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import structlog
from django.db import IntegrityError, transaction

from apps.compliance.enums import (
    CLOSED_RENEWALS,
    RENEWAL_STEPS,
    RenewalNoteKind,
    RenewalState,
)
from apps.compliance.errors import (
    RenewalContentError,
    RenewalOpenAlreadyError,
    RenewalStepError,
    SuccessorRefusedError,
)
from apps.compliance.locks import lock_renewal
from apps.compliance.models import Renewal
from apps.compliance.selectors.renewals import WORK, duties_by_provider, worker_ids
from apps.compliance.services.trail import add_step, audit_step, require_permission, words_of
from apps.providers.enums import EndKind
from apps.providers.selectors.certificates import certificate_by_id
from apps.providers.selectors.ends import is_in_force, judged_on, remains_of
from apps.providers.selectors.lapses import End, games_named_by, next_end_of
from apps.providers.services.builds import Editing
from apps.providers.services.scope import record_review as review_in_register
from apps.staff.selectors import Person, person_by_id

logger = structlog.get_logger(__name__)

_MAX_NOTE: Final = 10_000
# How many uncovered offers a refusal names.
_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """By when the new report must be there, and whom to talk to at the lab."""

    due_on: date
    lab_contact: str


@dataclass(frozen=True, slots=True)
class Hands:
    """Who has a renewal, by id; nobody is None."""

    owner_id: int | None
    deputy_id: int | None


@transaction.atomic
def open_renewal(
    *, certificate_id: int, acting_user: Person, reason: str, now: datetime
) -> Renewal:
    """Open the renewal of a certificate by hand; who asks owns it if nobody has the duty.

    Raises:
        UnknownCertificateError, NotAllowedError, ReasonRequiredError: as they say.
        RenewalOpenAlreadyError: there is one.
    """
    require_permission(acting_user, WORK)
    words = words_of(reason)
    certificate = certificate_by_id(certificate_id)
    duties = duties_by_provider()
    duty = duties.get(certificate.provider_code) or duties.get("")
    end = next_end_of(certificate)
    renewal = Renewal(
        certificate_id=certificate.pk,
        end_kind=end.kind,
        ends_on=end.on,
        owner_id=duty.owner_id if duty else acting_user.pk,
        deputy_id=duty.deputy_id if duty else None,
        due_on=end.on,
        opened_at=now,
        opened_by_id=acting_user.pk,
    )
    try:
        with transaction.atomic():
            renewal.save(force_insert=True)
    except IntegrityError as error:
        if "compliance_renewal_one_open_per_certificate" not in str(error):
            raise
        raise RenewalOpenAlreadyError(str(certificate)) from error
    add_step(renewal, RenewalNoteKind.OPENED, acting_user, words, now)
    audit_step(renewal, "opened", acting_user, reason=words, details={}, now=now)
    logger.info("compliance.renewal.opened", renewal_id=renewal.pk, by_hand=True)
    return renewal


@transaction.atomic
def assign_renewal(
    *, renewal_id: int, hands: Hands, acting_user: Person, reason: str, now: datetime
) -> Renewal:
    """Say who has a renewal; a new owner has acknowledged nothing yet. The same people: no change.

    Raises:
        UnknownRenewalError, RenewalStepError, NotAllowedError: as they say.
        RenewalContentError: owner and deputy are one person, or not active.
    """
    require_permission(acting_user, WORK)
    people = [_worker(person_id) for person_id in (hands.owner_id, hands.deputy_id)]
    if hands.deputy_id is not None and hands.owner_id == hands.deputy_id:
        raise RenewalContentError("The deputy must be somebody else than the owner.")
    renewal = _lock_waiting(renewal_id, "assigned")
    before = Hands(renewal.owner_id, renewal.deputy_id)
    if before == hands:
        return renewal
    if before.owner_id != hands.owner_id:
        renewal.acknowledged_at = now if hands.owner_id == acting_user.pk else None
    renewal.owner_id, renewal.deputy_id = hands.owner_id, hands.deputy_id
    renewal.save(update_fields=["owner", "deputy", "acknowledged_at"])
    owner, deputy = (str(person or "nobody") for person in people)
    text = f"Owner {owner}, deputy {deputy}. {reason.strip()}".strip()
    add_step(renewal, RenewalNoteKind.ASSIGNED, acting_user, text, now)
    details = {"owner": hands.owner_id, "deputy": hands.deputy_id}
    audit_step(renewal, "assigned", acting_user, reason=reason, details=details, now=now)
    return renewal


@transaction.atomic
def take_renewal(*, renewal_id: int, acting_user: Person, reason: str, now: datetime) -> Renewal:
    """Make oneself the owner; who was the owner, or else the deputy, stays as deputy.

    Raises:
        UnknownRenewalError, RenewalStepError, NotAllowedError: as they say.
    """
    renewal = _lock_waiting(renewal_id, "taken")
    others = [renewal.owner_id, renewal.deputy_id]
    workers = worker_ids() - {acting_user.pk}
    deputy = next((person for person in others if person in workers), None)
    return assign_renewal(
        renewal_id=renewal_id,
        hands=Hands(acting_user.pk, deputy),
        acting_user=acting_user,
        reason=reason,
        now=now,
    )


def _worker(person_id: int | None) -> Person | None:
    if person_id is None:
        return None
    person = person_by_id(person_id)
    if person is None:
        raise RenewalContentError("That account is not active.")
    require_permission(person, WORK)
    return person


@transaction.atomic
def plan_renewal(
    *, renewal_id: int, plan: Plan, acting_user: Person, reason: str, now: datetime
) -> Renewal:
    """Set by when the new report is due and who at the lab is asked.

    Raises:
        UnknownRenewalError, RenewalStepError, NotAllowedError, ReasonRequiredError: as they say.
        RenewalContentError: the day lies in the past, or the contact is too long.
    """
    require_permission(acting_user, WORK)
    words = words_of(reason)
    contact = plan.lab_contact.strip()
    if plan.due_on < now.date():
        raise RenewalContentError(f"{plan.due_on} is past; plan a day that can still be kept.")
    if len(contact) > 200 or "\x00" in contact:
        raise RenewalContentError("The lab contact has at most 200 characters.")
    renewal = _lock_waiting(renewal_id, "planned")
    renewal.due_on, renewal.lab_contact = plan.due_on, contact
    renewal.save(update_fields=["due_on", "lab_contact"])
    text = f"Due on {plan.due_on}, lab contact {contact or 'none yet'}. {words}"
    add_step(renewal, RenewalNoteKind.PLANNED, acting_user, text, now)
    audit_step(
        renewal,
        "planned",
        acting_user,
        reason=words,
        details={"due_on": plan.due_on.isoformat()},
        now=now,
    )
    return renewal


@transaction.atomic
def acknowledge_renewal(
    *, renewal_id: int, acting_user: Person, reason: str, now: datetime
) -> Renewal:
    """Say that the reminders so far were read; only the owner or the deputy can.

    Words are welcome and not asked for.

    Raises:
        UnknownRenewalError, RenewalStepError, NotAllowedError: as they say.
        RenewalContentError: it is somebody else's.
    """
    require_permission(acting_user, WORK)
    renewal = _lock_waiting(renewal_id, "acknowledged")
    if acting_user.pk not in {renewal.owner_id, renewal.deputy_id}:
        raise RenewalContentError("Only its owner or deputy acknowledges. Assign it first.")
    renewal.acknowledged_at = now
    renewal.save(update_fields=["acknowledged_at"])
    text = f"Reminder read. {reason.strip()}".strip()
    add_step(renewal, RenewalNoteKind.ACKNOWLEDGED, acting_user, text, now)
    audit_step(renewal, "acknowledged", acting_user, reason=reason, details={}, now=now)
    return renewal


@transaction.atomic
def move_renewal(
    *, renewal_id: int, state: str, acting_user: Person, reason: str, now: datetime
) -> Renewal:
    """Take a renewal one step on or back; ending it has services of its own.

    Raises:
        UnknownRenewalError, NotAllowedError, ReasonRequiredError: as they say.
        RenewalStepError: the table of steps has no such step.
    """
    require_permission(acting_user, WORK)
    words = words_of(reason)
    renewal = lock_renewal(renewal_id)
    if state in CLOSED_RENEWALS or state not in RENEWAL_STEPS[renewal.state]:
        raise RenewalStepError(renewal.get_state_display(), _label(state))
    before = renewal.get_state_display()
    renewal.state = state
    renewal.acknowledged_at = now
    renewal.save(update_fields=["state", "acknowledged_at"])
    text = f"{before} -> {renewal.get_state_display()}. {words}"
    add_step(renewal, RenewalNoteKind.MOVED, acting_user, text, now)
    audit_step(renewal, "moved", acting_user, reason=words, details={"state": state}, now=now)
    return renewal


@transaction.atomic
def complete_renewal(
    *, renewal_id: int, successor_id: int, acting_user: Person, reason: str, now: datetime
) -> Renewal:
    """Close a renewal with the certificate that takes the old one's place.

    Raises:
        UnknownRenewalError, RenewalStepError, NotAllowedError, ReasonRequiredError: as they say.
        UnknownCertificateError: there is no such successor.
        SuccessorRefusedError: it is of another provider, proves nothing on the day after the end,
            or leaves an offer uncovered that hangs on the old one.
    """
    require_permission(acting_user, WORK)
    words = words_of(reason)
    renewal = _lock_waiting(renewal_id, "done")
    outcome = f"{words} {_require_successor(renewal, successor_id, now.date())}".strip()
    end_renewal(renewal, outcome, acting_user, now, successor_id=successor_id)
    return renewal


def _require_successor(renewal: Renewal, successor_id: int, on: date) -> str:
    """Return what the successor no longer names, in words; empty if nothing."""
    old, new = renewal.certificate, certificate_by_id(successor_id)
    if new.pk == old.pk:
        raise SuccessorRefusedError("A certificate can't take its own place.")
    if (new.provider_code, new.kind) != (old.provider_code, old.kind):
        raise SuccessorRefusedError(f"{new} is of another provider or kind than {old}.")
    named = games_named_by([old.pk, new.pk])
    lost = sorted(named[old.pk] - named[new.pk])
    if lost and len(lost) == len(named[old.pk]):
        raise SuccessorRefusedError(f"{new} names none of the games of {old}.")
    _require_proof(End(old.pk, renewal.end_kind, renewal.ends_on), new.pk, str(new), on)
    return f"{new} no longer names {', '.join(lost)}." if lost else ""


def _require_proof(end: End, new_id: int, name: str, on: date) -> None:
    day = judged_on(end, on)
    if not is_in_force(new_id, day):
        raise SuccessorRefusedError(f"{name} proves nothing on {day}: look at its page for why.")
    left = [cell for cell in remains_of([end], on)[end].offers if not cell.cover.allowed]
    if left:
        more = f" and {len(left) - _NAMED:,} more" if len(left) > _NAMED else ""
        named = ", ".join(f"{cell.game_code} in {cell.jurisdiction}" for cell in left[:_NAMED])
        raise SuccessorRefusedError(f"Not covered on {day}, with {name} too: {named}{more}.")


@transaction.atomic
def decline_renewal(*, renewal_id: int, acting_user: Person, reason: str, now: datetime) -> Renewal:
    """Decide that the certificate is not replaced, and say why: what it covers will end.

    Raises:
        UnknownRenewalError, RenewalStepError, NotAllowedError, ReasonRequiredError: as they say.
    """
    require_permission(acting_user, WORK)
    words = words_of(reason)
    renewal = _lock_waiting(renewal_id, "closed")
    end_renewal(renewal, words, acting_user, now)
    return renewal


@transaction.atomic
def record_review(
    *, renewal_id: int, next_on: date, acting_user: Person, reason: str, now: datetime
) -> Renewal:
    """Record that the report was reviewed and holds until the next review; its renewal is over.

    Raises:
        UnknownRenewalError, NotAllowedError, ReasonRequiredError: as they say.
        RenewalStepError: the renewal is closed, or not about a review.
        CertificateStateError, TimesError: as in the register.
    """
    person_id = require_permission(acting_user, WORK)
    words = words_of(reason)
    renewal = _lock_waiting(renewal_id, RenewalState.REVIEWED.label)
    if renewal.end_kind != EndKind.REVIEW:
        raise RenewalStepError(renewal.get_state_display(), RenewalState.REVIEWED.label)
    editing = Editing(person_by_id(person_id), words, now)
    review_in_register(renewal.certificate_id, next_on=next_on, editing=editing)
    outcome = f"{words} Next review on {next_on}."
    end_renewal(renewal, outcome, acting_user, now, is_reviewed=True)
    return renewal


def end_renewal(
    renewal: Renewal,
    outcome: str,
    person: Person | None,
    now: datetime,
    *,
    successor_id: int | None = None,
    is_reviewed: bool = False,
) -> None:
    """Write the end of a locked renewal: done with a successor, reviewed, or given up."""
    state = RenewalState.REVIEWED if is_reviewed else RenewalState.WONT_RENEW
    if successor_id is not None:
        state = RenewalState.DONE
    renewal.state = state
    renewal.successor_id = successor_id
    renewal.closed_at = now
    renewal.outcome = outcome
    renewal.save(update_fields=["state", "successor", "closed_at", "outcome"])
    add_step(renewal, RenewalNoteKind.CLOSED, person, outcome, now)
    details = {"state": str(state), "successor": successor_id}
    audit_step(renewal, "closed", person, reason=outcome, details=details, now=now)


@transaction.atomic
def add_note(*, renewal_id: int, body: str, acting_user: Person, now: datetime) -> None:
    """Add a remark; closed renewals take them too.

    Raises:
        UnknownRenewalError, NotAllowedError, ReasonRequiredError: as they say.
        RenewalContentError: it is too long.
    """
    require_permission(acting_user, WORK)
    words = words_of(body)
    if len(words) > _MAX_NOTE:
        raise RenewalContentError(f"A note has at most {_MAX_NOTE:,} characters.")
    add_step(lock_renewal(renewal_id), RenewalNoteKind.NOTE, acting_user, words, now)


def _lock_waiting(renewal_id: int, wanted: str) -> Renewal:
    renewal = lock_renewal(renewal_id)
    if renewal.state in CLOSED_RENEWALS:
        raise RenewalStepError(renewal.get_state_display(), wanted)
    return renewal


def _label(state: str) -> str:
    return RenewalState(state).label if state in RenewalState.values else state
