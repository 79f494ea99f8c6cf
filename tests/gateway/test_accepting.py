"""A played round, once: accepted, flagged, repeated, or in conflict."""

from typing import Any

import pytest

from apps.rounds.models import Conflict, EventAttempt, Round
from tests.factories import make_game, make_provider
from tests.gateway.builders import (
    SLOT,
    TABLE,
    Casino,
    assert_ledger_holds,
    deposit,
    everything,
    give_key,
    later,
    lines,
    open_player,
)


def test_a_played_round_takes_the_stake_and_pays_the_win(casino: Casino) -> None:
    assert casino.send(casino.event("e-1")) == [
        {"event_id": "e-1", "status": "accepted", "code": None, "balance": "101.50"}
    ]
    assert lines("aurora:e-1") == [
        ("stake", "p-1001 cash", "gaming:aurora", 200),
        ("win", "gaming:aurora", "p-1001 cash", 350),
    ]
    assert casino.pots() == {"cash": 10_150, "bonus": 0, "held": 0, "pending": 0}
    assert_ledger_holds()


def test_a_lost_round_has_one_ledger_line_and_a_free_one_none(casino: Casino) -> None:
    casino.send(casino.event("lost", win_amount="0.00"))
    casino.send(casino.event("free", bet_amount="0.00", win_amount="0.00", round_type="free_spin"))
    assert lines("aurora:lost") == [("stake", "p-1001 cash", "gaming:aurora", 200)]
    assert lines("aurora:free") == []
    assert casino.stored("free").money_state == "settled"


def test_answers_come_in_the_order_sent(casino: Casino) -> None:
    events = [casino.event(f"e-{n}", win_amount="0.00") for n in (3, 1, 2)]
    assert [(r["event_id"], r["balance"]) for r in casino.send(*events)] == [
        ("e-3", "98.00"),
        ("e-1", "96.00"),
        ("e-2", "94.00"),
    ]


def test_an_amount_is_exact_to_the_last_cent(casino: Casino) -> None:
    assert (
        casino.send_one(casino.event("big", bet_amount="0.01", win_amount="63727092.34"))["balance"]
        == "63727192.33"
    )
    spins = [casino.event(f"s-{n}", bet_amount="19.99", win_amount="0.00") for n in range(100)]
    assert casino.send(*spins)[-1]["balance"] == "63725193.33"
    assert_ledger_holds()


def test_a_repeat_gets_the_first_answer_even_after_the_money_is_gone(casino: Casino) -> None:
    event = casino.event("e-1")
    first = casino.send_one(event)
    casino.send(casino.event("all-in", bet_amount="101.50", win_amount="0.00"))
    before = everything()
    for minutes in (1, 60, 60 * 24 * 8):
        at = later(60 * minutes)
        assert casino.send_one(event, at=at) == {**first, "status": "duplicate"}
    assert everything() == before
    assert EventAttempt.objects.filter(event_id="e-1", status="duplicate").count() == 3


def test_the_same_event_twice_in_one_callback_moves_money_once(casino: Casino) -> None:
    event = casino.event("e-1")
    results = casino.send(event, event, event)
    assert [r["status"] for r in results] == ["accepted", "duplicate", "duplicate"]
    assert {r["balance"] for r in results} == {"101.50"}
    assert casino.pots()["cash"] == 10_150


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bet_amount", "2.01"),
        ("win_amount", "3.51"),
        ("currency", "EUR"),
        ("player_id", "p-2002"),
        ("game_code", TABLE),
        ("round_id", "another-round"),
        ("round_type", "bonus"),
        ("timestamp", later(1).isoformat()),
        ("promo", {"campaign": "double-weekend"}),
    ],
)
def test_the_same_id_with_other_content_is_a_conflict_and_moves_nothing(
    casino: Casino, name: str, value: Any
) -> None:
    open_player("p-2002", cash_minor=500)
    casino.send(casino.event("e-1"))
    before = everything()
    for seen in (1, 2, 3):
        result = casino.send_one(
            casino.event("e-1", **{name: value, "balance_after": "1.00", "balance_before": "1.00"})
        )
        assert (result["status"], result["code"]) == ("conflict", None)
        assert Conflict.objects.get().seen_count == seen
    assert everything() == before
    assert casino.stored("e-1").bet_minor == 200


