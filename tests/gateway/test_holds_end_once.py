"""A hold is captured or released once, and an event's money never steps back."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.rounds.models import RoundEvent
from apps.wallet.contracts import PlayerPot, TransferRequest
from apps.wallet.enums import TransferKind
from apps.wallet.errors import HoldEndedError
from apps.wallet.models import Transfer
from apps.wallet.services.ledger import post_transfers
from tests.gateway.builders import NOW, Casino, assert_ledger_holds, everything
from tests.gateway.operations_makers import ask_one, rollback, stake, win

RELEASE_AGAIN = """
INSERT INTO wallet_transfer (idempotency_key, batch_id, debit_account_id, credit_account_id,
    amount_minor, currency, kind, subject, reverses_id, occurred_at, created_at, note)
SELECT 'by hand', gen_random_uuid(), credit_account_id, debit_account_id, amount_minor, currency,
    %s, 'by hand', id, now(), now(), ''
FROM wallet_transfer WHERE idempotency_key = 'aurora:s-1:hold'
"""


def resolution(kind: str, casino: Casino, key: str = "other") -> TransferRequest:
    return TransferRequest(
        idempotency_key=f"aurora:s-1:{key}",
        debit=PlayerPot(casino.player.pk, "held"),
        credit=PlayerPot(casino.player.pk, "cash"),
        amount_minor=400,
        currency="AUD",
        kind=kind,
        subject="aurora:s-1",
        occurred_at=NOW,
        reverses_key="aurora:s-1:hold",
    )


@pytest.fixture(params=["captured", "released"])
def ended(request: Any, casino: Casino) -> Casino:
    """One hold has ended; another keeps as much in the held pot."""
    assert ask_one(casino, stake("s-1", 400))[0] == "accepted"
    assert ask_one(casino, stake("s-2", 400, round_ref="r-2"))[0] == "accepted"
    end = win("w-1", 0, finalized=True) if request.param == "captured" else rollback("b-1", "s-1")
    assert ask_one(casino, end)[0] == "accepted"
    assert casino.pots()["held"] == 400
    return casino


@pytest.mark.parametrize("kind", [TransferKind.CAPTURE, TransferKind.RELEASE])
def test_a_second_end_of_a_hold_is_refused_by_name_and_moves_nothing(
    ended: Casino, kind: str
) -> None:
    before = everything()
    with pytest.raises(HoldEndedError, match="aurora:s-1:hold"), transaction.atomic():
        post_transfers([resolution(kind, ended)], now=NOW)
    assert everything() == before
    assert_ledger_holds()


def test_two_ends_in_one_call_are_one_too_many(casino: Casino) -> None:
    ask_one(casino, stake("s-1", 400))
    ask_one(casino, stake("s-2", 400, round_ref="r-2"))
    both = [resolution(TransferKind.RELEASE, casino, "a"), resolution("capture", casino, "b")]
    with pytest.raises(HoldEndedError), transaction.atomic():
        post_transfers(both, now=NOW)
    assert casino.pots()["held"] == 800


@pytest.mark.parametrize("kind", ["capture", "release", "stake_forfeited"])
def test_the_database_refuses_a_second_end_of_a_hold(ended: Casino, kind: str) -> None:
    count = Transfer.objects.count()
    with (
        pytest.raises(DatabaseError, match="wallet_transfer_hold_ends_once"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(RELEASE_AGAIN, [kind])
    assert Transfer.objects.count() == count


@pytest.mark.parametrize("state", ["held", "none", "settled"])
def test_the_database_refuses_a_step_back_of_an_events_money(ended: Casino, state: str) -> None:
    event = RoundEvent.objects.get(event_id="s-1")
    if event.money_state == state:
        return
    with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
        RoundEvent.objects.filter(pk=event.pk).update(money_state=state)
    assert RoundEvent.objects.get(pk=event.pk).money_state == event.money_state
