"""A provider played from a sub-wallet: filled, played, swept, audited."""

from datetime import datetime

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from apps.core.models import OutboxMessage
from apps.gateway import tasks
from apps.gateway.errors import RoundsOpenError, WrongWalletModelError
from apps.gateway.services import nightly, sub_wallets
from apps.gateway.services.holds import holds_out_of_step
from apps.gateway.services.nightly import audit_every_provider, sweep_every_provider
from apps.gateway.services.sub_wallets import (
    MoneyOrder,
    SweepReport,
    cash_out_sub_wallet,
    fund_sub_wallet,
    sweep_sub_wallets,
)
from apps.gateway.services.wallet_audit import audit_wallets
from apps.providers.enums import StakeSettles
from apps.wallet.errors import IdempotencyConflictError, InsufficientFundsError
from apps.wallet.models import AuditFinding, Transfer, WalletAudit
from apps.wallet.services import ledger
from tests.factories import make_provider
from tests.gateway.builders import (
    Casino,
    assert_ledger_holds,
    everything,
    later,
    lines,
    open_casino,
)
from tests.gateway.operations_makers import ask, speak_iplaygames, stake, win
from tests.races import race


@pytest.fixture
def sub(casino: Casino) -> Casino:
    return played_from_sub_wallet(casino)


def played_from_sub_wallet(casino: Casino) -> Casino:
    casino.provider.wallet_model = "sub_wallet"
    casino.provider.save()
    casino.book = {"p-1001": 0}
    return casino


def order(casino: Casino, amount_minor: int, key: str = "k-1") -> MoneyOrder:
    return MoneyOrder(casino.player.pk, "aurora", amount_minor, "AUD", key)


def fund(casino: Casino, amount_minor: int, key: str = "k-1") -> bool:
    """Fill the sub-wallet, and the provider's own book of it."""
    is_new = fund_sub_wallet(order(casino, amount_minor, key), now=casino.now)
    if is_new:
        casino.book["p-1001"] = casino.book.get("p-1001", 0) + amount_minor
    return is_new


def test_an_evening_from_a_sub_wallet_reads_like_an_account(sub: Casino) -> None:
    assert fund(sub, 2_000)
    won = sub.send_one(sub.event("e-1", bet_amount="5.00", win_amount="8.00"))
    assert (won["status"], won["code"]) == ("accepted", None)
    assert lines("aurora:e-1") == [
        ("stake", "p-1001 sub:aurora", "gaming:aurora", 500),
        ("win", "gaming:aurora", "p-1001 sub:aurora", 800),
    ]
    assert sub.pots()["sub:aurora"] == 2_300
    report = sweep_sub_wallets("aurora", now=later(60))
    assert (report.pots, report.moved, report.left_in_play) == (1, (("AUD", 2_300),), 0)
    assert sub.pots() == {
        "cash": 10_300,
        "bonus": 0,
        "held": 0,
        "pending": 0,
        "sub:aurora": 0,
    }
    assert_ledger_holds()


def test_filling_twice_with_one_key_fills_once_and_another_amount_is_a_conflict(
    sub: Casino,
) -> None:
    assert fund(sub, 2_000)
    assert not fund(sub, 2_000)
    assert fund(sub, 500, "top-up")
    before = everything()
    with pytest.raises(IdempotencyConflictError):
        fund(sub, 2_001)
    with pytest.raises(InsufficientFundsError):
        fund(sub, 7_501, "k-2")
    assert everything() == before
    assert sub.pots()["sub:aurora"] == 2_500


def test_a_provider_on_hold_has_no_sub_wallet_to_fill(casino: Casino) -> None:
    before = everything()
    with pytest.raises(WrongWalletModelError, match="Hold on our ledger"):
        fund(casino, 100)
    assert everything() == before


def test_a_new_stake_beyond_the_sub_wallet_is_refused_although_there_is_cash(sub: Casino) -> None:
    fund(sub, 300)
    before = everything()
    refused = sub.send_one(sub.tentative("e-1", bet_amount="3.01", win_amount="0.00"))
    assert refused["code"] == "insufficient_funds"
    assert everything() == before


