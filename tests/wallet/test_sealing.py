"""Sealing the ledger while money moves: nothing slips into a sealed run, and nobody waits long."""

import threading
import time
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from apps.players.models import Player
from apps.wallet import statements
from apps.wallet.contracts import LedgerVerdict
from apps.wallet.models import LedgerSeal, Transfer
from apps.wallet.services import proof
from apps.wallet.services.proof import seal_transfers, verify_ledger
from tests.gateway.builders import NOW, deposit, open_player
from tests.races import race

_PATIENCE = 30
_WAITING = """
SELECT EXISTS (SELECT 1 FROM pg_locks
    WHERE relation = 'wallet_transfer'::regclass AND NOT granted)
"""


def seal_while_drawn_ids_are_unwritten(*, is_waited_for: bool) -> LedgerVerdict:
    """Seal after one has drawn ids and another, with higher ones, has written; return the proof.

    The first writes once the seal waits for it, where it does, or else once the seal is done.
    """
    slow, quick = open_player("p-slow", cash_minor=1), open_player("p-quick", cash_minor=1)
    drawn, may_write, is_sealed = threading.Event(), threading.Event(), threading.Event()

    def pause(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if "INSERT INTO wallet_transfer" in sql:
            drawn.set()
            may_write.wait(_PATIENCE)
        return execute(sql, *rest)

    def draw_then_write() -> None:
        with connection.execute_wrapper(pause):
            deposit(slow, 100, key="slow")

    def write_then_seal() -> None:
        drawn.wait(_PATIENCE)
        deposit(quick, 200, key="quick")
        try:
            seal_transfers(now=NOW)
        finally:
            is_sealed.set()

    def let_write() -> None:
        end = time.monotonic() + _PATIENCE
        with connection.cursor() as cursor:
            is_waiting = False
            while not (is_waiting or is_sealed.wait(0.01)):
                assert time.monotonic() < end
                cursor.execute(_WAITING)
                is_waiting = is_waited_for and cursor.fetchone()[0]
        may_write.set()

    assert race([draw_then_write, write_then_seal, let_write]) == [None, None, None]
    slow_id, quick_id = (Transfer.objects.get(idempotency_key=key).pk for key in ("slow", "quick"))
    assert slow_id < quick_id
    return verify_ledger()


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "_PATIENCE", f"{_PATIENCE}s")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_seal_waits_for_ids_that_are_drawn_and_not_written() -> None:
    verdict = seal_while_drawn_ids_are_unwritten(is_waited_for=True)
    assert verdict.problems == ()
    [seal] = LedgerSeal.objects.all()
    assert (seal.transfer_count, seal.last_transfer_id) == (4, Transfer.objects.latest("pk").pk)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_before_the_draw_a_row_slips_into_a_sealed_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statements, "ANNOUNCE_TRANSFERS", "SELECT 1")
    [problem] = seal_while_drawn_ids_are_unwritten(is_waited_for=False).problems
    assert "a sealed row was changed, removed or added" in problem


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_money_moves_while_a_seal_is_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    player = open_player("p-1", cash_minor=100)
    digest = proof._digest
    moved: list[Exception | None] = []

    def moving(*run: Any) -> Any:
        moved.extend(race([lambda: _deposit_impatiently(player)]))
        return digest(*run)

    monkeypatch.setattr(proof, "_digest", moving)
    seal_transfers(now=NOW)
    monkeypatch.undo()
    assert moved == [None]
    [seal] = LedgerSeal.objects.all()
    assert (seal.transfer_count, Transfer.objects.count()) == (1, 2)
    assert seal_transfers(now=NOW) is not None
    assert verify_ledger().problems == ()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_who_writes_for_long_puts_the_seal_off_and_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_player("p-1", cash_minor=100)
    monkeypatch.setattr(proof, "_PATIENCE", "20ms")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statements.ANNOUNCE_TRANSFERS)
        assert race([lambda: seal_transfers(now=NOW)]) == [None]
    assert LedgerSeal.objects.count() == 0
    monkeypatch.setattr(proof, "_PATIENCE", f"{_PATIENCE}s")
    assert seal_transfers(now=NOW) is not None
    assert verify_ledger().problems == ()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_who_asks_for_a_seal_is_told_where_it_is_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    open_player("p-1", cash_minor=100)

    def ask_for_a_seal() -> str:
        call_command("verify_ledger", seal=True, stdout=StringIO(), stderr=(told := StringIO()))
        return told.getvalue()

    monkeypatch.setattr(proof, "_PATIENCE", "20ms")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statements.ANNOUNCE_TRANSFERS)
        [told] = race([ask_for_a_seal])
    assert str(told).startswith("Nothing new is sealed: ")
    assert LedgerSeal.objects.count() == 0
    monkeypatch.setattr(proof, "_PATIENCE", f"{_PATIENCE}s")
    assert [ask_for_a_seal(), ask_for_a_seal()] == ["", ""]
    assert LedgerSeal.objects.count() == 1


def _deposit_impatiently(player: Player) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
    deposit(player, 50, key="meanwhile")


@pytest.mark.django_db
def test_a_backlog_is_sealed_in_runs_that_follow_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proof, "_MOST_PER_SEAL", 2)
    player = open_player("p-1", cash_minor=100)
    for number in range(4):
        deposit(player, 50, key=f"k-{number}")
    counts = []
    while (seal := seal_transfers(now=NOW)) is not None:
        counts.append(seal.transfer_count)
    assert counts == [2, 2, 1]
    assert verify_ledger().problems == ()
