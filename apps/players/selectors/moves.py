"""Where a player lived before: for as long as it still counts, and at the moment of some play."""

from datetime import datetime
from typing import Final, LiteralString

from django.db.models import F, Max, OuterRef, Subquery
from django.db.models.functions import Coalesce

from apps.players.models import Move
from apps.players.selectors.identity import player_by_id

# The place that the first move after the moment left; without one, where the player is now. Read
# by the index on the player; most have never moved.
_PLACE: Final[LiteralString] = """
coalesce((SELECT m."left" FROM players_move m WHERE m.player_id = p.id AND m.moved_at > {moment}
    ORDER BY m.moved_at, m.id LIMIT 1), p.jurisdiction)
"""


def raises_held_until(player_id: int) -> datetime | None:
    """Return until when no limit is raised because the player moved; it may be in the past."""
    found = Move.objects.filter(player_id=player_id).aggregate(held=Max("raises_held_until"))
    held: datetime | None = found["held"]
    return held


def moves_of(player_id: int) -> list[Move]:
    """Return a player's moves, the latest first."""
    return list(Move.objects.filter(player_id=player_id).order_by("-moved_at", "-pk"))


def jurisdiction_at(player_id: int, at: datetime) -> str:
    """Return where a player was at a moment; one who moves at it is at the new place.

    Raises:
        UnknownPlayerError: nobody has this id.
    """
    later = Move.objects.filter(player_id=player_id, moved_at__gt=at).order_by("moved_at", "pk")
    left = later.values_list("left", flat=True).first()
    return player_by_id(player_id).jurisdiction if left is None else left


def place_at(moment: str) -> Coalesce:
    """Return the expression of where a row's ``player`` was at the row's own ``moment``."""
    later = Move.objects.filter(player=OuterRef("player"), moved_at__gt=OuterRef(moment))
    left = later.order_by("moved_at", "pk").values("left")[:1]
    return Coalesce(Subquery(left), F("player__jurisdiction"))


def place_at_sql(moment: LiteralString) -> LiteralString:
    """Return the same for a statement in which ``p`` is the player's row."""
    return _PLACE.format(moment=moment)
