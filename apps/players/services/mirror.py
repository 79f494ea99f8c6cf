"""Writing the mirror of the operator's players."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from apps.players.contracts import PlayerRecord, PlayerRef, PlayerUpdate
from apps.players.errors import PlayerMismatchError, ProtectedStandingError
from apps.players.locks import lock_player
from apps.players.models import Player
from apps.players.selectors import exclusions_in_force, player_by_id, players_by_ref


@transaction.atomic
def add_players(records: Sequence[PlayerRecord], *, now: datetime) -> int:
    """Add the players not yet known and return how many; a known player is left as it stands.

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
    Player.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


@transaction.atomic
def save_player(update: PlayerUpdate, *, reason: str, now: datetime) -> PlayerRef:
    """Take over what the operator's system says of a player, adding one not yet known.

    Raises:
        PlayerMismatchError: the player plays in another currency.
        ProtectedStandingError: the player would become active while an exclusion holds.
    """
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
    becomes_active = wanted["status"] == "active" and player.status != "active"
    if becomes_active and exclusions_in_force(player.pk, now):
        raise ProtectedStandingError("An exclusion holds; end it under player protection.")
    changed = [name for name, value in wanted.items() if getattr(player, name) != value]
    for name in changed:
        setattr(player, name, wanted[name])
    if changed:
        player._change_reason = reason  # type: ignore[attr-defined] # noqa: SLF001 - simple-history reads it
        player.save(update_fields=changed)
    return player_by_id(player.pk)
