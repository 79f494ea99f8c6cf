"""Stakes from bonus funds: split, counted, returned to the same pots, released when done."""

from decimal import Decimal

import pytest

from apps.bonuses.models import BonusRule, Grant, WageringReceipt
from apps.bonuses.services.grants import expire_grants, grant_bonus
from apps.promotions.models import PromoTag
from apps.wallet.models import Transfer
from tests.bonuses.makers import make_rule
from tests.gateway.builders import (
    SLOT,
    TABLE,
    Casino,
    assert_ledger_holds,
    deposit,
    everything,
    lines,
    open_player,
)


@pytest.fixture
def rule(casino: Casino) -> BonusRule:
    """100 % on the deposit, wagered once: a deposit of 20.00 asks for 40.00 on slots."""
    return make_rule(percent_bp=10_000, requirement_multiple=Decimal("1.00"), max_bet_minor=1_000)


@pytest.fixture
def grant(casino: Casino, rule: BonusRule) -> Grant:
    """The player holds 10.00 cash and 20.00 bonus, and has 40.00 to wager."""
    casino.send(casino.event("spend", bet_amount="90.00", win_amount="0.00"))
    return grant_bonus(
        player_id=casino.player.pk,
        rule_code=rule.code,
        deposit_minor=2_000,
        acting_user=None,
        idempotency_key="g-1",
        now=casino.now,
    )


def remaining(grant: Grant) -> int:
    grant.refresh_from_db()
    return grant.remaining_minor


def test_cash_is_staked_before_bonus_and_the_win_goes_back_in_proportion(
    casino: Casino, grant: Grant
) -> None:
    assert casino.pots() == {"cash": 1_000, "bonus": 2_000, "held": 0, "pending": 0}
    assert grant.required_minor == 4_000
    casino.send(casino.event("warm-up", bet_amount="6.00", win_amount="0.00"))
    casino.send(casino.event("e-1", bet_amount="8.00", win_amount="10.00"))
    assert lines("aurora:e-1") == [
        ("stake", "p-1001 cash", "gaming:aurora", 400),
        ("stake", "p-1001 bonus", "gaming:aurora", 400),
        ("win", "gaming:aurora", "p-1001 cash", 500),
        ("win", "gaming:aurora", "p-1001 bonus", 500),
    ]
    assert casino.pots() == {"cash": 500, "bonus": 2_100, "held": 0, "pending": 0}
    assert remaining(grant) == 4_000 - 600 - 800
    assert_ledger_holds()


def test_a_rollback_returns_to_the_same_pots_and_takes_the_wagering_back(
    casino: Casino, grant: Grant
) -> None:
    casino.send(casino.event("warm-up", bet_amount="6.00", win_amount="0.00"))
    casino.send(casino.event("e-1", bet_amount="8.00", win_amount="10.00"))
    casino.send(casino.rollback("b-1", "e-1"))
    assert casino.pots() == {"cash": 400, "bonus": 2_000, "held": 0, "pending": 0}
    assert remaining(grant) == 3_400
    receipts = WageringReceipt.objects.filter(subject="aurora:e-1").order_by("pk")
    assert [(r.counted_minor, r.is_reversal) for r in receipts] == [(800, False), (-800, True)]
    before = everything()
    casino.send(casino.rollback("b-2", "e-1"))
    assert everything() == before
    assert remaining(grant) == 3_400


def test_a_held_stake_counts_only_when_its_round_is_settled(casino: Casino, grant: Grant) -> None:
    casino.send(casino.tentative("e-1", bet_amount="10.00", win_amount="0.00"))
    assert remaining(grant) == 4_000
    casino.send(casino.event("f-1", round_id="r-1", bet_amount="0.00", win_amount="0.00"))
    assert remaining(grant) == 3_000
    assert_ledger_holds()


def test_a_held_stake_from_both_pots_is_released_to_both(casino: Casino, grant: Grant) -> None:
    casino.send(casino.event("warm-up", bet_amount="6.00", win_amount="0.00"))
    casino.send(casino.tentative("e-1", bet_amount="8.00", win_amount="10.00"))
    assert casino.pots() == {"cash": 0, "bonus": 1_600, "held": 800, "pending": 1_000}
    casino.send(casino.rollback("b-1", "e-1"))
    assert casino.pots() == {"cash": 400, "bonus": 2_000, "held": 0, "pending": 0}
    assert not WageringReceipt.objects.filter(subject="aurora:e-1").exists()


