"""Where a player lived before, for as long as it still counts."""

from datetime import datetime

from django.db.models import Max

from apps.players.models import Move


def raises_held_until(player_id: int) -> datetime | None:
    """Return until when no limit is raised because the player moved; it may be in the past."""
    found = Move.objects.filter(player_id=player_id).aggregate(held=Max("raises_held_until"))
    held: datetime | None = found["held"]
    return held


def moves_of(player_id: int) -> list[Move]:
    """Return a player's moves, the latest first."""
    return list(Move.objects.filter(player_id=player_id).order_by("-moved_at", "-pk"))
