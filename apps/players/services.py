"""Writing the mirror of the operator's players."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from apps.players.contracts import PlayerRecord
from apps.players.errors import PlayerMismatchError
from apps.players.models import Player
from apps.players.selectors import players_by_ref


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