def test_a_held_stake_from_both_pots_is_captured_by_parts_and_taken_back_to_both(
    casino: Casino, grant: Grant
) -> None:
    casino.send(casino.event("warm-up", bet_amount="6.00", win_amount="0.00"))
    casino.send(casino.tentative("e-1", bet_amount="8.00", win_amount="0.00"))
    casino.send(casino.event("f-1", round_id="r-1", bet_amount="0.00", win_amount="0.00"))
    assert lines("aurora:e-1") == [
        ("hold", "p-1001 cash", "p-1001 held", 400),
        ("hold", "p-1001 bonus", "p-1001 held", 400),
        ("capture", "p-1001 held", "gaming:aurora", 400),
        ("capture", "p-1001 held", "gaming:aurora", 400),
    ]
    casino.send(casino.rollback("b-1", "e-1"))
    assert casino.pots() == {"cash": 400, "bonus": 2_000, "held": 0, "pending": 0}
    reversals = Transfer.objects.filter(subject="aurora:e-1", reverses__isnull=False)
    assert [
        line.reverses.idempotency_key for line in reversals.order_by("pk") if line.reverses
    ] == [
        "aurora:e-1:hold",
        "aurora:e-1:hold:bonus",
        "aurora:e-1:capture",
        "aurora:e-1:capture:bonus",
    ]
    assert_ledger_holds()


def test_a_pending_win_is_paid_in_proportion_when_its_round_is_settled(
    casino: Casino, grant: Grant
) -> None:
    casino.send(casino.event("warm-up", bet_amount="6.00", win_amount="0.00"))
    casino.send(casino.tentative("e-1", bet_amount="8.00", win_amount="10.00"))
    assert casino.pots() == {"cash": 0, "bonus": 1_600, "held": 800, "pending": 1_000}
    casino.send(casino.event("e-2", round_id="r-1", bet_amount="0.00", win_amount="0.00"))
    assert casino.pots() == {"cash": 500, "bonus": 2_100, "held": 0, "pending": 0}
    assert lines("aurora:e-1")[-2:] == [
        ("settle_win", "p-1001 pending", "p-1001 cash", 500),
        ("settle_win", "p-1001 pending", "p-1001 bonus", 500),
    ]
    assert_ledger_holds()


def test_of_a_bonus_win_that_is_spent_the_rest_is_owed_when_it_is_rolled_back(
    casino: Casino, grant: Grant
) -> None:
    casino.send(casino.event("warm-up", bet_amount="10.00", win_amount="0.00"))
    casino.send(casino.event("e-1", bet_amount="5.00", win_amount="15.00"))
    casino.send(casino.event("e-2", bet_amount="28.00", win_amount="0.00"))
    assert casino.pots() == {"cash": 0, "bonus": 200, "held": 0, "pending": 0}
    casino.send(casino.rollback("b-1", "e-1"))
    assert casino.pots() == {"cash": 0, "bonus": 0, "held": 0, "pending": 0}
    assert lines("aurora:e-1")[-3:] == [
        ("rollback_stake", "gaming:aurora", "p-1001 bonus", 500),
        ("rollback_win", "p-1001 bonus", "gaming:aurora", 700),
        ("rollback_win", "receivable:p-1001", "gaming:aurora", 800),
    ]
    assert_ledger_holds()


def test_a_game_of_less_weight_counts_less(casino: Casino, grant: Grant) -> None:
    casino.send(casino.event("e-1", bet_amount="8.00", game_code=TABLE))
    receipt = WageringReceipt.objects.get(subject="aurora:e-1")
    assert (receipt.stake_minor, receipt.weight_bp, receipt.counted_minor) == (800, 0, 0)
    assert remaining(grant) == 4_000


def test_a_new_stake_over_the_maximum_bet_is_refused_and_one_at_it_is_not(
    casino: Casino, grant: Grant
) -> None:
    before = everything()
    over = casino.send_one(casino.tentative("e-1", bet_amount="10.01", win_amount="0.00"))
    assert (over["status"], over["code"]) == ("rejected", "max_bet")
    assert everything() == before
    at = casino.send_one(casino.tentative("e-2", bet_amount="10.00", win_amount="0.00"))
    assert at["status"] == "tentative"


