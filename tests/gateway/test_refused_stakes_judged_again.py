"""A refused stake that is judged again is judged and paid at one moment: the one it comes at."""

from datetime import timedelta
from decimal import Decimal

import pgtrigger
import pytest
from django.db import connection

from apps.bonuses.services.grants import grant_bonus
from apps.core.models import OutboxMessage
from apps.providers.contracts import CanonicalEvent
from apps.providers.enums import RefusedStakeReplay, StakeSettles
from apps.rounds.models import Round, RoundEvent
from apps.wallet.models import Transfer
from tests.bonuses.makers import make_rule
from tests.gateway.builders import (
    Casino,
    assert_ledger_holds,
    deposit,
    everything,
    later,
    lines,
)
from tests.gateway.operations_makers import ask, ask_one, rollback, stake, win

AGAIN = {"refused_stake_replay": RefusedStakeReplay.REEVALUATE}


def bet(casino: Casino) -> CanonicalEvent:
    """Return the stake of 110.00 as it comes at this moment; its content is the same each time."""
    return stake("b-1", 11_000, occurred_at=casino.now, fingerprint="the same")


def give_bonus(casino: Casino, *, wagered: str = "30.00") -> None:
    """Give the player a bonus of 20.00, ten seconds after what went before."""
    casino.now += timedelta(seconds=10)
    rule = make_rule(percent_bp=10_000, requirement_multiple=Decimal(wagered), max_bet_minor=None)
    grant_bonus(
        player_id=casino.player.pk,
        rule_code=rule.code,
        deposit_minor=2_000,
        acting_user=None,
        idempotency_key="g-1",
        now=casino.now,
    )
    casino.now += timedelta(seconds=10)


def test_a_stake_that_a_later_bonus_covers_is_held_whole_and_its_round_settles(
    casino: Casino,
) -> None:
    assert ask_one(casino, bet(casino), **AGAIN)[:2] == ("rejected", "insufficient_funds")
    give_bonus(casino)
    assert ask_one(casino, bet(casino), **AGAIN) == ("accepted", "", 1_000)
    row = casino.stored("b-1")
    assert (row.overdrawn_minor, row.stake_bonus_minor, row.money_state) == (0, 1_000, "held")
    assert casino.pots() == {"cash": 0, "bonus": 1_000, "held": 11_000, "pending": 0}
    paid = win("w-1", 1_100, finalized=True, reference_event_id="b-1", occurred_at=casino.now)
    assert ask_one(casino, paid, **AGAIN)[:2] == ("accepted", "")
    assert casino.pots() == {"cash": 1_000, "bonus": 1_100, "held": 0, "pending": 0}
    assert_ledger_holds()


def test_a_stake_that_is_taken_at_once_makes_no_debt_where_a_later_bonus_covers_it(
    casino: Casino,
) -> None:
    at_once = {**AGAIN, "stake_settles": StakeSettles.AT_ONCE}
    ask_one(casino, bet(casino), **at_once)
    give_bonus(casino)
    assert ask_one(casino, bet(casino), **at_once) == ("accepted", "", 1_000)
    assert lines("aurora:b-1") == [
        ("stake", "p-1001 cash", "gaming:aurora", 10_000),
        ("stake", "p-1001 bonus", "gaming:aurora", 1_000),
    ]


def test_its_rollback_gives_the_bonus_part_back_to_the_bonus_it_was_staked_from(
    casino: Casino,
) -> None:
    ask_one(casino, bet(casino), **AGAIN)
    give_bonus(casino)
    ask_one(casino, bet(casino), **AGAIN)
    ask_one(casino, rollback("x-1", "b-1", occurred_at=casino.now), **AGAIN)
    assert casino.pots() == {"cash": 10_000, "bonus": 2_000, "held": 0, "pending": 0}
    assert_ledger_holds()


