"""A night at Aurora, told so that an accountant can follow every cent.

Ann (p-70001) starts with 100.00 AUD. What she does, and what the ledger says after each step.
"""

import pytest

from tests.gateway.builders import (
    Casino,
    assert_ledger_holds,
    everything,
    later,
    lines,
    open_casino,
    open_player,
)


@pytest.fixture
def aurora(db: None) -> Casino:
    casino = open_casino()
    casino.player = open_player("p-70001", cash_minor=10_000)
    casino.book["p-70001"] = 10_000
    return casino


def holds(casino: Casino, *, cash: int, held: int = 0, pending: int = 0) -> None:
    assert casino.pots() == {"cash": cash, "bonus": 0, "held": held, "pending": pending}
    assert_ledger_holds()


def test_a_night_at_aurora(aurora: Casino) -> None:
    # A lost spin of 5.00, and one of 2.00 that wins 3.50.
    aurora.send(aurora.event("au-1", bet_amount="5.00", win_amount="0.00"))
    holds(aurora, cash=9_500)
    aurora.send(aurora.event("au-2"))
    holds(aurora, cash=9_650)
    assert lines("aurora:au-2") == [
        ("stake", "p-70001 cash", "gaming:aurora", 200),
        ("win", "gaming:aurora", "p-70001 cash", 350),
    ]

    # A cascade: 10.00 staked, 4.00 and 9.00 won on the way. Nothing is hers before it is final.
    aurora.now = later(60)
    aurora.send(aurora.tentative("au-3", "r-3", bet_amount="10.00", win_amount="4.00"))
    aurora.send(aurora.tentative("au-4", "r-3", bet_amount="0.00", win_amount="9.00"))
    holds(aurora, cash=8_650, held=1_000, pending=1_300)
    aurora.send(aurora.event("au-5", round_id="r-3", bet_amount="0.00", win_amount="0.00"))
    holds(aurora, cash=9_950)

    # The network fails: Aurora sends the whole cascade again. Nothing moves twice.
    before = everything()
    for event_id in ("au-3", "au-4", "au-5"):
        assert aurora.send_one(aurora.sent[event_id])["status"] == "duplicate"
    assert everything() == before

    # A spin that broke down is rolled back before we ever heard of it; it then comes late.
    aurora.now = later(120)
    aurora.send(aurora.rollback("au-7", "au-6"))
    assert aurora.send_one(aurora.event("au-6", bet_amount="20.00"))["code"] == "late"
    holds(aurora, cash=9_950)

    # A jackpot of 50.00 that Aurora takes back when she has already lost it at the table.
    aurora.send(aurora.event("au-8", bet_amount="0.00", win_amount="50.00", round_type="jackpot"))
    aurora.send(aurora.event("au-9", bet_amount="149.50", win_amount="0.00"))
    holds(aurora, cash=0)
    assert aurora.send_one(aurora.rollback("au-10", "au-8"))["code"] == "overdrawn"
    assert lines("aurora:au-8") == [
        ("win", "gaming:aurora", "p-70001 cash", 5_000),
        ("rollback_win", "receivable:p-70001", "gaming:aurora", 5_000),
    ]
    holds(aurora, cash=0)

    # With nothing left she can place no new stake; and Aurora may not rewrite the night.
    refused = aurora.send_one(aurora.tentative("au-11", "r-11", bet_amount="0.01"))
    assert (refused["status"], refused["code"]) == ("rejected", "insufficient_funds")
    before = everything()
    assert aurora.send_one(aurora.event("au-1", win_amount="500.00"))["status"] == "conflict"
    assert everything() == before

    # The night in one line: 100.00 brought in, 100.00 lost, and 50.00 owed for the jackpot.
    holds(aurora, cash=0)