def test_a_played_stake_over_the_maximum_bet_counts_nothing(casino: Casino, grant: Grant) -> None:
    casino.send(casino.event("e-1", bet_amount="10.01", win_amount="0.00"))
    assert remaining(grant) == 4_000
    assert WageringReceipt.objects.get(subject="aurora:e-1").reason == "over_max_bet"


def complete(casino: Casino) -> None:
    for number in range(4):
        casino.send(casino.event(f"c-{number}", bet_amount="10.00", win_amount="10.00"))


def test_the_last_bet_of_the_requirement_releases_the_bonus_at_once(
    casino: Casino, grant: Grant
) -> None:
    complete(casino)
    grant.refresh_from_db()
    assert (grant.state, grant.remaining_minor) == ("completed", 0)
    assert casino.pots() == {"cash": 3_000, "bonus": 0, "held": 0, "pending": 0}
    assert lines(f"grant:{grant.pk}")[-1] == (
        "bonus_conversion",
        "p-1001 bonus",
        "p-1001 cash",
        2_000,
    )
    assert_ledger_holds()


def test_a_rollback_after_the_release_does_not_reopen_the_bonus_and_is_flagged(
    casino: Casino, grant: Grant
) -> None:
    complete(casino)
    casino.send(casino.rollback("b-1", "c-3"))
    grant.refresh_from_db()
    assert grant.state == "completed"
    reversal = WageringReceipt.objects.get(subject="aurora:c-3", is_reversal=True)
    assert (reversal.counted_minor, reversal.unrecovered_minor) == (0, 1_000)
    assert casino.pots()["cash"] == 3_000
    assert_ledger_holds()


def test_the_requirement_is_met_within_one_callback_and_the_rest_is_played_from_cash(
    casino: Casino, grant: Grant
) -> None:
    bets = [casino.event(f"c-{n}", bet_amount="10.00", win_amount="10.00") for n in range(6)]
    results = casino.send(*bets)
    assert [r["balance"] for r in results] == ["30.00"] * 6
    assert casino.pots() == {"cash": 3_000, "bonus": 0, "held": 0, "pending": 0}
    assert WageringReceipt.objects.count() == 4


def test_a_bonus_that_was_lost_expires_and_moves_nothing(casino: Casino, grant: Grant) -> None:
    casino.send(casino.event("e-1", bet_amount="30.00", win_amount="0.00"))
    assert casino.pots() == {"cash": 0, "bonus": 0, "held": 0, "pending": 0}
    before = everything()["transfers"]
    assert expire_grants(grant.expires_at).expired == 1
    grant.refresh_from_db()
    assert (grant.state, everything()["transfers"]) == ("expired", before)


def test_a_bonus_only_player_may_stake_it(casino: Casino, rule: BonusRule) -> None:
    player = open_player("p-bonus")
    casino.book["p-bonus"] = 2_000
    grant_bonus(
        player_id=player.pk,
        rule_code=rule.code,
        deposit_minor=2_000,
        acting_user=None,
        idempotency_key="g-2",
        now=casino.now,
    )
    stake = casino.tentative("e-1", player_id="p-bonus", bet_amount="5.00", win_amount="0.00")
    assert casino.send_one(stake)["balance"] == "15.00"
    assert casino.pots(player) == {"cash": 0, "bonus": 1_500, "held": 500, "pending": 0}
    deposit(player, 1_000, key="d-1")
    assert casino.pots(player)["cash"] == 1_000


def test_a_flagged_event_is_tagged_once_and_an_unknown_flag_stays_visible(casino: Casino) -> None:
    flagged = casino.event("e-1", promo={"campaign": "no-such-offer", "multiplier": "2.0"})
    casino.send(flagged)
    casino.send(flagged)
    tag = PromoTag.objects.get()
    assert (tag.subject, tag.flagged_code, tag.campaign_id) == (
        "aurora:e-1",
        "no-such-offer",
        None,
    )
    refused = casino.tentative(
        "e-2", bet_amount="500.00", promo={"campaign": "no-such-offer"}, game_code=SLOT
    )
    assert casino.send_one(refused)["status"] == "rejected"
    assert PromoTag.objects.count() == 1
