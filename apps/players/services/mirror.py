"""Writing the mirror of the operator's players."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from apps.core.history import add_all, note_edit
from apps.core.services import record_audit
from apps.players.contracts import REHEARSAL_JURISDICTION, PlayerRecord, PlayerRef, PlayerUpdate
from apps.players.enums import PlayerStatus
from apps.players.errors import PlayerMismatchError, ProtectedStandingError, RehearsalPlaceError
from apps.players.locks import lock_player
from apps.players.models import Player
from apps.players.selectors import exclusions_in_force, player_by_id, players_by_ref
from apps.players.services.moves import record_move

MIRRORED: Final = "The operator's system says so."
"""What the history says of every change that came from outside; it tells their block from ours."""

ADDED: Final = "Added to the mirror."
"""What the history says of a player's first version."""


@transaction.atomic
def add_players(records: Sequence[PlayerRecord], *, now: datetime) -> int:
    """Add the players not yet known and return how many; a known player is left as it stands.

    The history of each begins with the version that it was added as.

    Standing, KYC and limits of a known player are changed by staff with a reason, not by a file.

    Raises:
        PlayerMismatchError: a known player plays in another currency.
    """
    known = players_by_ref(record.player_ref for record in records)
    for record in records:
        player = known.get(record.player_ref)
        if player is not None and player.currency != record.currency:
            raise PlayerMismatchError(
                f"{record.player_ref} plays in {player.currency}, the file says {record.currency}."
            )
    new = [
        Player(
            player_ref=record.player_ref,
            currency=record.currency,
            jurisdiction=record.jurisdiction,
            kyc_status=record.kyc_status,
            created_at=now,
        )
        for record in records
        if record.player_ref not in known
    ]
    return len(add_all(new, key="player_ref", reason=ADDED, now=now))


@transaction.atomic
def save_player(update: PlayerUpdate, *, reason: str, now: datetime) -> PlayerRef:
    """Take over what the operator's system says of a player, adding one not yet known.

    Outside, a player is only blocked and unblocked. Who excluded themselves, whose account is
    closed, or whom staff blocked comes back inside: by an exclusion's end or by a person.

    Raises:
        PlayerMismatchError: the player plays in another currency.
        RehearsalPlaceError: the rehearsals' jurisdiction is named, or the player is of it.
        ProtectedStandingError: the player's standing is not the operator's system's to change.
    """
    if update.jurisdiction == REHEARSAL_JURISDICTION:
        raise RehearsalPlaceError(update.jurisdiction)
    record = PlayerRecord(
        update.player_ref, update.currency, update.jurisdiction, update.kyc_status
    )
    add_players([record], now=now)
    player = lock_player(players_by_ref([update.player_ref])[update.player_ref].id)
    wanted = {
        "jurisdiction": update.jurisdiction,
        "kyc_status": update.kyc_status,
        "status": update.status or player.status,
        "date_of_birth": update.date_of_birth or player.date_of_birth,
    }
    if wanted["status"] != player.status:
        _require_may_change(player, wanted["status"], now)
    changed = [name for name, value in wanted.items() if getattr(player, name) != value]
    if "jurisdiction" in changed:
        record_move(player, update.jurisdiction, now=now)
    for name in changed:
        setattr(player, name, wanted[name])
    if changed:
        # The names of what changed and the codes, never the date of birth.
        codes = {name: str(wanted[name]) for name in changed if name != "date_of_birth"}
        record_audit(
            action="players.player.mirrored",
            actor=None,
            subject=f"players.player:{player.pk}",
            details={"changed": sorted(changed), **codes},
            reason=f"{MIRRORED} {reason}",
            now=now,
        )
        note_edit(player, acting_user=None, reason=f"{MIRRORED} {reason}", now=now)
        player.save(update_fields=changed)
    return player_by_id(player.pk)


def _require_may_change(player: Player, status: object, now: datetime) -> None:
    if status not in {PlayerStatus.ACTIVE, PlayerStatus.BLOCKED}:
        raise ProtectedStandingError("A player is excluded or closed by an exclusion of that kind.")
    if player.status in {PlayerStatus.SELF_EXCLUDED, PlayerStatus.CLOSED}:
        raise ProtectedStandingError("It is ended under player protection only.")
    if player.status == PlayerStatus.BLOCKED and not _is_blocked_from_outside(player):
        raise ProtectedStandingError("Staff blocked the player; staff ends it.")
    if status == PlayerStatus.ACTIVE and exclusions_in_force(player.pk, now):
        raise ProtectedStandingError("An exclusion holds; end it under player protection.")


def _is_blocked_from_outside(player: Player) -> bool:
    """Tell by the history who began the block that holds; what nobody signed is ours."""
    records = player.history.all()
    before = records.exclude(status=PlayerStatus.BLOCKED).order_by("-history_id").first()
    since = records.filter(history_id__gt=before.history_id) if before else records
    began = since.order_by("history_id").first()
    reason = began.history_change_reason if began else None
    return bool(began and not began.history_user_id and (reason or "").startswith(MIRRORED))