def test_it_is_refused_again_where_the_bonus_that_covered_it_ran_out(casino: Casino) -> None:
    give_bonus(casino)
    too_much = stake("b-1", 13_000, occurred_at=casino.now, fingerprint="the same")
    assert ask_one(casino, too_much, **AGAIN)[:2] == ("rejected", "insufficient_funds")
    deposit(casino.player, 1_500, key="more")
    casino.now += timedelta(days=31)
    before = everything()
    much_later = stake("b-1", 13_000, occurred_at=casino.now, fingerprint="the same")
    assert ask_one(casino, much_later, **AGAIN)[:2] == ("rejected", "insufficient_funds")
    assert everything() == before
    assert casino.stored("b-1").overdrawn_minor == 0


@pytest.mark.parametrize("settles", [StakeSettles.AT_CLOSE, StakeSettles.AT_ONCE])
def test_its_ledger_line_stands_at_the_time_at_which_it_was_taken(
    casino: Casino, settles: StakeSettles
) -> None:
    policy = {**AGAIN, "stake_settles": settles}
    ask_one(casino, bet(casino), **policy)
    deposit(casino.player, 5_000, key="more")
    casino.now += timedelta(days=3)
    assert ask_one(casino, bet(casino), **policy) == ("accepted", "", 4_000)
    stored = casino.stored("b-1")
    [line] = Transfer.objects.filter(subject="aurora:b-1")
    assert stored.round is not None
    assert stored.occurred_at == line.occurred_at == stored.round.opened_at == casino.now


def test_a_repeat_of_a_taken_stake_leaves_its_time_alone(casino: Casino) -> None:
    deposit(casino.player, 5_000, key="more")
    ask_one(casino, bet(casino), **AGAIN)
    placed = casino.now
    casino.now += timedelta(hours=1)
    assert ask_one(casino, bet(casino), **AGAIN)[0] == "duplicate"
    assert casino.stored("b-1").occurred_at == placed


def test_one_that_stays_refused_keeps_the_time_of_the_first_refusal(casino: Casino) -> None:
    ask_one(casino, bet(casino), **AGAIN)
    casino.now += timedelta(hours=1)
    assert ask_one(casino, bet(casino), **AGAIN)[0] == "rejected"
    assert RoundEvent.objects.get().occurred_at == later(0)


def held_short(casino: Casino) -> None:
    """Hold 100.00 of a stake of 110.00, as an earlier version did; its row outlived the upgrade."""
    ask_one(casino, stake("b-1", 10_000))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE rounds_roundevent DROP CONSTRAINT rounds_event_held_is_covered")
    with pgtrigger.ignore("rounds.RoundEvent:content_never_changes"):
        RoundEvent.objects.update(bet_minor=11_000, overdrawn_minor=1_000)
    Round.objects.update(stake_minor=11_000)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "ALTER TABLE rounds_roundevent ADD CONSTRAINT rounds_event_held_is_covered"
            " CHECK (money_state <> 'held' OR overdrawn_minor = 0) NOT VALID"
        )


def test_one_held_short_before_the_upgrade_is_captured_as_held_and_the_rest_is_owed(
    casino: Casino,
) -> None:
    held_short(casino)
    [paid] = ask(casino, win("w-1", 2_200, finalized=True))
    assert (paid.status, paid.code, paid.balance_minor) == ("accepted", "", 2_200)
    assert lines("aurora:b-1") == [
        ("hold", "p-1001 cash", "p-1001 held", 10_000),
        ("capture", "p-1001 held", "gaming:aurora", 10_000),
        ("overdrawn", "receivable:p-1001", "gaming:aurora", 1_000),
    ]
    [told] = OutboxMessage.objects.filter(topic="rounds.player_overdrawn")
    assert told.payload["event_id"] == "b-1"
    assert casino.pots() == {"cash": 2_200, "bonus": 0, "held": 0, "pending": 0}
    assert casino.stored("b-1").money_state == "settled"
    assert_ledger_holds()


def test_one_held_short_before_the_upgrade_goes_back_as_it_was_held(casino: Casino) -> None:
    held_short(casino)
    assert ask_one(casino, rollback("x-1", "b-1"))[0] == "accepted"
    assert casino.pots() == {"cash": 10_000, "bonus": 0, "held": 0, "pending": 0}
    assert not OutboxMessage.objects.filter(topic="rounds.player_overdrawn").exists()
    assert_ledger_holds()
