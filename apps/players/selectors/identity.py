"""How other apps read players: as refs, never as rows."""

from collections.abc import Iterable

from apps.players.contracts import REHEARSAL_JURISDICTION, PlayerRef
from apps.players.errors import UnknownPlayerError
from apps.players.models import Player

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


def rehearsal_player_refs() -> list[str]:
    """Return how providers and house accounts name the players of ``rehearsal_player_ids``."""
    rows = Player.objects.filter(jurisdiction=REHEARSAL_JURISDICTION)
    return list(rows.order_by("pk").values_list("player_ref", flat=True))


def rehearsal_player_ids() -> list[int]:
    """Return the players that the acceptance kit plays with: no real person is among them."""
    rows = Player.objects.filter(jurisdiction=REHEARSAL_JURISDICTION)
    return list(rows.order_by("pk").values_list("pk", flat=True))
