"""Tentative events, their final one, and every order in which they may arrive."""

import itertools

import pytest

from apps.rounds.models import Round
from tests.gateway.builders import Casino, assert_ledger_holds, everything, later, lines

SETTLED = {"cash": 10_150, "bonus": 0, "held": 0, "pending": 0}


def test_a_tentative_event_holds_the_stake_and_credits_nothing_withdrawable(
    casino: Casino,
) -> None:
    result = casino.send_one(casino.tentative("e-1"))
    assert result == {"event_id": "e-1", "status": "tentative", "code": None, "balance": "98.00"}
    assert casino.pots() == {"cash": 9_800, "bonus": 0, "held": 200, "pending": 350}
    assert lines("aurora:e-1") == [
        ("hold", "p-1001 cash", "p-1001 held", 200),
        ("pend", "gaming:aurora", "p-1001 pending", 350),
    ]
    assert_ledger_holds()


def test_the_same_event_sent_again_as_final_settles_it(casino: Casino) -> None:
    casino.send(casino.tentative("e-1"))
    result = casino.send_one(casino.event("e-1", round_id="r-1"))
    assert result == {"event_id": "e-1", "status": "accepted", "code": None, "balance": "101.50"}
    assert casino.pots() == SETTLED
    assert lines("aurora:e-1")[2:] == [
        ("capture", "p-1001 held", "gaming:aurora", 200),
        ("settle_win", "p-1001 pending", "p-1001 cash", 350),
    ]


def test_both_forms_repeated_are_duplicates(casino: Casino) -> None:
    tentative, final = casino.tentative("e-1"), casino.event("e-1", round_id="r-1")
    casino.send(tentative)
    casino.send(final)
    before = everything()
    assert casino.send_one(tentative)["status"] == "duplicate"
    assert casino.send_one(final)["status"] == "duplicate"
    assert everything() == before


def test_a_final_form_with_other_money_is_a_conflict_and_the_hold_stays(casino: Casino) -> None:
    casino.send(casino.tentative("e-1"))
    before = everything()
    other = casino.event("e-1", round_id="r-1", win_amount="9.00")
    assert casino.send_one(other)["status"] == "conflict"
    assert everything() == before
    assert casino.stored("e-1").money_state == "held"


def test_a_tentative_form_after_the_final_one_is_a_conflict(casino: Casino) -> None:
    casino.send(casino.event("e-1", round_id="r-1"))
    before = everything()
    assert casino.send_one(casino.tentative("e-1"))["status"] == "conflict"
    assert everything() == before


def test_a_cascade_is_settled_whole_by_its_final_event(casino: Casino) -> None:
    casino.send(casino.tentative("c-1", win_amount="0.50"))
    casino.send(casino.tentative("c-2", bet_amount="0.00", win_amount="1.00", round_type="cascade"))
    casino.send(casino.tentative("c-3", bet_amount="0.00", win_amount="2.00", round_type="cascade"))
    assert casino.pots() == {"cash": 9_800, "bonus": 0, "held": 200, "pending": 350}
    last = casino.event(
        "c-4", round_id="r-1", bet_amount="0.00", win_amount="0.00", round_type="cascade"
    )
    assert casino.send_one(last)["balance"] == "101.50"
    assert casino.pots() == SETTLED
    found = Round.objects.get(round_ref="r-1")
    assert (found.state, found.stake_minor, found.win_minor) == ("settled", 200, 350)
    assert {casino.stored(f"c-{n}").money_state for n in range(1, 5)} == {"settled"}
    assert_ledger_holds()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_round_ends_the_same_in_whatever_order_its_events_arrive(
    casino: Casino, order: tuple[int, ...]
) -> None:
    events = [
        casino.tentative("e-1", win_amount="0.00"),
        casino.tentative("e-2", bet_amount="0.00", timestamp=later(1).isoformat()),
        casino.event(
            "e-3",
            round_id="r-1",
            bet_amount="0.00",
            win_amount="0.00",
            timestamp=later(2).isoformat(),
        ),
    ]
    for place in order:
        assert casino.send_one(events[place])["status"] in {"accepted", "tentative"}
    assert casino.pots() == SETTLED
    assert Round.objects.get().state == "settled"
    assert {casino.stored(f"e-{n}").money_state for n in (1, 2, 3)} == {"settled"}
    assert_ledger_holds()


def test_a_part_that_arrives_after_the_final_event_is_late_and_settles_at_once(
    casino: Casino,
) -> None:
    casino.send(casino.event("f-1", round_id="r-1", timestamp=later(5).isoformat()))
    result = casino.send_one(casino.tentative("e-1", bet_amount="1.00", win_amount="0.00"))
    assert (result["status"], result["code"], result["balance"]) == ("accepted", "late", "100.50")
    assert lines("aurora:e-1") == [("stake", "p-1001 cash", "gaming:aurora", 100)]


def test_a_final_event_into_a_settled_round_is_credited_and_flagged_late(casino: Casino) -> None:
    casino.send(casino.event("f-1", round_id="r-1"))
    result = casino.send_one(
        casino.event("f-2", round_id="r-1", bet_amount="0.00", round_type="jackpot")
    )
    assert (result["status"], result["code"]) == ("accepted", "late")
    assert casino.pots()["cash"] == 10_500


def test_one_round_settles_and_leaves_the_other_held(casino: Casino) -> None:
    casino.send(casino.tentative("e-1", "r-1"), casino.tentative("e-2", "r-2"))
    casino.send(casino.event("f-1", round_id="r-1", bet_amount="0.00", win_amount="0.00"))
    assert casino.stored("e-1").money_state == "settled"
    assert casino.stored("e-2").money_state == "held"
    assert casino.pots() == {"cash": 9_950, "bonus": 0, "held": 200, "pending": 350}


def test_a_whole_round_in_one_callback_equals_the_round_in_three(casino: Casino) -> None:
    casino.send(
        casino.tentative("e-1", win_amount="1.00"),
        casino.tentative("e-2", bet_amount="0.00", win_amount="2.50"),
        casino.event("e-3", round_id="r-1", bet_amount="0.00", win_amount="0.00"),
    )
    assert casino.pots() == SETTLED
    assert_ledger_holds()
