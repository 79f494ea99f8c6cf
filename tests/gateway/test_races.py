"""The same event, or the same money, at the same moment; each with its control."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction

from apps.gateway.services.intake import take_in
from apps.rounds.models import Conflict, RoundEvent
from apps.rounds.services.stuck import sort_out_open_rounds
from apps.wallet import statements
from tests.gateway.builders import (
    Casino,
    Event,
    Result,
    assert_ledger_holds,
    lines,
    open_casino,
    open_player,
    results_of,
)
from tests.races import race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def delivery(casino: Casino, *events: Event) -> Callable[[], list[Result]]:
    """Return a callback as one process would take it, prepared beforehand."""
    inbound, games = casino.inbound(casino.body(*events)), casino.games

    def run() -> list[Result]:
        [judged] = take_in([inbound], games, now=casino.now)
        return results_of(judged)

    return run


def answers(contenders: list[Callable[[], list[Result]]]) -> list[Result]:
    outcomes = race(contenders)
    failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert not failed
    return [result for outcome in outcomes if isinstance(outcome, list) for result in outcome]


def test_forty_deliveries_of_one_event_have_one_effect_and_one_answer() -> None:
    casino = open_casino()
    found = answers([delivery(casino, casino.event("e-1"))] * 40)
    assert sorted(r["status"] for r in found) == ["accepted"] + ["duplicate"] * 39
    assert {r["balance"] for r in found} == {"101.50"}
    assert len(lines("aurora:e-1")) == 2
    assert_ledger_holds()


def test_an_event_of_an_unknown_player_has_no_lock_and_is_still_stored_once() -> None:
    casino = open_casino()
    found = answers([delivery(casino, casino.event("e-1", player_id="p-new"))] * 20)
    assert {(r["status"], r["code"]) for r in found} == {("parked", "unknown_player")}
    assert RoundEvent.objects.count() == 1


def test_two_players_under_one_event_id_make_one_event_and_one_conflict() -> None:
    casino = open_casino()
    open_player("p-2002", cash_minor=10_000)
    ours = delivery(casino, casino.event("e-1"))
    theirs = delivery(casino, casino.event("e-1", player_id="p-2002"))
    found = answers([ours, theirs] * 10)
    statuses = [r["status"] for r in found]
    assert (statuses.count("accepted"), statuses.count("conflict")) == (1, 10)
    assert Conflict.objects.get().seen_count == 10
    assert len(lines("aurora:e-1")) == 2


def stakes(casino: Casino, count: int) -> list[Callable[[], list[Result]]]:
    return [
        delivery(
            casino, casino.tentative(f"e-{n}", f"r-{n}", bet_amount="10.00", win_amount="0.00")
        )
        for n in range(count)
    ]


def test_forty_stakes_of_ten_on_a_hundred_are_ten_stakes() -> None:
    casino = open_casino()
    found = answers(stakes(casino, 40))
    statuses = [r["status"] for r in found]
    assert (statuses.count("tentative"), statuses.count("rejected")) == (10, 30)
    assert casino.pots() == {"cash": 0, "bonus": 0, "held": 10_000, "pending": 0}
    assert_ledger_holds()


def test_control_without_the_lock_the_same_stakes_overrun_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without FOR UPDATE each reads the same balance; only the database's constraint is left."""
    casino = open_casino()
    unlocked = statements.LOCK_WALLETS.replace("FOR UPDATE OF a", "")
    assert unlocked != statements.LOCK_WALLETS
    monkeypatch.setattr(statements, "LOCK_WALLETS", unlocked)
    found = answers(stakes(casino, 40))
    assert any(r["code"] == "ledger_unavailable" for r in found), "the race did not happen"
    assert_ledger_holds()


def test_a_final_event_and_a_rollback_at_once_leave_the_money_where_it_was() -> None:
    casino = open_casino()
    casino.send(casino.tentative("e-1"))
    final = delivery(casino, casino.event("e-1", round_id="r-1"))
    rollbacks = [delivery(casino, casino.rollback(f"b-{n}", "e-1")) for n in range(5)]
    answers([*rollbacks, *[final] * 5])
    assert casino.pots() == {"cash": 10_000, "bonus": 0, "held": 0, "pending": 0}
    assert casino.stored("e-1").money_state == "rolled_back"
    assert_ledger_holds()


def test_capture_rollback_and_the_sorting_of_open_rounds_at_once_resolve_a_hold_once() -> None:
    casino = open_casino()
    casino.send(casino.tentative("e-1"))
    finals = [delivery(casino, casino.event("e-1", round_id="r-1"))] * 20
    rollbacks = [delivery(casino, casino.rollback(f"b-{n}", "e-1")) for n in range(20)]
    a_day_later = casino.now + timedelta(hours=25)

    def sort_out() -> list[Result]:
        sort_out_open_rounds(now=a_day_later)
        return []

    answers([*rollbacks, *finals, sort_out])
    assert casino.pots() == {"cash": 10_000, "bonus": 0, "held": 0, "pending": 0}
    kinds = [kind for kind, *_ in lines("aurora:e-1")]
    assert kinds.count("hold") == 1
    assert kinds.count("release") + kinds.count("rollback_stake") == 1
    assert kinds.count("capture") == kinds.count("rollback_stake")
    assert_ledger_holds()


def test_every_snapshot_taken_during_play_adds_up() -> None:
    casino = open_casino()
    refs = ["p-1001", *(open_player(f"p-{n}", cash_minor=10_000).player_ref for n in range(3))]
    play = [
        delivery(casino, *(casino.event(f"e-{n}-{ref}", player_id=ref) for ref in refs))
        for n in range(25)
    ]

    def sample() -> list[Result]:
        for _ in range(20):
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                assert_ledger_holds()
        return []

    answers([*play, sample, sample])
    assert_ledger_holds()


def test_batches_that_share_players_in_opposite_order_never_deadlock() -> None:
    casino = open_casino()
    players = ["p-1001", *(open_player(f"p-{n}", cash_minor=10_000).player_ref for n in range(4))]
    contenders = []
    for number in range(20):
        order = players if number % 2 else players[::-1]
        events = [
            casino.event(f"e-{number}-{ref}", player_id=ref, win_amount="2.00") for ref in order
        ]
        contenders.append(delivery(casino, *events))
    found = answers(contenders)
    assert {r["status"] for r in found} == {"accepted"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT balance_minor FROM wallet_account WHERE pot = 'cash'")
        assert cursor.fetchall() == [(10_000,)]
    assert_ledger_holds()
