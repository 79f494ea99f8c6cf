"""A session does not outlive the gate that it came through: stakes stop, settlement goes on."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pgtrigger
import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.models import OutboxMessage
from apps.play import tasks
from apps.play.models import GameSession
from apps.play.selectors import sessions_by_public_id
from apps.play.services import can_serve, open_session
from apps.players.contracts import PlayerUpdate
from apps.players.services import save_player
from apps.providers.models import Deployment, Game, GameBuild
from apps.providers.services import scope
from apps.providers.services.builds import Editing
from apps.providers.services.certificates import withdraw_certificate
from tests.big_rows import fill
from tests.factories import MADE_AT, make_cover, make_game, make_player, make_provider
from tests.integrity.test_digests import OTHER, TABLE, certify, line, report, take
from tests.plans import plan_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def game() -> Game:
    make_player("p-1")
    return make_game(make_provider(), offered_in=("MT", "SE", "AU"))


def launch(
    now: datetime, player_ref: str = "p-1", *, game_code: str = "aurora-reef"
) -> GameSession:
    opened = open_session(
        player_ref=player_ref, provider_code="aurora", game_code=game_code, now=now
    )
    return GameSession.objects.get(pk=opened.session_id)


def takes_stakes(session: GameSession, at: datetime) -> bool:
    public_id = str(session.public_id)
    with connection.cursor() as cursor:
        return sessions_by_public_id(cursor, [public_id], at)[public_id].is_live


def run(task: Any, at: datetime) -> None:
    """Run what the outbox holds for the task, twice; or the task itself where nothing told it."""
    messages = [(m.pk, m.payload) for m in OutboxMessage.objects.filter(task=task.name)]
    with time_machine.travel(at, tick=False):
        for _ in range(2):
            for pk, payload in messages:
                task(outbox_id=pk, **payload)
    assert messages


def ended_with(session: GameSession) -> tuple[str, str]:
    session.refresh_from_db()
    return session.end_code, session.end_reason


def test_a_report_that_is_taken_back_ends_what_only_it_covered(game: Game, now: datetime) -> None:
    make_player("p-se", jurisdiction="SE")
    recalled = make_cover(game, "MT")
    make_cover(game, "SE")
    here, there = launch(now), launch(now, "p-se")
    later = now + timedelta(minutes=10)
    editing = Editing(None, "The lab's letter 7.", later)
    scope.recall_certificate(certificate_id=recalled.pk, on=later.date(), editing=editing)
    run(tasks.end_sessions_of_report, later)
    code, reason = ended_with(here)
    assert code == "gate_closed"
    assert reason.startswith("Not to be served in MT any more. ")
    assert f"{recalled} was recalled from {later.date()} on." in reason
    assert not takes_stakes(here, later)
    assert ended_with(there) == ("", "")
    assert takes_stakes(there, later)


def test_a_row_withdrawn_as_a_mistake_ends_it_too_and_spares_what_another_covers(
    game: Game, now: datetime
) -> None:
    first, second = make_cover(game), make_cover(game)
    session, later = launch(now), now + timedelta(minutes=10)
    facts: dict[str, Any] = {"acting_user": None, "reason": "Wrong day.", "now": later}
    withdraw_certificate(certificate_id=first.pk, **facts)
    run(tasks.end_sessions_of_report, later)
    assert takes_stakes(session, later)
    withdraw_certificate(certificate_id=second.pk, **facts)
    run(tasks.end_sessions_of_report, later)
    assert not takes_stakes(session, later)


def test_a_wrong_file_on_the_game_server_ends_what_runs(now: datetime) -> None:
    make_player("p-1")
    game = make_game(make_provider())
    certify(make_cover(game))
    build = GameBuild.objects.create(game=game, version="1.0", created_at=MADE_AT)
    Deployment.objects.create(
        game=game, jurisdiction="MT", build=build, starts_at=MADE_AT, created_at=MADE_AT
    )
    session, later = launch(now), now + timedelta(minutes=10)
    take(report(later, line(digest=OTHER), line(TABLE)), later)
    run(tasks.end_sessions_of_fault, later)
    assert ended_with(session)[0] == "gate_closed"
    assert "is not the file that was certified" in session.end_reason


@pytest.mark.parametrize(("place", "is_live"), [("AU", False), ("SE", True)])
def test_a_move_ends_what_may_not_be_served_there(
    game: Game, now: datetime, place: str, is_live: bool
) -> None:
    for each in ("MT", "SE", "AU"):
        make_cover(game, each)
    session, later = launch(now), now + timedelta(minutes=10)
    update = PlayerUpdate("p-1", "EUR", place, "verified")
    save_player(update, reason="Moved.", now=later)
    run(tasks.end_sessions_of_mover, later)
    assert takes_stakes(session, later) is is_live


def test_what_lapses_at_midnight_is_found_by_the_sweep(game: Game) -> None:
    certificate = make_cover(game, expires_on=date(2026, 11, 22))
    midnight = datetime(2026, 11, 22, 23, tzinfo=UTC)
    session = launch(midnight - timedelta(minutes=5))
    for at, is_live in ((midnight - timedelta(seconds=1), True), (midnight, False)):
        with time_machine.travel(at, tick=False):
            tasks.end_sessions_the_gate_refuses()
        assert takes_stakes(session, at) is is_live
        assert can_serve(game_id=game.pk, jurisdiction="MT", at=at).allowed is is_live
    assert ended_with(session) == (
        "gate_closed",
        f"Not to be served in MT any more. {certificate} was valid through 2026-11-22.",
    )


def test_a_game_that_cannot_be_read_keeps_no_other_games_sessions_open(
    game: Game, caplog: pytest.LogCaptureFixture
) -> None:
    midnight = datetime(2026, 11, 22, 23, tzinfo=UTC)
    before = midnight - timedelta(minutes=5)
    lapsing, going_on = (make_game(game.provider, code) for code in ("aurora-two", "aurora-three"))
    make_cover(game)
    make_cover(lapsing, expires_on=date(2026, 11, 22))
    make_cover(going_on)
    broken, ended, spared = (
        launch(before, game_code=g.game_code) for g in (game, lapsing, going_on)
    )
    elsewhere = GameBuild.objects.create(game=going_on, version="9", created_at=MADE_AT)
    # A build of another game, which the table refuses: nobody can say what runs then.
    with pgtrigger.ignore("providers.Deployment:is_of_one_game"):
        Deployment.objects.create(
            game=game, jurisdiction="MT", build=elsewhere, starts_at=MADE_AT, created_at=MADE_AT
        )
    with pytest.raises(KeyError):
        can_serve(game_id=game.pk, jurisdiction="MT", at=midnight)
    with time_machine.travel(midnight, tick=False):
        tasks.end_sessions_the_gate_refuses()
    assert ended_with(ended)[0] == "gate_closed"
    assert [takes_stakes(each, midnight) for each in (broken, ended, spared)] == [True, False, True]
    assert "play.gate.unreadable" in caplog.text


def test_the_sweep_asks_as_much_of_many_open_games_as_of_one(game: Game, now: datetime) -> None:
    make_cover(game)
    launch(now)
    asked = []
    for number in range(2):
        with CaptureQueriesContext(connection) as captured, time_machine.travel(now, tick=False):
            tasks.end_sessions_the_gate_refuses()
        asked.append(len(captured))
        for more in range(0 if number else 8):
            make_cover(make_game(game.provider, f"aurora-{more}"))
            launch(now, game_code=f"aurora-{more}")
    # With the savepoint's two.
    assert asked[0] == asked[1] <= 13
    assert GameSession.objects.filter(ended_at=None).count() == 9


def test_the_sweep_reads_the_sessions_that_take_stakes_by_their_index() -> None:
    # One in a hundred has not ended, and half of those take stakes.
    ended = "CASE WHEN mod(i, 100) = 0 THEN NULL ELSE now() END"
    until = "now() + make_interval(hours => CASE WHEN mod(i, 200) = 0 THEN 1 ELSE -1 END)"
    fill([GameSession], rows=5_000, values={"ended_at": ended, "stakes_until": until})
    plan = plan_of(
        "SELECT game_id FROM play_gamesession WHERE stakes_until > now() AND ended_at IS NULL"
    )
    assert "play_session_taking_stakes" in plan, plan
