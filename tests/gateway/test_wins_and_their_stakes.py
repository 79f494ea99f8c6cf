"""A win that names its stake: whose round it is booked in, and what it may stand on."""

from decimal import Decimal
from typing import Any

import pytest

from apps.bonuses.services.grants import grant_bonus
from apps.providers.enums import Permission, RollbackOfWin, StakeSettles, WinWithoutStake
from apps.rounds import statements
from apps.rounds.models import Round, RoundEvent
from tests.big_rows import fill
from tests.bonuses.makers import make_rule
from tests.gateway.builders import Casino, assert_ledger_holds, everything, lines, open_player
from tests.gateway.operations_makers import ask, ask_one, reward, rollback, stake, win
from tests.plans import plan_of

AT_ONCE: dict[str, Any] = {"stake_settles": StakeSettles.AT_ONCE}


def rounds() -> dict[str, tuple[str, int]]:
    """Return the state and the standing events of each round."""
    found = Round.objects.order_by("round_ref")
    return {one.round_ref: (str(one.state), one.standing_events) for one in found}


@pytest.mark.parametrize("policy", [{}, AT_ONCE], ids=["held", "taken at once"])
def test_a_win_that_says_another_round_settles_its_stake_against_a_rollback(
    casino: Casino, policy: dict[str, Any]
) -> None:
    ask(casino, stake("b-1", 1_000, round_ref="r-1"), **policy)
    won = win("w-1", 5_000, round_ref="r-2", reference_event_id="b-1", finalized=True)
    assert ask_one(casino, won, **policy) == ("accepted", "", 14_000)
    assert rounds() == {"r-1": ("settled", 2)}
    assert (casino.stored("w-1").round_ref, casino.stored("b-1").money_state) == ("r-2", "settled")
    before = everything()
    back = rollback("x-1", "b-1", round_ref="r-1")
    assert ask_one(casino, back, **policy)[:2] == ("rejected", "already_settled")
    assert everything() == before
    assert ask_one(casino, won, **policy) == ("duplicate", "", 14_000)
    assert_ledger_holds()


def test_a_lost_round_of_another_name_leaves_no_stake_held(casino: Casino) -> None:
    ask(casino, stake("b-1", 1_000, round_ref="r-1"))
    ask(casino, win("w-1", 0, round_ref="r-2", reference_event_id="b-1", finalized=True))
    assert casino.pots() == {"cash": 9_000, "bonus": 0, "held": 0, "pending": 0}
    assert rounds() == {"r-1": ("settled", 2)}


def test_the_round_that_a_win_says_it_closes_is_closed_as_well(casino: Casino) -> None:
    ask(casino, stake("b-1", 1_000, round_ref="r-1"), stake("b-2", 300, round_ref="r-2"))
    ask(casino, win("w-1", 500, round_ref="r-2", reference_event_id="b-1", finalized=True))
    assert casino.pots() == {"cash": 9_200, "bonus": 0, "held": 0, "pending": 0}
    assert rounds() == {"r-1": ("settled", 2), "r-2": ("settled", 1)}
    assert_ledger_holds()


def test_a_win_into_the_closed_round_of_its_stake_is_late(casino: Casino) -> None:
    ask(casino, stake("b-1", round_ref="r-1", finalized=True))
    won = win("w-1", round_ref="r-2", reference_event_id="b-1")
    refused = ask_one(casino, won, win_after_close=Permission.REFUSE)
    assert refused == ("rejected", "round_closed", 9_800)
    assert ask_one(casino, won) == ("accepted", "late", 10_150)
    assert rounds() == {"r-1": ("settled", 2)}


def test_stake_win_and_rollback_in_one_delivery_pay_once(casino: Casino) -> None:
    found = ask(
        casino,
        stake("b-1", 1_000, round_ref="r-1"),
        win("w-1", 5_000, round_ref="r-2", reference_event_id="b-1"),
        rollback("x-1", "b-1", round_ref="r-1"),
    )
    assert [outcome.code for outcome in found] == ["", "", "already_settled"]


