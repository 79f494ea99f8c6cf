"""A player's move to another jurisdiction: no way round the delay of the place that is left."""

from datetime import UTC, datetime

from apps.core.services import publish
from apps.players import rules
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.enums import RuleKind
from apps.players.errors import RehearsalPlaceError
from apps.players.events import PlayerMoved
from apps.players.models import Move, Player
from apps.players.services.limits import put_off_pending_raises


def record_move(player: Player, place: str, *, now: datetime) -> None:
    """Record that a player goes to another place, and put off what waits where that is stricter.

    Call it under the player's lock, before the player is saved with the new place.

    Raises:
        RehearsalPlaceError: one of the two places is the rehearsals', where nobody lives.
    """
    if REHEARSAL_JURISDICTION in {player.jurisdiction, place}:
        raise RehearsalPlaceError(REHEARSAL_JURISDICTION)
    delay = rules.hours_or_days(
        RuleKind.LIMIT_INCREASE_DELAY, player.jurisdiction, now.astimezone(UTC).date()
    )
    Move.objects.create(
        player=player,
        left=player.jurisdiction,
        entered=place,
        moved_at=now,
        raises_held_until=now + delay,
    )
    put_off_pending_raises(player, place, now=now)
    publish(PlayerMoved(player_id=player.pk, left=player.jurisdiction, entered=place), now=now)
