"""A rollback with a number of its own: its round says what it takes back, or nobody does."""

from typing import Any

import pytest

from apps.gateway.models import Rejection
from apps.providers.contracts import CanonicalEvent
from apps.providers.enums import (
    LateStake,
    Permission,
    RefundAmount,
    RollbackNumber,
    StakeSettles,
    UnknownRollback,
    WinWithoutStake,
)
from apps.rounds import statements
from apps.rounds.models import Round, RoundEvent
from tests.big_rows import fill
from tests.gateway.builders import Casino, assert_ledger_holds, everything, lines, open_player
from tests.gateway.operations_makers import ask, ask_one, rollback, stake, win
from tests.plans import plan_of

OWN: dict[str, Any] = {"rollback_number": RollbackNumber.OWN, "late_stake": LateStake.REFUSE}
AT_ONCE: dict[str, Any] = OWN | {"stake_settles": StakeSettles.AT_ONCE}


def take_back(event_id: str, amount_minor: int | None = None, **changes: Any) -> CanonicalEvent:
    """Return a rollback of whatever stake stands in round r-1."""
    return rollback(event_id, "", refund_minor=amount_minor, **changes)


@pytest.mark.parametrize("policy", [OWN, AT_ONCE], ids=["held", "taken at once"])
def test_the_one_stake_of_the_round_comes_back_and_the_rollback_names_it(
    casino: Casino, policy: dict[str, Any]
) -> None:
    assert ask_one(casino, stake("b-1"), **policy) == ("accepted", "", 9_800)
    assert ask_one(casino, take_back("x-1", 200), **policy) == ("accepted", "", 10_000)
    assert casino.pots() == {"cash": 10_000, "bonus": 0, "held": 0, "pending": 0}
    assert casino.stored("x-1").reference_event_id == "b-1"
    assert casino.stored("b-1").money_state == "rolled_back"
    assert_ledger_holds()


def test_stake_and_rollback_in_one_delivery_leave_nothing_moved(casino: Casino) -> None:
    ask(casino, stake("b-1"), take_back("x-1", 200), **OWN)
    assert casino.pots()["cash"] == 10_000
    assert casino.stored("b-1").money_state == "rolled_back"
    assert_ledger_holds()


def test_a_stake_of_another_round_in_the_same_delivery_is_not_meant(casino: Casino) -> None:
    other = stake("b-2", round_ref="r-2")
    found = ask(casino, stake("b-1"), other, take_back("x-1", 200), **OWN)
    assert [outcome.status for outcome in found] == ["accepted"] * 3
    states = [casino.stored(name).money_state for name in ("b-1", "b-2")]
    assert states == ["rolled_back", "held"]
    assert_ledger_holds()


def test_it_comes_again_and_is_the_same_rollback(casino: Casino) -> None:
    ask(casino, stake("b-1"), **AT_ONCE)
    ask(casino, take_back("x-1", 200), **AT_ONCE)
    before = everything()
    assert ask_one(casino, take_back("x-1", 200), **AT_ONCE) == ("duplicate", "", 10_000)
    assert everything() == before


def test_another_number_for_the_same_round_moves_nothing_more(casino: Casino) -> None:
    ask(casino, stake("b-1"), **AT_ONCE)
    ask(casino, take_back("x-1", 200), **AT_ONCE)
    before = everything()
    assert ask_one(casino, take_back("x-2", 200), **AT_ONCE) == (
        "accepted",
        "unknown_target",
        10_000,
    )
    assert everything() == before


def test_of_several_stakes_the_one_of_its_amount_comes_back(casino: Casino) -> None:
    ask(casino, stake("b-1", 100), stake("b-2", 200), stake("b-3", 300), **AT_ONCE)
    assert ask_one(casino, take_back("x-1", 200), **AT_ONCE)[:2] == ("accepted", "")
    states = dict(RoundEvent.objects.values_list("event_id", "money_state"))
    assert states == {"b-1": "settled", "b-2": "rolled_back", "b-3": "settled", "x-1": "none"}
    assert casino.pots()["cash"] == 9_600
    assert_ledger_holds()


@pytest.mark.parametrize("amount", [None, 999, 100], ids=["no amount", "of none", "of two"])
def test_where_several_may_be_meant_it_is_refused_and_its_number_stays_free(
    casino: Casino, amount: int | None
) -> None:
    ask(casino, stake("b-1", 100), stake("b-2", 100), stake("b-3", 300), **AT_ONCE)
    before = everything()
    refused = ask_one(casino, take_back("x-1", amount), **AT_ONCE)
    assert refused == ("rejected", "ambiguous_rollback", 9_500)
    assert everything() == before
    assert not RoundEvent.objects.filter(event_id="x-1").exists()
    assert Rejection.objects.get(code="ambiguous_rollback").last_detail == "r-1"


