"""What the compartment's own people read. Each door records who did."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from apps.aml.enums import Deed, MatterState
from apps.aml.models import AccessEntry, AccessSeal, Matter, Note
from apps.core.contracts import AuditVerdict
from apps.core.sealed import GENESIS, hashes_at, log_head, verify_sealed
from apps.core.selectors import audited_details
from apps.staff.enums import Role

SEALED_LOG: Final = "log:aml_accessentry"
_END: Final = 1_000


def may_enter(user: Any) -> bool:
    """Tell whether ``user`` holds the AML role; being a superuser is not enough."""
    if not user.is_active:
        return False
    if user.is_superuser:
        return bool(user.groups.filter(name=Role.AML_OFFICER).exists())
    return bool(user.has_perm("aml.view_matter"))


def notes_of(matter_id: int) -> Sequence[Note]:
    return list(
        Note.objects.filter(matter_id=matter_id).select_related("written_by").order_by("pk")
    )


def accesses_of(matter_id: int, *, limit: int) -> Sequence[AccessEntry]:
    return list(AccessEntry.objects.filter(matter_id=matter_id).order_by("-sequence")[:limit])


def is_card_logged(actor_id: int, detail: str, *, since: datetime) -> bool:
    """Tell whether the end of the log says that this person looked at this card since then.

    Further back, what a renewed page would find does not matter: it is logged once more.
    """
    head = log_head(AccessEntry)
    end = AccessEntry.objects.filter(sequence__gt=head.sequence - _END) if head else None
    if end is None:
        return False
    same = end.filter(actor_id=actor_id, deed=Deed.CARD, detail=detail, created_at__gt=since)
    return same.exists()


def matters_of_player(player_id: int) -> Sequence[Matter]:
    return list(Matter.objects.filter(player_id=player_id).order_by("-pk"))


def open_matters(*, limit: int) -> Sequence[Matter]:
    """Return what must be reported or closed, the first due first."""
    found = Matter.objects.filter(state=MatterState.OPEN).select_related("player")
    return list(found.order_by("due_at", "pk")[:limit])


def verify_access_log() -> AuditVerdict:
    """Verify the log by itself, then that it still holds what the audit chain was told of it."""
    # Read first: what is appended and sealed during the walk is not missing.
    told = [
        str(details["seal"]) for details in audited_details("aml.access_log.sealed", SEALED_LOG)
    ]
    verdict = verify_sealed(AccessEntry)
    if not verdict.holds:
        return verdict
    seals = {blind_seal(seal): seal for seal in AccessSeal.objects.order_by("pk")}
    there = hashes_at(AccessEntry, [seal.entries for seal in seals.values()])
    for one in told:
        bad_id, why = _flaw(seals.get(one), verdict.entries, there)
        if why:
            return replace(verdict, first_bad_id=bad_id, why=why)
    return verdict


def _flaw(
    seal: AccessSeal | None, entries: int, there: Mapping[int, tuple[int, str]]
) -> tuple[int | None, str]:
    if seal is None:
        return None, "what opens a seal in the audit chain is gone"
    if seal.entries > entries:
        return None, f"{seal.entries:,} entries were sealed, {entries:,} are left"
    pk, found = there.get(seal.entries, (None, GENESIS))
    if found != seal.head_hash:
        return pk, f"place {seal.entries:,} is not the entry that was sealed"
    return None, ""


def blind_seal(seal: AccessSeal) -> str:
    """Return what the audit chain is told: nothing to whoever lacks the salt."""
    content = f"{seal.salt}:{seal.entries}:{seal.head_hash}:{seal.sealed_on.isoformat()}"
    return hashlib.sha256(content.encode()).hexdigest()
