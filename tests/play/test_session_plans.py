"""Questions about sessions read the rows of one player, or of one game's live sessions."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.play.models import SESSION_LIFETIME, GameSession
from apps.play.services import end_sessions_of_offer
from apps.play.visits import playing_since
from apps.players.models import Player
from apps.providers.models import Game
from apps.rounds.models import RoundEvent
from tests.big_rows import fill
from tests.factories import make_game, make_player, make_provider
from tests.plans import plan_of

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def open_sessions(player: Player, game: Game, first: datetime, count: int) -> None:
    GameSession.objects.bulk_create(
        GameSession(
            public_id=uuid4(),
            provider=game.provider,
            player=player,
            game=game,
            currency=player.currency,
            opened_at=first + number * MINUTE,
            stakes_until=first + number * MINUTE + SESSION_LIFETIME,
        )
        for number in range(count)
    )


def statement_with(found: CaptureQueriesContext, mark: str) -> str:
    """Return the one captured statement that says ``mark``."""
    [sql] = [each["sql"] for each in found.captured_queries if mark in each["sql"]]
    return str(sql)


def test_the_last_stake_of_a_session_is_one_step_in_the_players_own_events(now: datetime) -> None:
    fill([Player], rows=40)
    fill([GameSession, RoundEvent], rows=20_000, values={"player_id": "mod(i, 40) + 1"})
    with CaptureQueriesContext(connection) as found:
        playing_since(7, now)
    plan = plan_of(statement_with(found, "rounds_roundevent"))
    # Backward from the later bound to the first stake that is one: never the visit's other events.
    assert "Backward using rounds_event_player_day" in plan, plan
    step = plan[plan.index("Backward using rounds_event_player_day") :].splitlines()[1]
    assert "player_id = " in step, plan
    assert "occurred_at < LEAST" in step, plan
    assert "play_session_of_player" in plan, plan


def test_a_withdrawal_reads_the_live_sessions_of_its_game(now: datetime) -> None:
    game = make_game(make_provider())
    player = make_player("p-1001")
    open_sessions(player, game, now - timedelta(days=30), 300)
    open_sessions(player, game, now - 2 * MINUTE, 2)
    open_sessions(player, make_game(game.provider, "aurora-gems"), now - 200 * MINUTE, 195)
    with CaptureQueriesContext(connection) as found:
        ended = end_sessions_of_offer(game_id=game.pk, jurisdiction="MT", opened_by=now, now=now)
    assert ended == 2
    # Every fifth session has not ended, half of those take stakes; a hundred games are played.
    fill(
        [GameSession],
        rows=20_000,
        values={
            "game_id": "mod(i, 100) + 1",
            "ended_at": "CASE WHEN mod(i / 100, 5) = 0 THEN NULL ELSE now() END",
            "stakes_until": f"timestamptz '{now}' + make_interval(hours => mod(i / 500, 2) - 1)",
        },
    )
    plan = plan_of(statement_with(found, "FOR UPDATE"))
    assert "using play_session_open_of_game" in plan, plan
    step = plan[plan.index("using play_session_open_of_game") :].splitlines()[1]
    assert "game_id = " in step, plan
    assert "stakes_until > " in step, plan
