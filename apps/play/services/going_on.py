"""Sessions end where the launch gate would not open them now: no new stake, settlement goes on."""

from collections.abc import Collection
from datetime import datetime

from apps.play.enums import SessionEnd
from apps.play.selectors import places_played_in
from apps.play.services.gate import can_serve
from apps.play.services.sessions import end_sessions_in


def end_sessions_the_gate_refuses(
    *, now: datetime, game_ids: Collection[int] | None = None, player_id: int | None = None
) -> int:
    """End the sessions of games that may not be served any more where they are played; count them.

    The gate is asked once for each game and place, by what it says of the game, whoever plays. What
    it can't read is an error that goes up. Safe to repeat; sessions opened after ``now`` go on.
    """
    ended = 0
    for game_id, jurisdiction in places_played_in(now, game_ids=game_ids, player_id=player_id):
        answer = can_serve(game_id=game_id, jurisdiction=jurisdiction, at=now)
        if answer.allowed:
            continue
        why = " ".join(dict.fromkeys(reason.text for reason in answer.reasons))
        end = (SessionEnd.GATE_CLOSED, f"Not to be served in {jurisdiction} any more. {why}")
        ended += end_sessions_in(game_id, jurisdiction, end, opened_by=now, now=now)
    return ended
