"""iPlayGames' own messages: money without cents, and rollbacks that come again with less."""

from dataclasses import replace

import pytest

from apps.providers.models import Game
from apps.rounds.models import Conflict
from apps.simulator.dialects.contract import Move, RunKey, Seat, Step, Verdict
from apps.simulator.dialects.iplaygames import IPlayGames
from tests.factories import make_cover
from tests.gateway.builders import SLOT, Casino, open_player
from tests.gateway.dialect_makers import open_casino_of, say, sit, stake

pytestmark = pytest.mark.django_db

IPLAYGAMES = IPlayGames()
GAME = "123"


@pytest.fixture(scope="module")
def key() -> RunKey:
    return IPLAYGAMES.new_key()


@pytest.fixture
def casino(key: RunKey) -> Casino:
    casino = open_casino_of(IPLAYGAMES, key)
    Game.objects.filter(game_code=SLOT).update(game_code=GAME)
    make_cover(Game.objects.get(game_code=GAME))
    return casino


@pytest.mark.parametrize("without", [(), ("currency",)])
def test_a_question_about_money_without_cents_is_told_so(
    casino: Casino, key: RunKey, without: tuple[str, ...]
) -> None:
    open_player("p-jp", cash_minor=5_000, currency="JPY")
    question = Move(Step.BALANCE, Seat("p-jp", "", "JPY", GAME), without=without)
    answer = say(casino, key, question, IPLAYGAMES)
    told = (answer.verdict, answer.code, answer.balance_minor)
    assert told == (Verdict.REFUSED, "WRONG_CURRENCY", None)


@pytest.mark.parametrize("without", [("amount",), ("round_id",), ("game_id",)])
def test_a_rollback_named_by_its_bet_is_the_same_with_less_said(
    casino: Casino, key: RunKey, without: tuple[str, ...]
) -> None:
    _, seat = sit(casino, GAME)
    bet = stake(seat, IPLAYGAMES)
    assert say(casino, key, bet, IPLAYGAMES).balance_minor == 9_900
    back = replace(bet, step=Step.ROLLBACK, target_id=bet.tx_id)
    assert say(casino, key, back, IPLAYGAMES).verdict == Verdict.OK
    again = say(casino, key, replace(back, without=without), IPLAYGAMES)
    assert (again.verdict, again.balance_minor) == (Verdict.REPEAT, 10_000)
    assert not Conflict.objects.exists()
    assert casino.pots()["cash"] == 10_000
