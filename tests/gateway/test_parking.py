"""What can't be decided yet is stored without money, and decided by a later delivery."""

import pytest
from django.db import DatabaseError, connection

from apps.gateway.services import intake
from apps.rounds.models import Delivery, DeliveryVerdict
from tests.gateway.builders import (
    Casino,
    assert_ledger_holds,
    everything,
    later,
    lines,
    open_player,
)


def parked(casino: Casino, event: dict[str, object], code: str) -> None:
    before = everything()
    assert casino.send_one(event) == {
        "event_id": event["event_id"],
        "status": "parked",
        "code": code,
        "balance": None,
    }
    assert everything() == before
    row = casino.stored(str(event["event_id"]))
    assert (row.status, row.code, row.money_state) == ("parked", code, "none")


def test_an_unknown_player_is_parked_until_the_operator_names_him(casino: Casino) -> None:
    event = casino.event("e-1", player_id="p-new")
    parked(casino, event, "unknown_player")
    parked(casino, event, "unknown_player")
    player = open_player("p-new", cash_minor=1_000)
    casino.book["p-new"] = 0
    result = casino.send_one(event)
    assert (result["status"], result["balance"]) == ("accepted", "11.50")
    assert casino.pots(player)["cash"] == 1_150
    assert casino.send_one(event)["status"] == "duplicate"
    assert_ledger_holds()


def test_a_parked_stake_that_comes_as_final_is_booked(casino: Casino) -> None:
    """The provider may settle a round before the operator has named its player."""
    parked(casino, casino.tentative("e-1", player_id="p-new"), "unknown_player")
    final = casino.event("e-1", round_id="r-1", player_id="p-new")
    assert casino.send_one(final)["status"] == "parked"
    open_player("p-new", cash_minor=1_000)
    result = casino.send_one(final)
    assert (result["status"], result["balance"]) == ("accepted", "11.50")
    assert casino.send_one(final)["status"] == "duplicate"
    assert casino.stored("e-1").finalized
    assert_ledger_holds()


def test_the_tentative_form_after_a_parked_final_form_waits_for_the_final(casino: Casino) -> None:
    tentative = casino.tentative("e-1", player_id="p-new")
    final = casino.event("e-1", round_id="r-1", player_id="p-new")
    casino.send(tentative)
    casino.send(final)
    player = open_player("p-new", cash_minor=1_000)
    casino.send(tentative)
    assert casino.send_one(final)["status"] in {"accepted", "duplicate"}
    assert casino.pots(player) == {"cash": 1_150, "bonus": 0, "held": 0, "pending": 0}


@pytest.mark.parametrize(
    ("age", "status"),
    [
        (172_800, "accepted"),
        (172_801, "parked"),
        (-300, "accepted"),
        (-301, "parked"),
    ],
)
def test_an_event_outside_the_clock_window_is_parked_on_both_sides(
    casino: Casino, age: int, status: str
) -> None:
    event = casino.event("e-1", timestamp=later(-age).isoformat())
    result = casino.send_one(event)
    assert result["status"] == status
    if status == "parked":
        assert result["code"] == "clock_skew"
        assert lines("aurora:e-1") == []


def test_an_event_of_a_fast_clock_is_taken_when_our_clock_has_come_so_far(casino: Casino) -> None:
    event = casino.event("e-1", timestamp=later(600).isoformat())
    parked(casino, event, "clock_skew")
    assert casino.send_one(event, at=later(301))["status"] == "accepted"
    assert casino.pots()["cash"] == 10_150


def test_an_adjustment_of_an_event_we_never_saw_is_parked_until_that_event_comes(
    casino: Casino,
) -> None:
    adjustment = casino.event(
        "a-1", round_type="adjustment", bet_amount="0.00", reference_event_id="e-1"
    )
    parked(casino, adjustment, "unknown_reference")
    casino.send(casino.event("e-1"))
    assert casino.send_one(adjustment)["status"] == "accepted"
    assert casino.pots()["cash"] == 10_500


def test_a_rollback_of_another_players_event_is_parked(casino: Casino) -> None:
    open_player("p-2002", cash_minor=500)
    casino.send(casino.event("e-1"))
    parked(casino, casino.rollback("b-1", "e-1", player_id="p-2002"), "unknown_reference")


def test_a_rollback_of_a_rollback_is_parked(casino: Casino) -> None:
    casino.send(casino.event("e-1"), casino.rollback("b-1", "e-1"))
    parked(casino, casino.rollback("b-2", "b-1"), "unknown_reference")
    assert casino.pots()["cash"] == 10_000


def test_when_the_ledger_is_unavailable_the_delivery_is_kept_and_applied_later(
    casino: Casino,
) -> None:
    """The store succeeds and the apply fails: 2xx is durable, so the answer is parked."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE rounds_roundevent RENAME TO rounds_away")
    before = everything()
    assert casino.send_one(casino.event("e-1")) == {
        "event_id": "e-1",
        "status": "parked",
        "code": "ledger_unavailable",
        "balance": None,
    }
    assert everything() == before
    assert Delivery.objects.count() == 1
    assert not DeliveryVerdict.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE rounds_away RENAME TO rounds_roundevent")
    assert casino.send_one(casino.event("e-1"))["status"] == "accepted"
    assert casino.pots()["cash"] == 10_150


def test_when_nothing_can_be_stored_the_caller_is_told_so(casino: Casino) -> None:
    inbound = casino.inbound(casino.body(casino.event("e-1")))
    games = casino.games
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE rounds_delivery RENAME TO rounds_away")
    with pytest.raises(DatabaseError):
        intake.take_in([inbound], games, now=casino.now)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE rounds_away RENAME TO rounds_delivery")
    assert casino.pots()["cash"] == 10_000
