"""Sessions end where the launch gate would not open them now: no new stake, settlement goes on."""

from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from django.db import transaction

from apps.play.enums import SessionEnd
from apps.play.selectors import places_played_in
from apps.play.services.gate import can_serve, places_open_among
from apps.play.services.sessions import end_sessions_in

logger = structlog.get_logger(__name__)


def end_sessions_the_gate_refuses(
    *, now: datetime, game_ids: Collection[int] | None = None, player_id: int | None = None
) -> int:
    """End the sessions of games that may not be served any more where they are played; count them.

    The gate is asked once for each game and place that one look at all of them does not find open,
    by what it says of the game, whoever plays. Where it can't be read, that is logged, the others
    go on, and the next sweep asks again: a launch is refused there until it can be. Safe to repeat;
    sessions opened after ``now`` go on.
    """
    places = places_played_in(now, game_ids=game_ids, player_id=player_id)
    return sum(_end_where_refused(game, place, now) for game, place in _suspects(places, now))


def _suspects(places: Sequence[tuple[int, str]], now: datetime) -> Sequence[tuple[int, str]]:
    if not places:
        return places
    try:
        # A savepoint, for callers with a transaction that a failed statement would end.
        with transaction.atomic():
            is_open = places_open_among(places, now)
    except Exception:
        logger.exception("play.gates.unreadable", places=len(places))
        return places
    return [place for place in places if place not in is_open]


def _end_where_refused(game_id: int, jurisdiction: str, now: datetime) -> int:
    try:
        with transaction.atomic():
            answer = can_serve(game_id=game_id, jurisdiction=jurisdiction, at=now)
            if answer.allowed:
                return 0
            why = " ".join(dict.fromkeys(reason.text for reason in answer.reasons))
            end = (SessionEnd.GATE_CLOSED, f"Not to be served in {jurisdiction} any more. {why}")
            return end_sessions_in(game_id, jurisdiction, end, opened_by=now, now=now)
    except Exception:
        # One that can't be read must not keep the others' sessions open.
        logger.exception("play.gate.unreadable", game_id=game_id, jurisdiction=jurisdiction)
        return 0
