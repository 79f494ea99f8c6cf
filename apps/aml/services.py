"""What happens inside the compartment. Nothing of it is published, audited or logged outside.

The one line a day in the audit chain (``seal_access_log``) says nothing of what happened.

Each function writes the access log in its own transaction and refuses who doesn't hold the role.
"""

import secrets
from datetime import UTC, datetime
from typing import Any, Final

from django.db import transaction

from apps.aml.clocks import report_due_at
from apps.aml.enums import Deed, MatterState
from apps.aml.errors import (
    FutureSuspicionError,
    LateWithoutReasonError,
    LodgedTimeError,
    MatterDecidedError,
    NotInCompartmentError,
)
from apps.aml.locks import lock_matter
from apps.aml.models import AccessEntry, AccessSeal, Matter, Note
from apps.aml.selectors import SEALED_LOG, blind_seal, is_card_logged, may_enter
from apps.core.reasons import require_reason
from apps.core.sealed import GENESIS, append_sealed, log_head
from apps.core.services import record_audit
from apps.players.selectors import player_by_ref
from apps.staff.contracts import VISIT

MIN_LATE_REASON: Final = 20


def record_access(
    *, actor: Any, deed: Deed, matter_id: int | None = None, detail: str = "", now: datetime
) -> AccessEntry:
    """Append to the log that only the compartment reads."""
    return append_sealed(
        AccessEntry(
            actor_id=actor.pk,
            actor_name=actor.get_username(),
            deed=deed,
            matter_id=matter_id,
            detail=detail[:300],
            created_at=now,
        )
    )


def note_card(*, actor: Any, player_id: int, is_renewal: bool, now: datetime) -> None:
    """Record a look at a player's card; one that renews itself is one look for ``VISIT``.

    The log decides, not the browser: a renewal whose look is not in it is an entry.
    """
    detail = f"player {player_id}"
    if is_renewal and is_card_logged(actor.pk, detail, since=now - VISIT):
        return
    record_access(actor=actor, deed=Deed.CARD, detail=detail, now=now)


@transaction.atomic
def seal_access_log(*, now: datetime) -> bool:
    """Write the day's blind seal of the access log into the audit chain; False if it is there.

    One a day whether anything happened or not, and each looks like any other (``AccessSeal``).
    """
    today = now.astimezone(UTC).date()
    if AccessSeal.objects.filter(sealed_on=today).exists():
        return False
    head = log_head(AccessEntry)
    seal = AccessSeal.objects.create(
        entries=head.sequence if head else 0,
        head_hash=head.entry_hash if head else GENESIS,
        salt=secrets.token_hex(32),
        sealed_on=today,
        created_at=now,
    )
    record_audit(
        action="aml.access_log.sealed",
        actor=None,
        subject=SEALED_LOG,
        details={"seal": blind_seal(seal)},
        now=now,
    )
    return True


@transaction.atomic
def open_matter(
    *,
    player_ref: str,
    suspicion: str,
    suspected_at: datetime,
    note: str,
    actor: Any,
    now: datetime,
) -> Matter:
    """Record a suspicion; its clock runs from when it was formed.

    Raises:
        NotInCompartmentError, UnknownPlayerError, FutureSuspicionError, ReasonRequiredError: as
            they say.
    """
    words = _entered(actor, note)
    if suspected_at > now:
        raise FutureSuspicionError
    player = player_by_ref(player_ref)
    matter = Matter(
        player_id=player.id,
        suspicion=suspicion,
        suspected_at=suspected_at,
        due_at=report_due_at(suspicion, suspected_at),
        opened_at=now,
        opened_by=actor,
    )
    matter.save(force_insert=True)
    _note(matter, words, actor, now)
    record_access(actor=actor, deed=Deed.OPENED, matter_id=matter.pk, now=now)
    return matter


@transaction.atomic
def add_note(*, matter_id: int, text: str, actor: Any, now: datetime) -> Note:
    """Add what was found. A decided matter takes notes too."""
    words = _entered(actor, text)
    note = _note(lock_matter(matter_id), words, actor, now)
    record_access(actor=actor, deed=Deed.NOTED, matter_id=matter_id, now=now)
    return note


@transaction.atomic
def record_report(
    *,
    matter_id: int,
    smr_reference: str,
    lodged_at: datetime,
    note: str,
    actor: Any,
    now: datetime,
) -> Matter:
    """Record that the report was lodged, once. Late, the note must say why.

    Raises:
        NotInCompartmentError, UnknownMatterError, MatterDecidedError, LodgedTimeError,
        LateWithoutReasonError: as they say.
    """
    words = _entered(actor, note)
    matter = _undecided(matter_id)
    if not matter.suspected_at <= lodged_at <= now:
        raise LodgedTimeError
    if lodged_at >= matter.due_at and len(words) < MIN_LATE_REASON:
        raise LateWithoutReasonError
    matter.lodged_at = lodged_at
    matter.smr_reference = smr_reference.strip()
    _decide(matter, MatterState.REPORTED, words, actor, now)
    record_access(actor=actor, deed=Deed.REPORTED, matter_id=matter_id, now=now)
    return matter


@transaction.atomic
def close_matter(*, matter_id: int, note: str, actor: Any, now: datetime) -> Matter:
    """Decide that there is nothing to report, and why."""
    words = _entered(actor, note)
    matter = _undecided(matter_id)
    _decide(matter, MatterState.CLOSED, words, actor, now)
    record_access(actor=actor, deed=Deed.CLOSED, matter_id=matter_id, now=now)
    return matter


def _entered(actor: Any, words: str) -> str:
    if not may_enter(actor):
        raise NotInCompartmentError
    require_reason(words)
    return words.strip()


def _undecided(matter_id: int) -> Matter:
    matter = lock_matter(matter_id)
    if matter.state != MatterState.OPEN:
        raise MatterDecidedError(matter.get_state_display())
    return matter


def _decide(matter: Matter, state: MatterState, words: str, actor: Any, now: datetime) -> None:
    matter.state = state
    matter.decided_at = now
    matter.decided_by = actor
    matter.save(update_fields=["state", "decided_at", "decided_by", "lodged_at", "smr_reference"])
    _note(matter, words, actor, now)


def _note(matter: Matter, words: str, actor: Any, now: datetime) -> Note:
    return Note.objects.create(matter=matter, text=words, written_by=actor, created_at=now)
