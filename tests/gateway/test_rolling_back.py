"""A rollback returns its target's own money, once, whatever came before or after it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from apps.gateway.errors import CorrectionRefusedError
from apps.gateway.services.book import Book
from apps.gateway.services.corrections import apply_correction
from apps.gateway.services.intake import reprocess_delivery
from apps.gateway.services.moved import lines_of, receipts_of
from apps.providers.models import Provider
from apps.rounds.models import Delivery, Round, RoundEvent
from apps.wallet.models import Transfer
from tests.gateway.builders import (
    TABLE,
    Casino,
    assert_ledger_holds,
    everything,
    later,
    lines,
    open_player,
)

UNTOUCHED = {"cash": 10_000, "bonus": 0, "held": 0, "pending": 0}


def reversals(event_id: str) -> list[tuple[str, str]]:
    """Return what each ledger line of an event takes back, by kinds."""
    rows = Transfer.objects.filter(subject=f"aurora:{event_id}", reverses__isnull=False)
    return [(t.kind, t.reverses.kind) for t in rows.order_by("pk") if t.reverses]


def test_a_settled_round_is_taken_back_line_by_line(casino: Casino) -> None:
    casino.send(casino.event("e-1"))
    result = casino.send_one(casino.rollback("b-1", "e-1"))
    assert result == {"event_id": "b-1", "status": "accepted", "code": None, "balance": "100.00"}
    assert casino.pots() == UNTOUCHED
    assert lines("aurora:e-1") == [
        ("stake", "p-1001 cash", "gaming:aurora", 200),
        ("win", "gaming:aurora", "p-1001 cash", 350),
        ("rollback_stake", "gaming:aurora", "p-1001 cash", 200),
        ("rollback_win", "p-1001 cash", "gaming:aurora", 350),
    ]
    assert reversals("e-1") == [("rollback_stake", "stake"), ("rollback_win", "win")]
    assert casino.stored("e-1").money_state == "rolled_back"
    assert Round.objects.get(round_ref="e-1").state == "rolled_back"
    assert_ledger_holds()


def test_a_held_event_is_released_and_its_round_goes_on(casino: Casino) -> None:
    casino.send(casino.tentative("e-1"), casino.tentative("e-2"))
    casino.send(casino.rollback("b-1", "e-1"))
    assert casino.pots() == {"cash": 9_800, "bonus": 0, "held": 200, "pending": 350}
    assert reversals("e-1") == [("release", "hold"), ("unpend", "pend")]
    casino.send(casino.event("f-1", round_id="r-1", bet_amount="0.00", win_amount="0.00"))
    assert casino.pots()["cash"] == 10_150
    found = Round.objects.get(round_ref="r-1")
    assert (found.stake_minor, found.win_minor, found.standing_events) == (200, 350, 2)
    assert_ledger_holds()


def test_an_event_that_was_held_and_captured_is_taken_back_too(casino: Casino) -> None:
    casino.send(casino.tentative("e-1"))
    casino.send(casino.event("f-1", round_id="r-1", bet_amount="0.00", win_amount="0.00"))
    casino.send(casino.rollback("b-1", "e-1"))
    assert casino.pots() == UNTOUCHED
    assert reversals("e-1") == [
        ("capture", "hold"),
        ("rollback_stake", "capture"),
        ("rollback_win", "settle_win"),
    ]
    assert_ledger_holds()


def test_a_late_part_that_was_never_held_is_taken_back_by_its_own_lines(casino: Casino) -> None:
    casino.send(casino.event("f-1", round_id="r-1", timestamp=later(5).isoformat()))
    part = casino.tentative("e-1", bet_amount="120.00", win_amount="1.00")
    assert casino.send_one(part)["code"] == "overdrawn"
    casino.send(casino.rollback("b-1", "e-1"))
    assert casino.pots()["cash"] == 10_150
    assert reversals("e-1") == [
        ("rollback_stake", "stake"),
        ("rollback_stake", "overdrawn"),
        ("rollback_win", "win"),
    ]
    assert_ledger_holds()


def test_a_rollback_repeated_answers_the_same_and_moves_nothing(casino: Casino) -> None:
    casino.send(casino.event("e-1"))
    rollback = casino.rollback("b-1", "e-1")
    first = casino.send_one(rollback)
    before = everything()
    for days in (0, 1, 30):
        result = casino.send_one(rollback, at=later(86_400 * days))
        assert result == {**first, "status": "duplicate"}
    assert everything() == before


def test_a_second_rollback_of_the_same_target_moves_nothing(casino: Casino) -> None:
    casino.send(casino.event("e-1"), casino.rollback("b-1", "e-1"))
    before = everything()
    result = casino.send_one(casino.rollback("b-2", "e-1"))
    assert (result["status"], result["balance"]) == ("accepted", "100.00")
    assert everything() == before


def test_two_rollbacks_in_one_callback_move_money_once(casino: Casino) -> None:
    casino.send(casino.event("e-1"), casino.rollback("b-1", "e-1"), casino.rollback("b-2", "e-1"))
    assert casino.pots() == UNTOUCHED
    assert len(lines("aurora:e-1")) == 4


def test_the_targets_own_amounts_go_back_not_those_the_rollback_names(casino: Casino) -> None:
    casino.send(casino.event("e-1"))
    casino.send(casino.rollback("b-1", "e-1", bet_amount="99.00", win_amount="77.00"))
    assert casino.pots() == UNTOUCHED


def test_the_target_is_found_by_its_id_in_whatever_round_or_game_it_was(casino: Casino) -> None:
    casino.send(casino.event("e-1", round_id="r-1"))
    casino.send(casino.rollback("b-1", "e-1", round_id="another", game_code=TABLE))
    assert casino.pots() == UNTOUCHED
    casino.send(casino.event("e-2"))
    casino.send(casino.rollback("b-2", "e-2", game_code="no-such-game"))
    assert casino.pots() == UNTOUCHED


@pytest.mark.parametrize("finalized", [True, False])
def test_an_original_that_comes_after_its_rollback_moves_nothing(
    casino: Casino, *, finalized: bool
) -> None:
    result = casino.send_one(casino.rollback("b-1", "e-1"))
    assert (result["status"], result["balance"]) == ("accepted", "100.00")
    before = everything()
    late = casino.send_one(casino.event("e-1", finalized=finalized))
    assert (late["status"], late["code"], late["balance"]) == ("accepted", "late", "100.00")
    assert casino.stored("e-1").money_state == "rolled_back"
    assert everything() == before


def test_a_tombstoned_tentative_event_stays_dead_when_its_final_form_comes(
    casino: Casino,
) -> None:
    casino.send(casino.rollback("b-1", "e-1"), casino.tentative("e-1"))
    before = everything()
    casino.send(casino.event("e-1", round_id="r-1"))
    assert everything() == before
    assert casino.stored("e-1").money_state == "rolled_back"


def test_a_refused_stake_that_was_rolled_back_stays_dead_when_its_final_form_comes(
    casino: Casino,
) -> None:
    casino.send(casino.tentative("e-1", bet_amount="150.00", win_amount="0.00"))
    casino.send(casino.rollback("b-1", "e-1"))
    before = everything()
    final = casino.event("e-1", round_id="r-1", bet_amount="150.00", win_amount="0.00")
    assert casino.send_one(final)["code"] == "late"
    assert everything() == before


def test_rolling_back_a_refused_stake_moves_nothing(casino: Casino) -> None:
    casino.send(casino.tentative("e-1", bet_amount="150.00"))
    before = everything()
    assert casino.send_one(casino.rollback("b-1", "e-1"))["status"] == "accepted"
    assert everything() == before


def test_a_parked_event_that_is_rolled_back_never_moves_money(casino: Casino) -> None:
    ahead = casino.event("e-1", timestamp=later(600).isoformat())
    casino.send(ahead)
    assert casino.send_one(casino.rollback("b-1", "e-1"))["status"] == "accepted"
    before = everything()
    assert casino.send_one(ahead, at=later(600))["code"] == "late"
    assert everything() == before


def test_a_win_that_was_spent_is_taken_back_into_a_receivable(casino: Casino) -> None:
    casino.send(casino.event("e-1", bet_amount="0.00", win_amount="50.00"))
    casino.send(casino.event("all-in", bet_amount="150.00", win_amount="0.00"))
    result = casino.send_one(casino.rollback("b-1", "e-1"))
    assert (result["status"], result["code"], result["balance"]) == (
        "accepted",
        "overdrawn",
        "0.00",
    )
    assert lines("aurora:e-1")[1:] == [
        ("rollback_win", "receivable:p-1001", "gaming:aurora", 5_000)
    ]
    assert_ledger_holds()


def test_the_own_stake_covers_a_spent_win_first(casino: Casino) -> None:
    casino.send(casino.event("e-1", bet_amount="30.00", win_amount="50.00"))
    casino.send(casino.event("all-in", bet_amount="120.00", win_amount="0.00"))
    assert casino.send_one(casino.rollback("b-1", "e-1"))["code"] == "overdrawn"
    assert lines("aurora:e-1")[2:] == [
        ("rollback_stake", "gaming:aurora", "p-1001 cash", 3_000),
        ("rollback_win", "p-1001 cash", "gaming:aurora", 3_000),
        ("rollback_win", "receivable:p-1001", "gaming:aurora", 2_000),
    ]


def test_an_overdrawn_round_taken_back_clears_the_receivable(casino: Casino) -> None:
    casino.send(casino.event("e-1", bet_amount="120.00", win_amount="0.00"))
    casino.send(casino.rollback("b-1", "e-1"))
    assert casino.pots() == UNTOUCHED
    owed = sum(
        amount if debit.startswith("receivable") else -amount
        for _, debit, credit, amount in lines("aurora:e-1")
        if "receivable:p-1001" in {debit, credit}
    )
    assert owed == 0


def test_a_rollback_of_one_bet_leaves_the_others_of_its_round(casino: Casino) -> None:
    bets = [casino.tentative(f"e-{n}", bet_amount="1.00", win_amount="0.00") for n in range(5)]
    casino.send(*bets, casino.rollback("b-1", "e-2"))
    assert casino.pots()["held"] == 400
    casino.send(casino.event("f", round_id="r-1", bet_amount="0.00", win_amount="7.00"))
    assert casino.pots() == {"cash": 10_300, "bonus": 0, "held": 0, "pending": 0}


def correct(event_id: str, minor: int = 500, approval_id: int = 7) -> str:
    return apply_correction(
        provider_code="aurora",
        event_id=event_id,
        amount_minor=minor,
        approval_id=approval_id,
        reason="The win was never paid.",
        now=later(60),
    )


def test_an_approved_correction_is_credited_once_and_names_the_event(casino: Casino) -> None:
    casino.send(casino.event("e-1"))
    assert correct("e-1") == correct("e-1") == "correction@7"
    assert casino.pots()["cash"] == 10_650
    assert lines("aurora:e-1")[-1] == ("correction", "corrections:aurora", "p-1001 cash", 500)
    with pytest.raises(CorrectionRefusedError):
        correct("e-1", minor=501)
    with pytest.raises(CorrectionRefusedError):
        correct("e-1", minor=0, approval_id=8)
    assert casino.pots()["cash"] == 10_650


def test_a_parked_event_is_booked_itself_and_never_corrected_beside(casino: Casino) -> None:
    nine_days_ago = (casino.now - timedelta(days=9)).isoformat()
    assert casino.send_one(casino.event("e-1", timestamp=nine_days_ago))["status"] == "parked"
    before = everything()
    with pytest.raises(CorrectionRefusedError, match="waits to be booked itself"):
        correct("e-1")
    assert everything() == before
    assert not RoundEvent.objects.filter(event_id="correction@7").exists()
    Provider.objects.update(past_seconds=10 * 86_400)
    reprocess_delivery(delivery_id=Delivery.objects.get().pk, now=casino.now)
    assert casino.pots()["cash"] == 10_150
    assert correct("e-1") == "correction@7"
    assert casino.pots()["cash"] == 10_650


def test_a_refused_stake_that_people_credited_is_parked_when_it_was_played_after_all(
    casino: Casino,
) -> None:
    casino.send(casino.tentative("e-1", bet_amount="150.00", win_amount="400.00"))
    assert casino.stored("e-1").status == "rejected"
    assert correct("e-1", minor=40_000) == "correction@7"
    final = casino.event("e-1", round_id="r-1", bet_amount="150.00", win_amount="400.00")
    for _ in range(2):
        answer = casino.send_one(final)
        assert (answer["status"], answer["code"]) == ("parked", "ledger_unavailable")
    kept = casino.stored("e-1")
    assert (kept.status, kept.code, kept.money_state) == ("parked", "corrected", "none")
    assert casino.pots() == {"cash": 50_000, "bonus": 0, "held": 0, "pending": 0}
    assert_ledger_holds()


@pytest.mark.parametrize("name", ["event_id", "reference_event_id"])
def test_a_provider_can_neither_send_nor_roll_back_the_id_of_a_correction(
    casino: Casino, name: str
) -> None:
    casino.send(casino.event("e-1"))
    correction_id = correct("e-1")
    before = everything()
    result = casino.send_one(casino.rollback("b-1", "e-1") | {name: correction_id})
    assert (result["status"], result["code"]) == ("rejected", "bad_field")
    assert everything() == before


def test_another_players_rollback_or_provider_leaves_the_target_alone(casino: Casino) -> None:
    other = open_player("p-2002", cash_minor=500)
    casino.send(casino.event("e-1"))
    casino.send(casino.rollback("b-1", "e-1", player_id="p-2002"))
    assert casino.pots()["cash"] == 10_150
    assert casino.pots(other)["cash"] == 500


@pytest.mark.parametrize("read", [lines_of, receipts_of])
def test_a_stored_event_that_nobody_loaded_is_not_taken_for_one_that_moved_nothing(
    read: Callable[..., list[object]],
) -> None:
    assert read(Book(), "aurora:e-1", may_be_new=True) == []
    with pytest.raises(LookupError, match="aurora:e-1 were not loaded"):
        read(Book(), "aurora:e-1", may_be_new=False)
