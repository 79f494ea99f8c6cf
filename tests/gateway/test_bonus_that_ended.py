"""A stake from a bonus that ended, and the player's next bonus: which of them a win belongs to."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.bonuses.models import BonusRule, Grant
from apps.bonuses.services.grants import expire_grants, grant_bonus
from apps.rounds import statements
from apps.rounds.models import Round, RoundEvent
from tests.big_rows import fill
from tests.bonuses.makers import make_rule
from tests.gateway.builders import Casino, assert_ledger_holds, lines
from tests.gateway.operations_makers import ask, ask_one, rollback, stake, win
from tests.plans import plan_of


@pytest.fixture
def rule(casino: Casino) -> BonusRule:
    return make_rule(percent_bp=10_000, requirement_multiple=Decimal(30), max_bet_minor=10_000)


@pytest.fixture
def first(casino: Casino, rule: BonusRule) -> Grant:
    """The player's first bonus, 20.00, which is all that the player has."""
    ask(casino, stake("spend", 10_000, round_ref="r-0", finalized=True))
    return grant(casino, rule, "g-1")


def grant(casino: Casino, rule: BonusRule, key: str) -> Grant:
    made = grant_bonus(
        player_id=casino.player.pk,
        rule_code=rule.code,
        deposit_minor=2_000,
        acting_user=None,
        idempotency_key=key,
        now=casino.now,
    )
    casino.now += timedelta(seconds=10)
    return made


def begin_the_next(casino: Casino, rule: BonusRule, first: Grant) -> None:
    """Let the first bonus expire, and give the player another one of 20.00."""
    casino.now = first.expires_at + timedelta(seconds=1)
    assert expire_grants(casino.now).expired == 1
    grant(casino, rule, "g-2")


@pytest.mark.parametrize("named", [{"reference_event_id": "b-1"}, {}], ids=["stake", "round"])
def test_a_win_of_a_bonus_that_ended_is_cash_and_not_the_next_bonus(
    casino: Casino, rule: BonusRule, first: Grant, named: dict[str, str]
) -> None:
    ask(casino, stake("b-1", 1_000, occurred_at=casino.now))
    begin_the_next(casino, rule, first)
    won = win("w-1", 5_000, occurred_at=casino.now, finalized=True, **named)
    assert ask_one(casino, won) == ("accepted", "", 7_000)
    assert lines("aurora:w-1") == [("win", "gaming:aurora", "p-1001 cash", 5_000)]
    assert casino.pots() == {"cash": 5_000, "bonus": 2_000, "held": 0, "pending": 0}
    assert_ledger_holds()


def test_a_round_with_stakes_of_both_shares_its_win_by_what_each_staked(
    casino: Casino, rule: BonusRule, first: Grant
) -> None:
    ask(casino, stake("b-1", 1_500, occurred_at=casino.now))
    begin_the_next(casino, rule, first)
    ask(casino, stake("b-2", 500, occurred_at=casino.now))
    ask(casino, win("w-1", 4_000, occurred_at=casino.now, finalized=True))
    assert casino.stored("b-2").stake_bonus_minor == 500
    assert casino.pots() == {"cash": 3_000, "bonus": 2_500, "held": 0, "pending": 0}
    assert Round.objects.get(round_ref="r-1").stake_bonus_minor == 2_000


def test_what_is_rolled_back_of_the_bonus_that_ended_has_no_share_any_more(
    casino: Casino, rule: BonusRule, first: Grant
) -> None:
    ask(casino, stake("b-1", 1_500, occurred_at=casino.now))
    begin_the_next(casino, rule, first)
    ask(
        casino,
        stake("b-2", 500, occurred_at=casino.now),
        rollback("x-1", "b-1", occurred_at=casino.now),
        win("w-1", 4_000, occurred_at=casino.now, finalized=True),
    )
    assert casino.pots() == {"cash": 0, "bonus": 5_500, "held": 0, "pending": 0}
    assert lines("aurora:b-1")[-1] == ("stake_forfeited", "p-1001 held", "bonus_cost", 1_500)


def test_a_pending_win_of_a_bonus_that_ended_is_settled_in_cash(
    casino: Casino, rule: BonusRule, first: Grant
) -> None:
    assert casino.send_one(casino.tentative("e-1"))["status"] == "tentative"
    assert casino.stored("e-1").win_bonus_minor == 350
    begin_the_next(casino, rule, first)
    ends = casino.event("e-2", round_id="r-1", bet_amount="0.00", win_amount="0.00")
    assert casino.send_one(ends)["status"] == "accepted"
    assert ("settle_win", "p-1001 pending", "p-1001 cash", 350) in lines("aurora:e-1")
    assert casino.stored("e-1").win_bonus_minor == 0
    assert casino.pots() == {"cash": 350, "bonus": 2_000, "held": 0, "pending": 0}
    assert_ledger_holds()


@pytest.mark.django_db
def test_what_a_round_staked_from_ended_bonuses_is_found_by_an_index() -> None:
    fill([RoundEvent, Round], rows=5_000)
    plan = plan_of(statements.FIND_BONUS_STAKED_BEFORE, [[1], ["2026-11-22T10:00:00+00:00"]])
    assert "rounds_roundevent_round_id" in plan, plan
    assert "Seq Scan" not in plan, plan
