"""Where the bonus part of a stake goes when its bonus is closed, and what a reversal names."""

from decimal import Decimal

import pytest

from apps.bonuses.models import Grant
from apps.bonuses.services.grants import expire_grants, grant_bonus
from apps.wallet.models import Transfer
from tests.bonuses.makers import make_rule
from tests.gateway.builders import Casino, assert_ledger_holds, later, lines

FAR = 60 * 60 * 24 * 40


@pytest.fixture
def grant(casino: Casino) -> Grant:
    """The player holds no cash and 20.00 bonus, and has 40.00 to wager."""
    rule = make_rule(percent_bp=10_000, requirement_multiple=Decimal("1.00"), max_bet_minor=5_000)
    casino.send(casino.event("spend", bet_amount="100.00", win_amount="0.00"))
    return grant_bonus(
        player_id=casino.player.pk,
        rule_code=rule.code,
        deposit_minor=2_000,
        acting_user=None,
        idempotency_key="g-1",
        now=casino.now,
    )


def rolled_back(casino: Casino, target: str, at_second: float) -> list[tuple[str, str, str, int]]:
    """Roll back and return the lines that it added."""
    before = len(lines(f"aurora:{target}"))
    casino.now = later(at_second)
    undo = casino.rollback(f"undo-{target}", target)
    assert casino.send_one(undo, at=later(at_second))["status"] == "accepted"
    return lines(f"aurora:{target}")[before:]


def test_a_stake_from_a_bonus_that_expired_goes_back_to_the_house(
    casino: Casino, grant: Grant
) -> None:
    casino.send(casino.event("e-1", bet_amount="8.00", win_amount="0.00"))
    expire_grants(later(FAR))
    assert casino.pots()["bonus"] == 0
    assert rolled_back(casino, "e-1", FAR + 1) == [
        ("stake_forfeited", "gaming:aurora", "bonus_cost", 800)
    ]
    assert (casino.pots()["cash"], casino.pots()["bonus"]) == (0, 0)
    assert_ledger_holds()


def test_a_bonus_win_that_was_forfeited_is_taken_from_the_house_and_not_from_the_player(
    casino: Casino, grant: Grant
) -> None:
    casino.send(casino.event("e-1", bet_amount="8.00", win_amount="30.00"))
    expire_grants(later(FAR))
    assert rolled_back(casino, "e-1", FAR + 1) == [
        ("stake_forfeited", "gaming:aurora", "bonus_cost", 800),
        ("rollback_win", "bonus_cost", "gaming:aurora", 3_000),
    ]
    assert (casino.pots()["cash"], casino.pots()["bonus"]) == (0, 0)
    assert_ledger_holds()


def test_a_held_stake_from_a_bonus_that_expired_is_released_to_the_house(
    casino: Casino, grant: Grant
) -> None:
    casino.send(casino.tentative("e-1", bet_amount="8.00", win_amount="0.00"))
    expire_grants(later(FAR))
    assert rolled_back(casino, "e-1", FAR + 1) == [
        ("stake_forfeited", "p-1001 held", "bonus_cost", 800)
    ]
    assert set(casino.pots().values()) == {0}


def test_a_stake_from_a_bonus_that_was_completed_goes_back_to_cash(
    casino: Casino, grant: Grant
) -> None:
    casino.send(casino.event("e-1", bet_amount="20.00", win_amount="20.00"))
    casino.send(casino.event("e-2", bet_amount="20.00", win_amount="20.00"))
    assert casino.pots()["cash"] == 2_000
    assert rolled_back(casino, "e-1", 5) == [
        ("rollback_stake", "gaming:aurora", "p-1001 cash", 2_000),
        ("rollback_win", "p-1001 cash", "gaming:aurora", 2_000),
    ]
    assert casino.pots()["cash"] == 2_000


def test_a_later_bonus_does_not_take_in_what_an_earlier_one_staked(
    casino: Casino, grant: Grant
) -> None:
    casino.send(casino.event("e-1", bet_amount="8.00", win_amount="0.00"))
    expire_grants(later(FAR))
    grant_bonus(
        player_id=casino.player.pk,
        rule_code=grant.rule.code,
        deposit_minor=1_000,
        acting_user=None,
        idempotency_key="g-2",
        now=later(FAR),
    )
    rolled_back(casino, "e-1", FAR + 1)
    assert (casino.pots()["cash"], casino.pots()["bonus"]) == (0, 1_000)


def test_undoing_a_stake_that_we_refused_and_the_provider_played_names_what_it_reverses(
    casino: Casino,
) -> None:
    refused = casino.tentative("e-1", bet_amount="500.00", win_amount="7.00")
    assert casino.send_one(refused)["code"] == "insufficient_funds"
    played = casino.event("e-1", round_id="r-1", bet_amount="500.00", win_amount="7.00")
    assert casino.send_one(played)["code"] == "overdrawn"
    rolled_back(casino, "e-1", 5)
    reversals = Transfer.objects.filter(kind__startswith="rollback").select_related("reverses")
    assert {line.kind: line.reverses and line.reverses.kind for line in reversals} == {
        "rollback_stake": "overdrawn",
        "rollback_win": "win",
    } or {line.reverses and line.reverses.kind for line in reversals} == {
        "stake",
        "overdrawn",
        "win",
    }
    assert casino.pots()["cash"] == 10_000
    assert_ledger_holds()