def test_a_tentative_round_moves_inside_the_sub_wallet_and_nothing_reaches_cash(
    sub: Casino,
) -> None:
    fund(sub, 1_000)
    sub.send(sub.tentative("e-1", bet_amount="4.00", win_amount="6.00"))
    assert (sub.pots()["sub:aurora"], sub.pots()["held"], sub.pots()["pending"]) == (1_200, 0, 0)
    assert holds_out_of_step() == []
    report = sweep_sub_wallets("aurora", now=later(5))
    assert (report.pots, report.left_in_play) == (0, 1)
    with pytest.raises(RoundsOpenError):
        cash_out_sub_wallet(order(sub, 100, "out"), now=later(6))
    sub.send(sub.event("f-1", round_id="r-1", bet_amount="0.00", win_amount="0.00"))
    assert cash_out_sub_wallet(order(sub, 1_200, "out"), now=later(7))
    assert not cash_out_sub_wallet(order(sub, 1_200, "out"), now=later(8))
    assert (sub.pots()["sub:aurora"], sub.pots()["cash"]) == (0, 10_200)


def test_where_no_message_closes_a_round_it_is_over_a_quarter_of_an_hour_after_its_last(
    sub: Casino,
) -> None:
    speak_iplaygames(sub)
    fund(sub, 5_000)
    ask(sub, stake("b-1", 100), stake_settles=StakeSettles.AT_ONCE)
    sub.now = later(600)
    ask(sub, win("w-1", 300), stake_settles=StakeSettles.AT_ONCE)
    with pytest.raises(RoundsOpenError):
        cash_out_sub_wallet(order(sub, 5_200, "out"), now=later(1_499))
    report = sweep_sub_wallets("aurora", now=later(1_499))
    assert (report.pots, report.left_in_play, sub.pots()["cash"]) == (0, 1, 5_000)
    assert cash_out_sub_wallet(order(sub, 200, "out"), now=later(1_501))
    report = sweep_sub_wallets("aurora", now=later(1_501))
    assert (report.moved, report.left_in_play) == ((("AUD", 5_000),), 0)
    assert (sub.pots()["cash"], sub.pots()["sub:aurora"]) == (10_200, 0)
    sub.now = later(1_800)
    ask(sub, win("w-2", 50), stake_settles=StakeSettles.AT_ONCE)
    assert sub.pots()["sub:aurora"] == 50
    assert_ledger_holds()


def test_where_messages_close_rounds_an_open_one_keeps_its_money_however_long_ago_it_came(
    sub: Casino,
) -> None:
    fund(sub, 5_000)
    ask(sub, stake("b-1", 100))
    assert sweep_sub_wallets("aurora", now=later(23 * 3_600)).left_in_play == 1
    with pytest.raises(RoundsOpenError):
        cash_out_sub_wallet(order(sub, 4_900, "out"), now=later(23 * 3_600))
    assert sub.pots()["sub:aurora"] == 4_900


def test_a_rollback_after_a_sweep_returns_the_stake_and_takes_the_swept_win_from_cash(
    sub: Casino,
) -> None:
    fund(sub, 1_000)
    sub.send(sub.event("e-1", bet_amount="10.00", win_amount="30.00"))
    sweep_sub_wallets("aurora", now=later(1))
    sub.send(sub.rollback("b-1", "e-1"))
    assert lines("aurora:e-1")[2:] == [
        ("rollback_stake", "gaming:aurora", "p-1001 sub:aurora", 1_000),
        ("rollback_win", "p-1001 sub:aurora", "gaming:aurora", 1_000),
        ("rollback_win", "p-1001 cash", "gaming:aurora", 2_000),
    ]
    assert (sub.pots()["sub:aurora"], sub.pots()["cash"]) == (0, 10_000)
    reversals = Transfer.objects.filter(subject="aurora:e-1", kind__startswith="rollback")
    assert all(line.reverses_id for line in reversals)
    assert_ledger_holds()


def test_a_win_before_anything_was_filled_opens_the_pot(sub: Casino) -> None:
    sub.send(sub.event("e-1", bet_amount="0.00", win_amount="3.00", round_type="free_spin"))
    assert sub.pots()["sub:aurora"] == 300
    assert_ledger_holds()


def test_the_audit_agrees_whatever_was_filled_and_swept_since(sub: Casino) -> None:
    fund(sub, 1_000)
    sub.now = later(10)
    sub.send(sub.event("e-1", bet_amount="1.00", win_amount="0.00"))
    sub.now = later(20)
    fund(sub, 700, "top-up")
    sweep_sub_wallets("aurora", now=later(30))
    report = audit_wallets("aurora", now=later(40))
    assert (report.compared, report.unheard, report.findings) == (1, 0, 0)


