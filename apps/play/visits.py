"""A player's visit: play without a long break, whatever number of sessions it takes.

A reality check is about how long somebody plays, so that who changes the game every half an hour
is shown one as well.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, Greatest, Least

from apps.play.contracts import RealityCheckState, Visit
from apps.play.errors import UnknownSessionError
from apps.play.models import LONGEST_SESSION, GameplayToken, GameSession
from apps.players.contracts import PlayerRef
from apps.players.selectors import player_by_id, reality_check_clock, unanswered_check
from apps.rounds.player_play import played_since, stakes_since

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

    A session that nobody ended is taken to end with its last token or, where that is later, with
    the last stake at its provider before the next session there: a provider that knows a session
    by its id needs no new token, so that one goes on for hours without.
    """
    before = GameSession.objects.filter(
        player_id=player_id, opened_at__gt=opened_at - _LOOKED_BACK, opened_at__lt=opened_at
    )
    following = GameSession.objects.filter(
        player_id=player_id,
        provider_id=OuterRef("provider_id"),
        opened_at__gt=OuterRef("opened_at"),
    ).order_by("opened_at")
    stakes = stakes_since(player_id, opened_at - _LOOKED_BACK).filter(
        provider_id=OuterRef("provider_id"),
        occurred_at__gte=OuterRef("opened_at"),
        occurred_at__lt=Least(OuterRef("stakes_until"), OuterRef("next_at"), Value(opened_at)),
    )
    tokens = GameplayToken.objects.filter(session_id=OuterRef("pk")).order_by("-expires_at")
    rows = before.annotate(
        next_at=Subquery(following.values("opened_at")[:1]),
        last_token=Subquery(tokens.values("expires_at")[:1]),
        last_stake=Subquery(stakes.order_by("-occurred_at").values("occurred_at")[:1]),
    ).values_list(
        "opened_at",
        Coalesce("ended_at", Greatest("last_token", "last_stake"), "stakes_until"),
    )
    return start_of_visit(rows, opened_at)


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