def test_a_round_nobody_knows_is_closed_and_its_late_stake_moves_nothing(casino: Casino) -> None:
    before = everything()
    assert ask_one(casino, take_back("x-1", 200), **OWN) == ("accepted", "unknown_target", 10_000)
    assert Round.objects.get().state == "rolled_back"
    assert Round.objects.get().settled_at is not None
    assert ask_one(casino, stake("b-1"), **OWN) == ("rejected", "rolled_back", 10_000)
    late = OWN | {"late_stake": LateStake.ACK, "stake_after_close": Permission.ALLOW}
    assert ask_one(casino, stake("b-2"), **late) == ("accepted", "late", 10_000)
    assert everything() == before


def test_rollback_and_late_stake_in_one_delivery_move_nothing(casino: Casino) -> None:
    before = everything()
    [_, late] = ask(casino, take_back("x-1", 200), stake("b-1"), **OWN)
    assert (late.status, late.code) == ("rejected", "rolled_back")
    assert everything() == before


def test_an_unknown_round_is_answered_by_policy(casino: Casino) -> None:
    told = OWN | {"unknown_rollback": UnknownRollback.NOT_FOUND}
    assert ask_one(casino, take_back("x-1", 200), **told)[1] == "unknown_target"


def test_after_a_win_it_is_refused_unless_allowed(casino: Casino) -> None:
    ask(casino, stake("b-1"), win("w-1"), **AT_ONCE)
    before = everything()
    assert ask_one(casino, take_back("x-1", 200), **AT_ONCE)[:2] == ("rejected", "already_settled")
    assert everything() == before
    allowed = AT_ONCE | {"rollback_after_win": Permission.ALLOW}
    assert ask_one(casino, take_back("x-1", 200), **allowed) == ("accepted", "", 10_350)


def test_a_win_that_stands_without_a_stake_is_no_round_to_guess_in(casino: Casino) -> None:
    lenient = OWN | {"win_without_stake": WinWithoutStake.PROMO}
    assert ask_one(casino, win("w-1", is_free=True), **lenient)[0] == "accepted"
    before = everything()
    assert ask_one(casino, take_back("x-1", 200), **OWN)[:2] == ("rejected", "already_settled")
    assert everything() == before


@pytest.mark.parametrize("refund", RefundAmount)
def test_the_only_stake_of_another_amount_is_not_guessed_at(casino: Casino, refund: str) -> None:
    policy = AT_ONCE | {"refund_amount": refund}
    ask(casino, stake("b-1"), **policy)
    before = everything()
    refused = ask_one(casino, take_back("x-1", 199), **policy)
    assert refused == ("rejected", "ambiguous_rollback", 9_800)
    assert everything() == before
    assert not RoundEvent.objects.filter(event_id="x-1").exists()


def test_a_rollback_without_an_amount_means_the_only_stake(casino: Casino) -> None:
    ask(casino, stake("b-1"), **AT_ONCE)
    assert ask_one(casino, take_back("x-1"), **AT_ONCE) == ("accepted", "", 10_000)
    assert casino.stored("b-1").money_state == "rolled_back"
    assert_ledger_holds()


def test_the_only_stake_was_free_and_its_worth_is_not_compared(casino: Casino) -> None:
    ask(casino, stake("b-1", 0, is_free=True), **AT_ONCE)
    assert ask_one(casino, take_back("x-1", 200), **AT_ONCE)[0] == "accepted"
    assert casino.stored("b-1").money_state == "rolled_back"
    assert casino.pots()["cash"] == 10_000


def test_a_rollback_of_a_stake_that_never_came_leaves_the_other_until_it_comes(
    casino: Casino,
) -> None:
    ask(casino, stake("b-1", 1_000), **AT_ONCE)
    refused = ask_one(casino, take_back("x-2", 500), **AT_ONCE)
    assert refused == ("rejected", "ambiguous_rollback", 9_000)
    assert casino.stored("b-1").money_state == "settled"
    assert ask_one(casino, stake("b-2", 500), **AT_ONCE) == ("accepted", "", 8_500)
    assert ask_one(casino, take_back("x-2", 500), **AT_ONCE) == ("accepted", "", 9_000)
    assert casino.stored("x-2").reference_event_id == "b-2"
    assert casino.stored("b-1").money_state == "settled"
    assert_ledger_holds()


def test_another_players_stake_in_a_round_of_that_name_is_left_alone(casino: Casino) -> None:
    open_player("p-2", cash_minor=500)
    ask(casino, stake("b-1"), **AT_ONCE)
    theirs = take_back("x-1", 200, player_ref="p-2")
    assert ask_one(casino, theirs, **AT_ONCE) == ("accepted", "unknown_target", 500)
    assert casino.pots()["cash"] == 9_800
    assert lines("aurora:x-1") == []


def test_a_game_nobody_knows_is_no_round(casino: Casino) -> None:
    ask(casino, stake("b-1"), **AT_ONCE)
    strange = take_back("x-1", 200, game_code="nobody-knows")
    assert ask_one(casino, strange, **AT_ONCE)[:2] == ("rejected", "unknown_game")


@pytest.mark.django_db
def test_the_stakes_of_a_round_are_found_by_its_index() -> None:
    fill([RoundEvent, Round], rows=5_000)
    plan = plan_of(statements.FIND_STANDING_STAKES, [[1, 2]])
    assert "rounds_roundevent_round_id" in plan, plan
    assert "Seq Scan" not in plan, plan
