"""A hold is captured or released once and whole, and an event's money never steps back."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.rounds.models import RoundEvent
from apps.wallet.contracts import PlayerPot, TransferRequest
from apps.wallet.enums import HOLD_ENDS, TransferKind
from apps.wallet.errors import HoldAmountError, HoldEndedError
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

END_OTHERWISE = """
INSERT INTO wallet_transfer (idempotency_key, batch_id, debit_account_id, credit_account_id,
    amount_minor, currency, kind, subject, reverses_id, occurred_at, created_at, note)
SELECT 'by hand', gen_random_uuid(), credit_account_id, debit_account_id, amount_minor + %s,
    currency, %s, 'by hand', id, now(), now(), ''
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


@pytest.mark.parametrize("kind", [TransferKind.CAPTURE, TransferKind.RELEASE])
@pytest.mark.parametrize("amount_minor", [1, 399, 401, 800])
def test_another_amount_than_was_held_is_refused_by_name_and_moves_nothing(
    casino: Casino, kind: str, amount_minor: int
) -> None:
    ask_one(casino, stake("s-1", 400))
    ask_one(casino, stake("s-2", 400, round_ref="r-2"))
    before = everything()
    other = replace(resolution(kind, casino), amount_minor=amount_minor)
    with pytest.raises(HoldAmountError, match="aurora:s-1:hold"), transaction.atomic():
        post_transfers([other], now=NOW)
    assert everything() == before
    assert post_transfers([resolution(kind, casino)], now=NOW) == 1


@pytest.mark.parametrize("kind", HOLD_ENDS)
@pytest.mark.parametrize("more_minor", [-1, 1])
def test_the_database_refuses_another_amount_than_was_held(
    casino: Casino, kind: str, more_minor: int
) -> None:
    ask_one(casino, stake("s-1", 400))
    count = Transfer.objects.count()
    with (
        pytest.raises(IntegrityError, match="wallet_transfer_holds_end_whole"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(END_OTHERWISE, [more_minor, kind])
    assert Transfer.objects.count() == count


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    held=st.lists(st.integers(1, 500), min_size=1, max_size=4),
    ends=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 500), st.booleans()), max_size=8),
)
def test_whatever_is_asked_the_held_pot_is_what_no_whole_end_has_taken(
    casino: Casino, held: list[int], ends: list[tuple[int, int, bool]]
) -> None:
    with transaction.atomic():
        for place, amount_minor in enumerate(held):
            assert ask_one(casino, stake(f"s-{place}", amount_minor))[0] == "accepted"
        left = dict(enumerate(held))
        for number, (place, amount_minor, is_whole) in enumerate(ends):
            if place >= len(held):
                continue
            end_minor = held[place] if is_whole else amount_minor
            wanted = replace(
                resolution(TransferKind.RELEASE, casino, f"end-{number}"),
                amount_minor=end_minor,
                reverses_key=f"aurora:s-{place}:hold",
            )
            if left.get(place) == end_minor:
                post_transfers([wanted], now=NOW)
                del left[place]
                continue
            refusal = HoldAmountError if place in left else HoldEndedError
            with pytest.raises(refusal), transaction.atomic():
                post_transfers([wanted], now=NOW)
        assert casino.pots()["held"] == sum(left.values())
        assert casino.pots()["cash"] == 10_000 - sum(left.values())
        transaction.set_rollback(True)


@pytest.mark.parametrize("state", ["held", "none", "settled"])
def test_the_database_refuses_a_step_back_of_an_events_money(ended: Casino, state: str) -> None:
    event = RoundEvent.objects.get(event_id="s-1")
    if event.money_state == state:
        return
    with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
        RoundEvent.objects.filter(pk=event.pk).update(money_state=state)
    assert RoundEvent.objects.get(pk=event.pk).money_state == event.money_state