def test_a_win_goes_to_the_pots_of_the_stake_it_names(casino: Casino) -> None:
    rule = make_rule(percent_bp=10_000, requirement_multiple=Decimal("30.00"), max_bet_minor=10_000)
    ask(casino, stake("spend", 10_000, round_ref="r-0", finalized=True))
    grant_bonus(
        player_id=casino.player.pk,
        rule_code=rule.code,
        deposit_minor=5_000,
        acting_user=None,
        idempotency_key="g-1",
        now=casino.now,
    )
    ask(casino, stake("b-1", 1_000, round_ref="r-1"))
    ask(casino, win("w-1", 4_000, round_ref="r-2", reference_event_id="b-1", finalized=True))
    assert lines("aurora:w-1") == [("win", "gaming:aurora", "p-1001 bonus", 4_000)]
    assert casino.pots() == {"cash": 0, "bonus": 8_000, "held": 0, "pending": 0}


def test_a_win_that_was_booked_in_a_round_of_its_own_settles_its_stake_too(casino: Casino) -> None:
    allowed: dict[str, Any] = {"win_without_stake": "allow"}
    ask(casino, win("w-1", 5_000, round_ref="r-2", reference_event_id="b-1"), **allowed)
    ask(casino, stake("b-1", 1_000, round_ref="r-1"))
    assert rounds() == {"r-1": ("open", 1), "r-2": ("open", 1)}
    back = rollback("x-1", "b-1", round_ref="r-1")
    assert ask_one(casino, back)[:2] == ("rejected", "already_settled")


def test_a_win_settles_the_stake_that_it_names_and_no_other_of_its_round(casino: Casino) -> None:
    ask(casino, stake("b-1", 1_000), stake("b-2", 300), win("w-1", 500, reference_event_id="b-1"))
    assert ask_one(casino, rollback("x-2", "b-2")) == ("accepted", "", 9_500)
    assert ask_one(casino, rollback("x-1", "b-1")) == ("rejected", "already_settled", 9_500)


@pytest.mark.parametrize("is_at_once", [True, False], ids=["in one delivery", "one by one"])
def test_a_win_that_was_taken_back_settles_its_stake_no_more(
    casino: Casino, *, is_at_once: bool
) -> None:
    policy: dict[str, Any] = {"rollback_of_win": RollbackOfWin.ALLOW}
    messages = [
        stake("b-1", 1_000),
        win("w-1", 500),
        rollback("x-1", "w-1"),
        rollback("x-2", "b-1"),
    ]
    deliveries = [messages] if is_at_once else [[message] for message in messages]
    found = [outcome for delivery in deliveries for outcome in ask(casino, *delivery, **policy)]
    assert [(outcome.status, outcome.code) for outcome in found] == [("accepted", "")] * 4
    assert casino.pots() == {"cash": 10_000, "bonus": 0, "held": 0, "pending": 0}
    assert_ledger_holds()


def test_a_win_of_another_player_settles_nobody_elses_stake(casino: Casino) -> None:
    open_player("p-2002")
    allowed: dict[str, Any] = {"win_without_stake": "allow"}
    ask(casino, stake("b-1", 1_000))
    ask(casino, win("w-2", 70, player_ref="p-2002", reference_event_id="b-1"), **allowed)
    assert ask_one(casino, rollback("x-1", "b-1"))[0] == "accepted"
    assert casino.pots()["cash"] == 10_000


def test_a_win_stands_on_no_win_and_on_no_reward(casino: Casino) -> None:
    ask(casino, stake("b-1", 1_000), win("w-1", 100, reference_event_id="b-1"), reward("p-1", 5))
    before = everything()
    for target in ("w-1", "p-1", "never-came"):
        named = win(f"w-{target}", 5_000, round_ref="r-9", reference_event_id=target)
        assert ask_one(casino, named) == ("rejected", "unknown_stake", 9_105)
    assert everything() == before
    assert not Round.objects.filter(round_ref="r-9").exists()
    # Its id stays free: named right, it is paid.
    right = win("w-w-1", 5_000, round_ref="r-9", reference_event_id="b-1")
    assert ask_one(casino, right) == ("accepted", "", 14_105)


