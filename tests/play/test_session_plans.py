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
from tests.factories import make_game, make_player, make_provider
from tests.rounds_makers import fund, play, round_event

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


def plan_of(found: CaptureQueriesContext, mark: str) -> str:
    """Return how the one captured statement with ``mark`` is executed."""
    [sql] = [each["sql"] for each in found.captured_queries if mark in each["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE play_gamesession, rounds_roundevent")
        # The tables of a test are too small for an index to be worth its while.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(row[0] for row in cursor.fetchall())


def plain_index(table: str, column: str) -> str:
    """Return the name of the index of one column alone."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    [name] = [
        name
        for name, facts in found.items()
        if facts["index"] and facts["columns"] == [column] and facts["type"] == "idx"
    ]
    return str(name)


def test_the_last_stake_of_a_session_is_one_step_in_the_players_own_events(now: datetime) -> None:
    game = make_game(make_provider())
    player, other = make_player("p-1001"), make_player("p-2002")
    for one in (player, other):
        fund(one, 100_000, now)
        open_sessions(one, game, now - 100 * MINUTE, 40)
        for number in range(40):
            at = now - (90 - number) * MINUTE
            play(game.provider, [round_event(one, f"{one.pk}-{number}", at)], at)
    with CaptureQueriesContext(connection) as found:
        playing_since(player.pk, now)
    with connection.cursor() as cursor:
        # Nor are so few rows worth an order of their own: sorting them costs nothing.
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_incremental_sort = off")
    plan = plan_of(found, "rounds_roundevent")
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
    with connection.cursor() as cursor:
        # What else could be read is as small here, and grows with all games or with all the years.
        cursor.execute("DROP INDEX play_session_taking_stakes")
        cursor.execute("DROP INDEX " + plain_index("play_gamesession", "game_id"))
    plan = plan_of(found, "FOR UPDATE")
    assert "using play_session_open_of_game" in plan, plan
    step = plan[plan.index("using play_session_open_of_game") :].splitlines()[1]
    assert "game_id = " in step, plan
    assert "stakes_until > " in step, plan
