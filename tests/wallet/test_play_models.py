"""The three ways to play with money, and how a stake and a win are split."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.wallet.enums import PlayModelName, SpendOrder
from apps.wallet.play_models import Part, PlayModel, apportion, play_model, provider_of_pot
from apps.wallet.spend_orders import SpendRule, order_among, spend_order, spend_rules

TODAY = date(2026, 11, 20)
BALANCES = {"cash": 400, "bonus": 2_000, "held": 50, "sub:aurora": 300, "transferred:aurora": 700}


def model(name: str, jurisdiction: str = "AU-VIC") -> PlayModel:
    return play_model(name, "aurora", jurisdiction, TODAY)


def test_hold_stakes_cash_before_bonus_and_shows_both() -> None:
    hold = model("hold")
    funding = hold.fund(BALANCES, 1_000, bonus_is_open=True)
    assert funding.parts == (Part("cash", 400), Part("bonus", 600))
    assert (funding.short_minor, hold.stakeable_minor(BALANCES, bonus_is_open=True)) == (0, 2_400)
    assert hold.is_stake_held


def test_a_jurisdiction_may_spend_bonus_first() -> None:
    hold = model("hold", "SE")
    assert hold.fund(BALANCES, 2_100, bonus_is_open=True).parts == (
        Part("bonus", 2_000),
        Part("cash", 100),
    )


def test_a_region_follows_its_country_and_an_unknown_one_the_default() -> None:
    assert spend_order("SE-AB", TODAY) == spend_order("SE", TODAY) == "bonus_first"
    assert spend_order("XX", TODAY) == spend_order("AU-NSW", TODAY) == "cash_first"
    lines = {(rule.jurisdiction, rule.effective_from) for rule in spend_rules()}
    assert len(lines) == len(spend_rules())
    assert all(rule.source for rule in spend_rules())


def test_a_changed_order_holds_from_its_own_day_on() -> None:
    day, later = date(2026, 1, 1), date(2027, 3, 1)
    rules = [
        SpendRule("SE", SpendOrder.CASH_FIRST, later, "the next terms"),
        SpendRule("SE", SpendOrder.BONUS_FIRST, day, "the terms"),
        SpendRule("", SpendOrder.BONUS_FIRST, later, "the default"),
    ]
    eve = later - timedelta(days=1)
    assert [order_among(rules, "SE", on) for on in (eve, later)] == ["bonus_first", "cash_first"]
    assert [order_among(rules, "MT", on) for on in (eve, later)] == ["cash_first", "bonus_first"]


def test_closed_bonus_funds_pay_nothing_and_the_rest_is_short() -> None:
    funding = model("hold").fund(BALANCES, 1_000, bonus_is_open=False)
    assert (funding.parts, funding.short_minor) == ((Part("cash", 400),), 600)
    assert model("hold").stakeable_minor(BALANCES, bonus_is_open=False) == 400


def test_a_sub_wallet_stakes_and_shows_its_own_pot_only() -> None:
    sub = model("sub_wallet")
    funding = sub.fund(BALANCES, 500, bonus_is_open=True)
    assert (funding.parts, funding.short_minor) == ((Part("sub:aurora", 300),), 200)
    assert sub.stakeable_minor(BALANCES, bonus_is_open=True) == 300
    assert (sub.is_stake_held, sub.may_refuse_for_funds) == (False, True)


def test_a_transferred_stake_was_played_already_and_can_not_be_refused_for_funds() -> None:
    transfer = model("transfer")
    assert transfer.stakeable_minor(BALANCES, bonus_is_open=True) == 700
    assert not transfer.may_refuse_for_funds
    assert transfer.fund({}, 10, bonus_is_open=True).short_minor == 10


def test_an_unknown_model_is_an_error() -> None:
    with pytest.raises(ValueError, match="wire"):
        model("wire")


@pytest.mark.parametrize(
    ("win", "weights", "parts"),
    [
        (1_000, (400, 400), [500, 500]),
        (1, (1, 1), [1, 0]),
        (100, (1, 2), [33, 67]),
        (100, (2, 1), [67, 33]),
        (7, (0, 5), [0, 7]),
        (0, (3, 4), [0, 0]),
        (10, (1, 1, 1), [4, 3, 3]),
    ],
)
def test_a_win_is_split_by_largest_remainder(
    win: int, weights: tuple[int, ...], parts: list[int]
) -> None:
    assert apportion(win, weights) == parts


def test_weights_that_say_nothing_are_refused() -> None:
    for weights in ((0, 0), (-1, 2)):
        with pytest.raises(ValueError, match="Weights"):
            apportion(5, weights)


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**12), min_size=1, max_size=5))
def test_parts_add_up_and_none_is_a_unit_from_its_share(amount: int, weights: list[int]) -> None:
    if not any(weights):
        return
    parts = apportion(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) < sum(weights)


@given(
    st.sampled_from([name.value for name in PlayModelName]),
    st.sampled_from(["AU", "SE"]),
    st.dictionaries(st.sampled_from(sorted(BALANCES)), st.integers(0, 500)),
    st.integers(0, 2_000),
    st.booleans(),
)
def test_a_stake_is_paid_in_full_or_named_short_and_never_overdraws(
    name: str, jurisdiction: str, balances: dict[str, int], stake: int, bonus_is_open: bool
) -> None:
    chosen = play_model(name, "aurora", jurisdiction, TODAY)
    funding = chosen.fund(balances, stake, bonus_is_open=bonus_is_open)
    assert sum(part.amount_minor for part in funding.parts) + funding.short_minor == stake
    for part in funding.parts:
        assert 0 < part.amount_minor <= balances[part.pot]
        assert provider_of_pot(part.pot) in {"", "aurora"}
    is_short = stake > chosen.stakeable_minor(balances, bonus_is_open=bonus_is_open)
    assert (funding.short_minor > 0) == is_short
