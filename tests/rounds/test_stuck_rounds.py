"""Rounds that a provider left open."""

from datetime import timedelta

import pytest

from apps.core.models import OutboxMessage
from apps.rounds.models import Round
from apps.rounds.services.stuck import sort_out_open_rounds
from tests.gateway.builders import Casino, assert_ledger_holds, open_casino
from tests.gateway.operations_makers import ask, rollback, stake, win

DAY = timedelta(hours=24)


@pytest.fixture
def casino() -> Casino:
    return open_casino()


def state_of(casino: Casino) -> str:
    return str(Round.objects.get(provider=casino.provider).state)


@pytest.mark.django_db
def test_a_round_that_holds_a_stake_is_flagged_after_a_day_and_told_of_once(
    casino: Casino,
) -> None:
    ask(casino, stake("b-1"))
    assert sort_out_open_rounds(now=casino.now + DAY) == (0, 0)
    assert sort_out_open_rounds(now=casino.now + DAY + timedelta(seconds=1)) == (0, 1)
    assert sort_out_open_rounds(now=casino.now + DAY + timedelta(hours=1)) == (0, 0)
    assert state_of(casino) == "stuck"
    assert casino.pots()["held"] == 200
    [told] = OutboxMessage.objects.filter(topic="rounds.stuck")
    assert told.payload == {"provider_id": casino.provider.pk, "count": 1}


@pytest.mark.django_db
def test_a_stuck_round_still_takes_its_win_and_its_rollback(casino: Casino) -> None:
    ask(casino, stake("b-1"), stake("b-2"))
    sort_out_open_rounds(now=casino.now + 2 * DAY)
    ask(casino, rollback("x-1", "b-1"))
    ask(casino, win("w-1", finalized=True))
    assert state_of(casino) == "settled"
    assert casino.pots() == {"cash": 10_150, "bonus": 0, "held": 0, "pending": 0}
    assert_ledger_holds()


@pytest.mark.django_db
def test_a_round_that_holds_nothing_is_closed_and_a_late_win_is_still_paid(
    casino: Casino,
) -> None:
    ask(casino, stake("b-1"), stake_settles="at_once")
    assert sort_out_open_rounds(now=casino.now + 2 * DAY) == (1, 0)
    assert state_of(casino) == "settled"
    [late] = ask(casino, win("w-1"))
    assert (late.status, late.code, late.balance_minor) == ("accepted", "late", 10_150)