def test_two_spellings_of_one_event_are_the_same_event(casino: Casino) -> None:
    """A retry may spell a time or an amount in another way; whole content decides."""
    first = casino.event("e-1", balance_before="100.00", balance_after="101.50")
    casino.send(first)
    respelt = casino.event(
        "e-1",
        balance_before="100.0",
        balance_after="101.5",
        bet_amount="2",
        win_amount="3.5",
        timestamp="2026-11-18T11:00:00+01:00",
        session_token="a-fresh-token",
        unknown_field={"kept": "raw"},
    )
    assert casino.send_one(respelt)["status"] == "duplicate"


def test_two_players_in_one_provider_round_are_independent(casino: Casino) -> None:
    other = open_player("p-2002", cash_minor=500)
    casino.send(
        casino.event("e-1", round_id="table-7", game_code=TABLE),
        casino.event("e-2", round_id="table-7", game_code=TABLE, player_id="p-2002"),
    )
    assert Round.objects.filter(round_ref="table-7").count() == 2
    assert casino.pots(other)["cash"] == 650


def test_a_changed_difference_is_flagged_once_and_not_on_every_event_after_it(
    casino: Casino,
) -> None:
    casino.send(casino.event("e-1"))
    casino.book["p-1001"] += 500
    codes = [
        casino.send_one(casino.event(f"e-{number}", win_amount="0.00"))["code"]
        for number in range(2, 6)
    ]
    assert codes == ["balance_mismatch", None, None, None]
    casino.book["p-1001"] -= 500
    assert casino.send_one(casino.event("back"))["code"] == "balance_mismatch"
    assert casino.send_one(casino.event("well"))["code"] is None


def test_a_round_that_cost_more_than_the_player_had_leaves_a_receivable(casino: Casino) -> None:
    result = casino.send_one(
        casino.event(
            "e-1",
            bet_amount="120.00",
            win_amount="5.00",
            balance_before="120.00",
            balance_after="5.00",
        )
    )
    assert (result["status"], result["code"], result["balance"]) == (
        "accepted",
        "overdrawn",
        "5.00",
    )
    assert lines("aurora:e-1") == [
        ("stake", "p-1001 cash", "gaming:aurora", 10_000),
        ("overdrawn", "receivable:p-1001", "gaming:aurora", 2_000),
        ("win", "gaming:aurora", "p-1001 cash", 500),
    ]
    assert_ledger_holds()


def test_a_stake_of_exactly_the_balance_is_covered(casino: Casino) -> None:
    result = casino.send_one(casino.event("e-1", bet_amount="100.00", win_amount="0.00"))
    assert (result["code"], result["balance"]) == (None, "0.00")


@pytest.mark.parametrize("status", ["blocked", "self_excluded", "closed"])
def test_a_round_already_played_is_recorded_for_a_blocked_player_too(
    casino: Casino, status: str
) -> None:
    casino.player.status = status
    casino.player.save()
    assert casino.send_one(casino.event("e-1"))["status"] == "accepted"
    assert casino.pots()["cash"] == 10_150


def test_a_deposit_in_between_is_not_a_reason_for_another_answer(casino: Casino) -> None:
    event = casino.event("e-1")
    first = casino.send_one(event)
    deposit(casino.player, 5_000, key="d-1")
    assert casino.send_one(event) == {**first, "status": "duplicate"}


def test_the_same_event_id_of_another_provider_is_another_event(casino: Casino) -> None:
    casino.send(casino.event("e-1"))
    boreal = make_provider("boreal")
    give_key(boreal)
    make_game(boreal, SLOT)
    other = Casino(provider=boreal, player=casino.player)
    assert other.send_one(other.event("e-1"))["status"] == "accepted"
    assert lines("boreal:e-1") == [
        ("stake", "p-1001 cash", "gaming:boreal", 200),
        ("win", "gaming:boreal", "p-1001 cash", 350),
    ]
    assert casino.pots()["cash"] == 10_300