def test_the_audit_finds_drift_once_and_tells_who_listens(sub: Casino) -> None:
    fund(sub, 1_000)
    sub.now = later(10)
    sub.send(
        sub.event(
            "e-1",
            bet_amount="1.00",
            win_amount="0.00",
            balance_before="10.00",
            balance_after="9.50",
        )
    )
    first = audit_wallets("aurora", now=later(40))
    again = audit_wallets("aurora", now=later(50))
    assert (first.findings, again.findings) == (1, 0)
    finding = AuditFinding.objects.get()
    assert (finding.event_id, finding.ours_minor, finding.theirs_minor) == ("e-1", 900, 950)
    assert WalletAudit.objects.count() == 2
    message = OutboxMessage.objects.get(topic="wallet.wallet_drifted")
    assert message.payload["findings"] == 1


def test_a_pot_the_provider_never_spoke_of_is_unheard(sub: Casino) -> None:
    fund(sub, 1_000)
    report = audit_wallets("aurora", now=later(40))
    assert (report.compared, report.unheard, report.findings) == (0, 1, 0)


def test_a_sweep_that_fails_for_one_provider_leaves_no_other_unswept(sub: Casino) -> None:
    other = make_provider("zenith")
    other.wallet_model = "sub_wallet"
    other.save(update_fields=["wallet_model"])
    fund(sub, 777)
    fund_sub_wallet(MoneyOrder(sub.player.pk, "zenith", 400, "AUD", "z"), now=sub.now)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        # It was filled with that much already, so the constraint looks at new rows only.
        poison = "ADD CONSTRAINT poison CHECK (amount_minor <> 777) NOT VALID"
        cursor.execute(f"ALTER TABLE wallet_transfer {poison}")
    sweep_every_provider(clock=lambda: later(60))
    pots = sub.pots()
    assert (pots["sub:aurora"], pots["sub:zenith"], pots["cash"]) == (777, 0, 9_223)
    audit_every_provider(clock=lambda: later(90))
    assert WalletAudit.objects.count() == 2
    assert_ledger_holds()


def test_who_plays_while_another_provider_is_swept_is_no_drift(
    sub: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_provider("aardvark")
    fund(sub, 1_000)
    with time_machine.travel(later(60), tick=False) as clock:

        def slowly(code: str, *, now: datetime) -> SweepReport:
            if code == "aardvark":
                clock.shift(30)
                sub.now = later(90)
                sub.send(sub.event("e-1", bet_amount="1.00", win_amount="0.00"))
                clock.shift(30)
            return sweep_sub_wallets(code, now=now)

        monkeypatch.setattr(nightly, "sweep_sub_wallets", slowly)
        tasks.sweep_sub_wallets()
    assert Transfer.objects.get(kind="sub_sweep").amount_minor == 900
    report = audit_wallets("aurora", now=later(200))
    assert (report.compared, report.findings) == (1, 0)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_move_the_money_once() -> None:
    casino = played_from_sub_wallet(open_casino())
    fund(casino, 2_000)
    outcomes = race([lambda: sweep_sub_wallets("aurora", now=later(1))] * 2)
    assert sorted(outcome.pots for outcome in outcomes if not isinstance(outcome, Exception)) == [
        0,
        1,
    ]
    assert (casino.pots()["cash"], casino.pots()["sub:aurora"]) == (10_000, 0)
    assert Transfer.objects.filter(kind="sub_sweep").count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_control_sweeping_what_was_read_before_the_lock_is_refused_by_the_database() -> None:
    casino = played_from_sub_wallet(open_casino())
    fund(casino, 2_000)
    with connection.cursor() as cursor:
        [stale] = ledger.lock_wallets(cursor, player_ids=[casino.player.pk])
    request = sub_wallets._sweep_request(stale, "aurora", later(1))
    again = sub_wallets._sweep_request(stale, "aurora", later(1))
    wallets = {stale.player_id: stale}
    with transaction.atomic(), connection.cursor() as cursor:
        ledger.write_transfers(cursor, [request], wallets, {}, now=later(1))
    refused = pytest.raises(IntegrityError, match="wallet_account_player_balance_not_negative")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        ledger.write_transfers(cursor, [again], wallets, {}, now=later(1))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_top_ups_with_one_key_fill_once_and_with_two_keys_twice() -> None:
    casino = played_from_sub_wallet(open_casino())

    def top_up(key: str) -> bool:
        return fund_sub_wallet(order(casino, 400, key), now=casino.now)

    assert sorted(map(str, race([lambda: top_up("one")] * 2))) == ["False", "True"]
    assert casino.pots()["sub:aurora"] == 400
    assert race([lambda: top_up("two"), lambda: top_up("three")]) == [True, True]
    assert (casino.pots()["sub:aurora"], casino.pots()["cash"]) == (1_200, 8_800)
