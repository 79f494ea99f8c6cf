from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.bonuses.arithmetic import contribution_minor, match_minor, requirement_minor
from apps.bonuses.contracts import Requirement
from apps.bonuses.wording import describe_requirement, percent


def test_a_hundred_at_two_hundred_percent_and_forty_times_both_requires_twelve_thousand() -> None:
    bonus = match_minor(10_000, 20_000, None)
    required = requirement_minor(
        multiple=Decimal(40), basis="deposit_and_bonus", deposit_minor=10_000, bonus_minor=bonus
    )
    assert (bonus, required) == (20_000, 1_200_000)
    sentence = describe_requirement(
        Requirement(Decimal("40.00"), "deposit_and_bonus", 10_000, bonus, required, "AUD")
    )
    assert sentence == ("40 \N{MULTIPLICATION SIGN} (100.00 + 200.00) = 12,000.00 AUD of turnover")


def test_a_requirement_on_the_bonus_alone_leaves_the_deposit_out() -> None:
    required = requirement_minor(
        multiple=Decimal(35), basis="bonus", deposit_minor=10_000, bonus_minor=20_000
    )
    assert required == 700_000
    sentence = describe_requirement(
        Requirement(Decimal(35), "bonus", 10_000, 20_000, required, "AUD")
    )
    assert sentence == "35 \N{MULTIPLICATION SIGN} 200.00 = 7,000.00 AUD of turnover"


@pytest.mark.parametrize(
    ("deposit", "percent_bp", "maximum", "bonus"),
    [
        (10_000, 20_000, None, 20_000),
        (10_000, 20_000, 15_000, 15_000),
        (1, 5_000, None, 0),  # 0.5 of a minor unit: half goes to the even neighbour
        (3, 5_000, None, 2),  # 1.5 -> 2
        (5, 5_000, None, 2),  # 2.5 -> 2
        (333, 3_333, None, 111),  # 110.9889
    ],
)
def test_the_match_rounds_half_to_even_up_to_the_maximum(
    deposit: int, percent_bp: int, maximum: int | None, bonus: int
) -> None:
    assert match_minor(deposit, percent_bp, maximum) == bonus


def test_a_fraction_of_a_minor_unit_of_requirement_is_dropped_and_said() -> None:
    required = requirement_minor(
        multiple=Decimal("2.5"), basis="bonus", deposit_minor=1, bonus_minor=1
    )
    assert required == 2
    sentence = describe_requirement(Requirement(Decimal("2.5"), "bonus", 1, 1, required, "AUD"))
    assert sentence.endswith("0.02 AUD of turnover, rounded down")


@pytest.mark.parametrize(
    ("stake", "weight_bp", "cap", "counted"),
    [
        (1_000, 10_000, None, 1_000),
        (1_000, 1_000, None, 100),
        (1_000, 500, None, 50),
        (1_000, 0, None, 0),
        (1_000, 10_000, 100, 100),
        (1_000, 1_000, 100, 10),
        (19, 500, None, 0),  # 0.95 of a minor unit is dropped
        (20, 500, None, 1),
        (39, 500, None, 1),  # 1.95
        (50, 10_000, 50, 50),
    ],
)
def test_a_bet_counts_its_capped_stake_at_its_weight_rounded_down(
    stake: int, weight_bp: int, cap: int | None, counted: int
) -> None:
    assert contribution_minor(stake, weight_bp, cap) == counted


@given(
    stake=st.integers(0, 10**15),
    weight_bp=st.integers(0, 10_000),
    cap=st.none() | st.integers(1, 10**9),
)
def test_the_part_dropped_is_less_than_one_minor_unit(
    stake: int, weight_bp: int, cap: int | None
) -> None:
    counted = contribution_minor(stake, weight_bp, cap)
    exact_bp = (stake if cap is None else min(stake, cap)) * weight_bp
    assert 0 <= exact_bp - counted * 10_000 < 10_000


def test_percentages_are_written_without_noise() -> None:
    assert [percent(value) for value in (20_000, 10_000, 1_000, 500, 250, 0)] == [
        "200 %",
        "100 %",
        "10 %",
        "5 %",
        "2.5 %",
        "0 %",
    ]
