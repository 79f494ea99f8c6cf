"""How other apps read players: as refs, never as rows."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Min, Q

from apps.players.contracts import PlayerRef
from apps.players.enums import LimitKind
from apps.players.errors import UnknownPlayerError
from apps.players.models import Limit, Player

_COLUMNS = ("id", "player_ref", "currency", "jurisdiction", "kyc_status", "status")


def players_by_ref(refs: Iterable[str]) -> dict[str, PlayerRef]:
    """Return the players that carry these references, by reference; unknown ones are left out."""
    rows = Player.objects.filter(player_ref__in=set(refs)).values_list(*_COLUMNS)
    return {row[1]: PlayerRef(*row) for row in rows}


def player_by_id(player_id: int) -> PlayerRef:
    """Return one player.

    Raises:
        UnknownPlayerError: nobody has this id.
    """
    row = Player.objects.filter(pk=player_id).values_list(*_COLUMNS).first()
    if row is None:
        raise UnknownPlayerError(f"There is no player with id {player_id}.")
    return PlayerRef(*row)


def player_by_ref(player_ref: str) -> PlayerRef:
    """Return one player.

    Raises:
        UnknownPlayerError: nobody carries this reference.
    """
    player = players_by_ref([player_ref]).get(player_ref)
    if player is None:
        raise UnknownPlayerError(f"There is no player {player_ref!r:.140}.")
    return player


def wager_limits(player_ids: Iterable[int], now: datetime) -> dict[int, int]:
    """Return the lowest 24-hour wager limit in force per player id, in minor units."""
    in_force = Q(effective_until__isnull=True) | Q(effective_until__gt=now)
    rows = (
        Limit.objects.filter(
            in_force,
            player_id__in=set(player_ids),
            kind=LimitKind.WAGER_24H,
            effective_from__lte=now,
        )
        .values("player_id")
        .annotate(lowest=Min("amount_minor"))
        .values_list("player_id", "lowest")
    )
    return dict(rows)
