"""A player's visit: play without a long break, whatever number of sessions it takes.

A reality check is about how long somebody plays, so that who changes the game every half an hour
is shown one as well.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max

from apps.play.contracts import RealityCheckState, Visit
from apps.play.errors import UnknownSessionError
from apps.play.models import LONGEST_SESSION, GameSession
from apps.players.contracts import PlayerRef
from apps.players.selectors import player_by_id, reality_check_clock, unanswered_check
from apps.rounds.player_play import played_since

BREAK: Final = timedelta(minutes=15)
_LOOKED_BACK: Final = 2 * LONGEST_SESSION


def start_of_visit(spans: Iterable[tuple[datetime, datetime]], opened_at: datetime) -> datetime:
    """Return when a visit began that goes on at ``opened_at``.

    ``spans`` are the sessions before it, each from its opening to its end; a session that begins
    less than a break after the latest of those before it ended belongs to the same visit.
    """
    since = opened_at
    for start, end in sorted(spans, key=lambda span: span[1], reverse=True):
        if end + BREAK <= since:
            return since
        since = min(since, start)
    return since


def playing_since(player_id: int, opened_at: datetime) -> datetime:
    """Return since when a player plays who opened a session at a moment.

    A session that nobody ended is taken to end with its last token.
    """
    rows = (
        GameSession.objects.filter(
            player_id=player_id,
            opened_at__gt=opened_at - _LOOKED_BACK,
            opened_at__lt=opened_at,
        )
        .annotate(last=Max("tokens__expires_at"))
        .values_list("opened_at", "ended_at", "last", "stakes_until")
    )
    spans = ((start, ended or last or until) for start, ended, last, until in rows)
    return start_of_visit(spans, opened_at)


def visit_of(player: PlayerRef, opened_at: datetime, now: datetime) -> Visit:
    """Return the visit that a session opened at a moment belongs to, with its figures up to now."""
    since = playing_since(player.id, opened_at)
    staked, won = played_since(player.id, since)
    return Visit(
        playing_since=since,
        minutes_played=max(0, int((now - since).total_seconds()) // 60),
        staked_minor=staked,
        won_minor=won,
        currency=player.currency,
        clock=reality_check_clock(player.id, player.jurisdiction, since),
    )


def reality_check_state(session_id: int, now: datetime) -> RealityCheckState:
    """Return how a session stands with reality checks, with the figures to show.

    Raises:
        UnknownSessionError: there is no such session.
    """
    session = GameSession.objects.filter(pk=session_id).first()
    if session is None:
        raise UnknownSessionError(session_id)
    player = player_by_id(session.player_id)
    visit = visit_of(player, session.opened_at, now)
    due_at, acknowledge_by = visit.clock.due_at, session.acknowledge_by
    return RealityCheckState(
        visit=visit,
        waiting=unanswered_check(player.id, str(session.public_id), visit.clock, now),
        is_due=due_at is not None and due_at <= now,
        is_paused=acknowledge_by is not None and acknowledge_by <= now,
        has_ended=session.ended_at is not None or session.stakes_until <= now,
    )
