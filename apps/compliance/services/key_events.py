"""Drafting key events and recording that they were submitted, against a clock of working days."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.compliance.enums import KeyEventKind, KeyEventState
from apps.compliance.errors import KeyEventContentError, KeyEventStateError
from apps.compliance.models import LONGEST_DETAIL, KeyEvent
from apps.compliance.services.trail import require_permission
from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.core.working_days import GREAT_BRITAIN
from apps.staff.selectors import Person

WORKING_DAYS: Final = 5
"""LCCP information requirements (domain.md GB-KE-1): within five working days of becoming aware."""
LEFT_DAYS: Final = 2
"""How many working days are left when the desk is reminded."""
DRAFT: Final = "compliance.draft_keyevent"
SUBMIT: Final = "compliance.submit_keyevent"


@dataclass(frozen=True, slots=True)
class KeyEventText:
    """What the regulator will read; the reason for being late counts into the detail's length."""

    kind: KeyEventKind
    title: str
    detail: str
    late_reason: str = ""


def due_at(aware_at: datetime) -> datetime:
    """Return when the clock runs out: the end of the fifth working day after the day aware."""
    day = GREAT_BRITAIN.after(GREAT_BRITAIN.day_of(aware_at), WORKING_DAYS)
    return GREAT_BRITAIN.end_of(day)


def remind_at(aware_at: datetime) -> datetime:
    """Return when the desk is reminded: two working days are left then."""
    calendar = GREAT_BRITAIN
    return calendar.end_of(calendar.after(calendar.day_of(aware_at), WORKING_DAYS - LEFT_DAYS))


@transaction.atomic
def draft_key_event(
    text: KeyEventText, *, aware_at: datetime, acting_user: Person, now: datetime
) -> KeyEvent:
    """Open a draft; its clock runs from the moment of becoming aware and is never moved.

    Raises:
        NotAllowedError: the person may not draft.
        KeyEventContentError: something is empty, too long, or in the future.
    """
    person_id = require_permission(acting_user, DRAFT)
    clean = _checked(text)
    if aware_at > now:
        raise KeyEventContentError("Nobody becomes aware in the future.")
    event = KeyEvent.objects.create(
        **clean,
        aware_at=aware_at,
        due_at=due_at(aware_at),
        drafted_by_id=person_id,
        drafted_at=now,
        edited_at=now,
    )
    _audit(event, "drafted", acting_user, now)
    return event


@transaction.atomic
def edit_key_event(
    event_id: int, text: KeyEventText, *, acting_user: Person, reason: str, now: datetime
) -> None:
    """Change a draft.

    Raises:
        NotAllowedError, KeyEventContentError, ReasonRequiredError: as they say.
        KeyEventStateError: it was submitted.
    """
    require_permission(acting_user, DRAFT)
    words = require_reason(reason)
    event = _locked_draft(event_id)
    for name, value in _checked(text).items():
        setattr(event, name, value)
    event.edited_at = now
    event.save()
    _audit(event, "edited", acting_user, now, reason=words)


@transaction.atomic
def submit_key_event(
    event_id: int, *, reference: str, acting_user: Person, reason: str, now: datetime
) -> None:
    """Record that the regulator has it, with the regulator's reference; there is no way back.

    Raises:
        NotAllowedError: the person may not submit.
        ReasonRequiredError: nobody said why, or how it was sent.
        KeyEventStateError: it was submitted.
        KeyEventContentError: no reference, or it is late and does not say why.
    """
    person_id = require_permission(acting_user, SUBMIT)
    words = require_reason(reason)
    event = _locked_draft(event_id)
    if not reference.strip():
        raise KeyEventContentError("The regulator's reference is needed.")
    if now >= event.due_at and not event.late_reason:
        raise KeyEventContentError("It is late: the detail must say why. Edit the draft first.")
    event.state = KeyEventState.SUBMITTED
    event.submitted_at, event.submitted_by_id = now, person_id
    event.reference = reference.strip()
    event.save()
    _audit(event, "submitted", acting_user, now, reason=words)


def _locked_draft(event_id: int) -> KeyEvent:
    event = KeyEvent.objects.select_for_update().filter(pk=event_id).first()
    if event is None or event.state != KeyEventState.DRAFT:
        raise KeyEventStateError(event_id)
    return event


def _checked(text: KeyEventText) -> dict[str, Any]:
    title, detail, late = text.title.strip(), text.detail.strip(), text.late_reason.strip()
    if not title or not detail:
        raise KeyEventContentError("Title and detail are needed.")
    length = len(detail) + len(late) + bool(late)
    if length > LONGEST_DETAIL:
        raise KeyEventContentError(
            f"Detail and the reason for being late have {length:,} characters together; the box "
            f"takes {LONGEST_DETAIL:,}."
        )
    return {"kind": text.kind, "title": title[:150], "detail": detail, "late_reason": late}


def _audit(event: KeyEvent, verb: str, actor: Person, now: datetime, *, reason: str = "") -> None:
    record_audit(
        action=f"compliance.key_event.{verb}",
        actor=actor,
        subject=f"compliance.keyevent:{event.pk}",
        details={"kind": event.kind, "due_at": event.due_at.isoformat()},
        reason=reason,
        now=now,
    )
