"""The three sums of the bonus engine, exact in minor units.

Each operation has one documented rounding: the match percentage rounds half to even, the
requirement and the contribution of a bet round down (towards the player for the first, towards
the rule for the second). See docs/decisions on bonus rounding.
"""

from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from apps.bonuses.contracts import FULL_WEIGHT_BP
from apps.bonuses.enums import RequirementBasis


def match_minor(deposit_minor: int, percent_bp: int, max_bonus_minor: int | None) -> int:
    """Return the bonus for a deposit: the percentage, rounded half to even, up to the maximum."""
    exact = Decimal(deposit_minor) * percent_bp / FULL_WEIGHT_BP
    bonus_minor = int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))
    return bonus_minor if max_bonus_minor is None else min(bonus_minor, max_bonus_minor)


def requirement_minor(
    *, multiple: Decimal, basis: str, deposit_minor: int, bonus_minor: int
) -> int:
    """Return the turnover to play: the multiple of B or of D+B, a part of a minor unit dropped."""
    base_minor = bonus_minor
    if basis == RequirementBasis.DEPOSIT_AND_BONUS:
        base_minor += deposit_minor
    return int((multiple * base_minor).to_integral_value(rounding=ROUND_FLOOR))


def contribution_minor(stake_minor: int, weight_bp: int, cap_minor: int | None) -> int:
    """Return what a bet counts: min(stake, cap) at its weight, a part of a minor unit dropped.

    The cap is on the stake that may count, before the weight. The dropped part, always less than
    one minor unit, is not carried to the next bet, so that each receipt can be recomputed alone.
    """
    counted_stake_minor = stake_minor if cap_minor is None else min(stake_minor, cap_minor)
    return counted_stake_minor * weight_bp // FULL_WEIGHT_BP
