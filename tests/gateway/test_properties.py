"""Whatever the order and however often: the same events end in the same money."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.rounds.models import RoundEvent
from tests.gateway.builders import Casino, Event, assert_ledger_holds, later, open_casino

MODERATE = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CASH = 1_000_000
SMALL = st.integers(0, 500)


@contextmanager
def undone() -> Iterator[None]:
    """Take everything back at the end, so that each example starts from the same casino."""
    savepoint = connection.savepoint()
    assert savepoint is not None
    try:
        yield
    finally:
        connection.savepoint_rollback(savepoint)


def money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


@st.composite
def universes(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw rounds: lone finals, tentative parts with a final, and rollbacks of any of them."""
    events: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 4))):
        parts = draw(st.integers(0, 2))
        for part in range(parts + 1):
            is_last = part == parts
            events.append(
                {
                    "event_id": f"e-{number}-{part}",
                    "round_id": f"r-{number}",
                    "bet_amount": money(draw(SMALL)),
                    "win_amount": money(draw(SMALL)),
                    "finalized": is_last,
                    "timestamp": later(number * 10 + part).isoformat(),
                }
            )
    targets = draw(st.lists(st.sampled_from([e["event_id"] for e in events]), max_size=3))
    events.extend({"event_id": f"b-{place}", "undo": t} for place, t in enumerate(targets))
    return events


def make(casino: Casino, facts: dict[str, Any]) -> Event:
    """Make an event whose stated balances are fixed, so that every delivery of it is the same."""
    balances = {"balance_before": "0.00", "balance_after": "0.00"}
    if "undo" in facts:
        return casino.rollback(facts["event_id"], facts["undo"], **balances)
    return casino.event(**facts, **balances)


def end_state(casino: Casino) -> tuple[dict[str, int], dict[str, str]]:
    states = RoundEvent.objects.order_by("event_id").values_list("event_id", "money_state")
    return casino.pots(), dict(states)


def model(universe: list[dict[str, Any]]) -> int:
    """Return the cash that a reader of the rules expects: what was not undone, summed."""
    gone = {facts["undo"] for facts in universe if "undo" in facts}
    change = 0
    for facts in universe:
        if "undo" not in facts and facts["event_id"] not in gone:
            won, staked = (facts[k].replace(".", "") for k in ("win_amount", "bet_amount"))
            change += int(won) - int(staked)
    return CASH + change


def play(casino: Casino, deliveries: list[dict[str, Any]]) -> tuple[Any, Any]:
    """Deliver in this order and return how it ended; nothing of it stays."""
    with undone():
        for facts in deliveries:
            status = casino.send_one(make(casino, facts))["status"]
            assert status in {"accepted", "tentative", "duplicate"}
        assert_ledger_holds()
        return end_state(casino)


@pytest.mark.django_db
def test_any_order_and_any_repetition_end_in_the_same_money_and_states() -> None:
    casino = open_casino(cash_minor=CASH)

    @MODERATE
    @given(st.data())
    def check(data: st.DataObject) -> None:
        universe = data.draw(universes())
        again = data.draw(st.lists(st.sampled_from(universe), max_size=4))
        shuffled = data.draw(st.permutations([*universe, *again]))
        pots, states = play(casino, universe)
        targets = {facts["undo"] for facts in universe if "undo" in facts}
        if not any(state == "held" for state in states.values()):
            assert pots == {"cash": model(universe), "bonus": 0, "held": 0, "pending": 0}
        finals = {facts["event_id"] for facts in universe if facts.get("finalized")}
        if finals & targets:
            # Whether the final event came before its own rollback decides if its round was
            # closed; nothing is lost, but the order is then part of the facts.
            return
        assert play(casino, shuffled) == (pots, states)

    check()


AMOUNTS = st.integers(0, 3_000)


@pytest.mark.django_db
def test_new_stakes_never_overdraw_and_a_plain_model_agrees_on_each_answer() -> None:
    casino = open_casino(cash_minor=5_000)

    @MODERATE
    @given(st.lists(st.tuples(st.sampled_from("tfr"), AMOUNTS, AMOUNTS), max_size=12))
    def check(steps: list[tuple[str, int, int]]) -> None:
        with undone():
            follow(casino, steps)

    check()


def follow(casino: Casino, steps: list[tuple[str, int, int]]) -> None:
    """Carry each step through the gateway and through four numbers, and compare."""
    cash, owed = 5_000, 0
    held: dict[str, tuple[int, int]] = {}
    statuses: Counter[str] = Counter()
    for number, (kind, bet, win) in enumerate(steps):
        event_id = f"e-{number}"
        fields = {"bet_amount": money(bet), "win_amount": money(win)}
        if kind == "t":
            result = casino.send_one(casino.tentative(event_id, f"r-{number}", **fields))
            if bet > cash:
                assert result["code"] == "insufficient_funds"
            else:
                assert result["status"] == "tentative"
                cash, held[event_id] = cash - bet, (bet, win)
        elif kind == "f":
            result = casino.send_one(casino.event(event_id, **fields))
            assert result["status"] == "accepted"
            paid = min(bet, cash)
            owed, cash = owed + bet - paid, cash - paid + win
        elif held:
            target, (stake, _) = held.popitem()
            result = casino.send_one(casino.rollback(event_id, target))
            cash += stake
        else:
            continue
        statuses[result["status"]] += 1
        assert result["balance"] == money(cash)
    assert casino.pots() == {
        "cash": cash,
        "bonus": 0,
        "held": sum(stake for stake, _ in held.values()),
        "pending": sum(win for _, win in held.values()),
    }
    assert_ledger_holds()
