"""Until a provider is live it moves no real player's money; a rehearsal's players play as ever."""

from typing import Any

import pytest

from apps.gateway.models import Rejection
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.models import Player
from apps.providers.models import Provider
from tests.gateway.builders import Casino, assert_ledger_holds, everything
from tests.gateway.operations_makers import ask_one, reward, rollback, stake, win


def _set_back() -> None:
    Provider.objects.update(stage="onboarding")


def _counted(code: str) -> int:
    return sum(Rejection.objects.filter(code=code).values_list("count", flat=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"finalized": False, "round_id": "r-1"},
        {"win_amount": "900.00"},
        {"bet_amount": "0.00", "win_amount": "50.00", "round_type": "bonus"},
        {"bet_amount": "0.00", "win_amount": "50.00", "round_type": "free_spin"},
        {"finalized": False, "bet_amount": "0.00", "win_amount": "50.00", "round_type": "bonus"},
        {"finalized": False, "bet_amount": "0.00", "round_type": "free_spin", "round_id": "f-1"},
    ],
)
def test_a_native_event_of_a_real_player_is_refused_counted_and_moves_nothing(
    casino: Casino, changes: dict[str, Any]
) -> None:
    _set_back()
    before = everything()
    result = casino.send_one(casino.event("e-1", **changes))
    assert (result["status"], result["code"]) == ("rejected", "unknown_game")
    assert _counted("provider_not_live") == 1
    assert everything() == before


@pytest.mark.parametrize(
    "message",
    [
        stake("s-1"),
        stake("s-1", 0, is_free=True),
        win("w-1", 500_000),
        win("w-1", 500_000, is_free=True, round_type="free_spin"),
        reward("p-1", 500_000),
    ],
)
def test_an_operation_of_a_real_player_is_refused_counted_and_moves_nothing(
    casino: Casino, message: Any
) -> None:
    _set_back()
    before = everything()
    answer = ask_one(casino, message, win_without_stake="allow")
    assert answer[:2] == ("rejected", "provider_not_live")
    assert _counted("provider_not_live") == 1
    assert everything() == before


def test_money_back_of_what_is_on_our_books_goes_on(casino: Casino) -> None:
    casino.send_one(casino.tentative("e-1", win_amount="0.00"))
    casino.send_one(casino.tentative("e-2", "r-2", win_amount="0.00"))
    ask_one(casino, stake("s-3", 200, round_ref="r-3"))
    ask_one(casino, stake("s-4", 200, round_ref="r-4"))
    _set_back()
    won = casino.event("w-1", round_id="r-1", bet_amount="0.00", win_amount="9.00")
    assert casino.send_one(won)["status"] == "accepted"
    assert casino.send_one(casino.rollback("b-2", "e-2"))["status"] == "accepted"
    paid = win("w-3", 700, round_ref="r-3", finalized=True)
    assert ask_one(casino, paid)[0] == "accepted"
    assert ask_one(casino, rollback("b-4", "s-4", round_ref="r-4"))[0] == "accepted"
    assert casino.pots()["cash"] == 10_000 - 200 + 900 - 200 + 700
    assert casino.pots()["held"] == 0
    assert_ledger_holds()


def test_a_stake_that_comes_late_into_a_closed_round_moves_nothing(casino: Casino) -> None:
    casino.send(casino.event("e-1", round_id="r-1"), casino.rollback("b-1", "e-1"))
    _set_back()
    before = everything()
    result = casino.send_one(casino.tentative("e-2", "r-1"))
    assert (result["status"], result["code"]) == ("rejected", "unknown_game")
    assert _counted("provider_not_live") == 1
    assert everything() == before


def test_a_round_played_too_early_is_recorded_when_it_comes_again_after_go_live(
    casino: Casino,
) -> None:
    _set_back()
    final = casino.event("e-1", round_id="r-1")
    assert casino.send_one(casino.tentative("e-1"))["status"] == "rejected"
    assert casino.send_one(final)["status"] == "rejected"
    assert casino.stored("e-1").code == "provider_not_live"
    Provider.objects.update(stage="live")
    assert casino.send_one(final)["status"] == "accepted"
    assert casino.pots()["cash"] == 10_150


def test_a_rehearsals_player_plays_before_go_live(casino: Casino) -> None:
    _set_back()
    Player.objects.update(jurisdiction=REHEARSAL_JURISDICTION)
    assert casino.send_one(casino.tentative("e-1"))["status"] == "tentative"
    assert casino.send_one(casino.event("e-2"))["status"] == "accepted"
    assert ask_one(casino, stake("s-3", round_ref="r-3"))[0] == "accepted"
    assert ask_one(casino, reward("p-4", 500))[0] == "accepted"
    assert_ledger_holds()
