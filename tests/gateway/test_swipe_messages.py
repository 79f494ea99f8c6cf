"""Swipe's own messages: its sessions say which player and game they are about."""

from dataclasses import replace

import pytest

from apps.play.services import open_session
from apps.providers.models import Game
from apps.rounds.models import Conflict
from apps.simulator.dialects.contract import Move, RunKey, Seat, Step, Verdict
from apps.simulator.dialects.swipe import Swipe
from tests.factories import make_cover
from tests.gateway.builders import SLOT, TABLE, Casino, open_player
from tests.gateway.dialect_makers import open_casino_of, say, sit, stake

pytestmark = pytest.mark.django_db

SWIPE = Swipe()


@pytest.fixture(scope="module")
def key() -> RunKey:
    return SWIPE.new_key()


@pytest.fixture
def casino(key: RunKey) -> Casino:
    return open_casino_of(SWIPE, key)


def test_one_id_told_in_another_games_session_is_a_conflict(casino: Casino, key: RunKey) -> None:
    make_cover(Game.objects.get(game_code=TABLE))
    (_, seat), (_, elsewhere), (_, again) = sit(casino), sit(casino, TABLE), sit(casino)
    bet = stake(seat, SWIPE)
    first = say(casino, key, bet, SWIPE)
    assert (first.verdict, first.balance_minor) == (Verdict.OK, 9_900)
    there = say(casino, key, replace(bet, seat=elsewhere), SWIPE)
    assert (there.verdict, there.http_status, there.our_id) == (Verdict.REFUSED, 400, "")
    assert Conflict.objects.get().event_id == bet.tx_id
    # The same game in a new session is the same bet.
    assert say(casino, key, replace(bet, seat=again), SWIPE).our_id == first.our_id
    assert casino.pots()["cash"] == 9_900


def test_a_refund_is_the_same_in_whichever_session_it_is_told(casino: Casino, key: RunKey) -> None:
    make_cover(Game.objects.get(game_code=TABLE))
    (_, seat), (_, elsewhere) = sit(casino), sit(casino, TABLE)
    bet = stake(seat, SWIPE)
    say(casino, key, bet, SWIPE)
    refund = Move(
        Step.ROLLBACK,
        seat,
        tx_id=SWIPE.new_transaction(),
        round_id=bet.round_id,
        amount_minor=100,
        target_id=bet.tx_id,
    )
    first = say(casino, key, refund, SWIPE)
    told_elsewhere = say(casino, key, replace(refund, seat=elsewhere), SWIPE)
    assert first.our_id == told_elsewhere.our_id
    assert casino.pots()["cash"] == 10_000


def test_zeros_after_the_point_are_no_finer_money(casino: Casino, key: RunKey) -> None:
    open_player("p-jp", cash_minor=5_000, currency="JPY")
    opened = open_session(player_ref="p-jp", provider_code="aurora", game_code=SLOT, now=casino.now)
    seat = Seat("p-jp", opened.public_id, "JPY", SLOT)
    for amount, balance in (("100", 4_900), ("100.0", 4_800), ("100.00", 4_700)):
        answer = say(casino, key, replace(stake(seat, SWIPE), fields={"amount": amount}), SWIPE)
        assert (answer.verdict, answer.balance_minor) == (Verdict.OK, balance)
    finer = replace(stake(seat, SWIPE), fields={"amount": "100.50"})
    assert say(casino, key, finer, SWIPE).http_status == 400