def test_a_win_that_names_its_round_stands_on_no_win_there(casino: Casino) -> None:
    promo: dict[str, Any] = {"win_without_stake": WinWithoutStake.PROMO}
    ask(casino, win("w-1", 100, is_free=True), **promo)
    assert rounds() == {"r-1": ("open", 1)}
    before = everything()
    assert ask_one(casino, win("w-2", 5_000), **promo) == ("rejected", "unknown_stake", 10_100)
    together = ask(
        casino,
        win("w-3", 70, is_free=True, round_ref="r-2"),
        win("w-4", 5_000, round_ref="r-2"),
        **promo,
    )
    assert [outcome.code for outcome in together] == ["", "unknown_stake"]
    assert everything()["transfers"] == before["transfers"] + 1


def test_a_win_in_the_round_of_a_free_stake_stands_on_it(casino: Casino) -> None:
    ask(casino, stake("b-1", 0, is_free=True))
    assert ask_one(casino, win("w-1", 500)) == ("accepted", "", 10_500)
    found = ask(casino, stake("b-2", 0, is_free=True, round_ref="r-2"), win("w-2", round_ref="r-2"))
    assert [outcome.code for outcome in found] == ["", ""]


def test_a_free_stake_stands_where_the_paid_one_beside_it_is_rolled_back_at_once(
    casino: Casino,
) -> None:
    taken: dict[str, Any] = {"stake_settles": StakeSettles.AT_ONCE}
    ask(casino, stake("b-1"), stake("b-2", 0, is_free=True), **taken)
    found = ask(casino, rollback("x-1", "b-1"), win("w-1", 100), **taken)
    assert [one.code for one in found] == ["", ""]
    assert casino.pots()["cash"] == 10_100


@pytest.mark.parametrize(
    "named",
    [{"reference_event_id": "b-1", "round_ref": "r-9"}, {"reference_event_id": "b-1"}, {}],
    ids=["its stake, of another round", "its stake", "its round"],
)
def test_a_win_of_an_unknown_game_is_paid_in_the_game_of_its_stake(
    casino: Casino, named: dict[str, str]
) -> None:
    ask(casino, stake("b-1", 1_000))
    unknown = win("w-1", 5_000, game_code="nobody-knows", **named)
    assert ask_one(casino, unknown) == ("accepted", "", 14_000)
    stored = casino.stored("w-1")
    assert (stored.game_code, stored.game) == ("nobody-knows", casino.stored("b-1").game)
    assert rounds() == {"r-1": ("open", 2)}


def test_an_unknown_game_with_no_stake_of_ours_is_refused(casino: Casino) -> None:
    ask(casino, stake("b-1", 1_000))
    before = everything()
    for message in (
        win("w-1", game_code="nobody-knows", round_ref="r-9", reference_event_id="never-came"),
        win("w-2", game_code="nobody-knows", round_ref="r-9"),
        stake("b-2", game_code="nobody-knows"),
        rollback("x-1", "", game_code="nobody-knows", round_ref="r-9"),
    ):
        assert ask_one(casino, message)[:2] == ("rejected", "unknown_game")
    assert everything() == before


@pytest.mark.django_db
def test_the_wins_of_a_stake_are_found_by_an_index() -> None:
    fill([RoundEvent, Round], rows=5_000)
    named, whole = [[1], ["t1"], [1]], [[1], ["t1"], [1]]
    plan = plan_of(statements.FIND_SETTLING_WINS, [*whole, *named])
    assert "rounds_event_reference" in plan, plan
    assert "rounds_roundevent_round_id" in plan, plan
    assert "Seq Scan" not in plan, plan
