"""Sentences for players and staff: what a bonus requires, and why a bet counted what it did."""

from decimal import Decimal

from apps.bonuses.contracts import FULL_WEIGHT_BP, Receipt, Requirement
from apps.bonuses.enums import ReceiptReason, RequirementBasis
from apps.core.money import display_money

TIMES = "\N{MULTIPLICATION SIGN}"


def plain_number(value: Decimal) -> str:
    """Write a decimal without trailing zeros or an exponent: 40, 2.5."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(basis_points: int) -> str:
    """Write basis points as a percentage: 20,000 is "200 %", 250 is "2.5 %"."""
    return f"{plain_number(Decimal(basis_points) / 100)} %"


def describe_requirement(requirement: Requirement) -> str:
    """Show the sum: "40 x (100.00 + 200.00) = 12,000.00 AUD of turnover"."""
    currency = requirement.currency
    bonus = _amount(requirement.bonus_minor, currency)
    base_minor, base = requirement.bonus_minor, bonus
    if requirement.basis == RequirementBasis.DEPOSIT_AND_BONUS:
        base_minor += requirement.deposit_minor
        base = f"({_amount(requirement.deposit_minor, currency)} + {bonus})"
    total = display_money(requirement.required_minor, currency)
    is_exact = requirement.multiple * base_minor == requirement.required_minor
    note = "" if is_exact else ", rounded down"
    multiple = plain_number(requirement.multiple)
    return f"{multiple} {TIMES} {base} = {total} of turnover{note}"


def explain(receipt: Receipt) -> str:
    """Say in one or two sentences how a bet moved the requirement, and why."""
    currency = receipt.currency
    stake = display_money(receipt.stake_minor, currency)
    remaining = f"{display_money(receipt.remaining_after_minor, currency)} remain."
    return f"{_what_happened(receipt, stake)} {remaining}"


def _what_happened(receipt: Receipt, stake: str) -> str:
    currency = receipt.currency
    counted = display_money(receipt.counted_minor, currency)
    weight = percent(receipt.weight_bp)
    match receipt.reason:
        case ReceiptReason.COUNTED | ReceiptReason.CAPPED:
            bet = f"{stake} on {receipt.game_code}{_cap_clause(receipt)}"
            return f"{bet} counts {weight}: {counted}{_rest_clause(receipt)}."
        case ReceiptReason.OVER_MAX_BET:
            limit = display_money(receipt.max_bet_minor or 0, currency)
            return f"{stake} is over the maximum bet of {limit} and counts nothing."
        case ReceiptReason.ROLLED_BACK:
            return _rollback_sentence(receipt, stake)
        case _:
            return f"{stake} on {receipt.game_code} counts nothing: {_WHY_NOTHING[receipt.reason]}."


_WHY_NOTHING = {
    ReceiptReason.ZERO_WEIGHT: "this game does not count towards this bonus",
    ReceiptReason.NO_STAKE: "no money was staked",
    ReceiptReason.BEFORE_GRANT: "it was played before the bonus was granted",
    ReceiptReason.EXPIRED: "it was played after the bonus ended",
    ReceiptReason.REQUIREMENT_MET: "the requirement was already met",
}


def _cap_clause(receipt: Receipt) -> str:
    if receipt.reason != ReceiptReason.CAPPED or receipt.cap_minor is None:
        return ""
    return f", of which at most {display_money(receipt.cap_minor, receipt.currency)} may count,"


def _rest_clause(receipt: Receipt) -> str:
    """Say when less than the weighted stake was needed to complete the requirement."""
    counted_stake = receipt.stake_minor
    if receipt.cap_minor is not None:
        counted_stake = min(counted_stake, receipt.cap_minor)
    full_minor = counted_stake * receipt.weight_bp // FULL_WEIGHT_BP
    return "" if full_minor == receipt.counted_minor else ", which was all that was left"


def _rollback_sentence(receipt: Receipt, stake: str) -> str:
    if receipt.unrecovered_minor:
        kept = display_money(receipt.unrecovered_minor, receipt.currency)
        return (
            f"The bet of {stake} was rolled back after the bonus had closed; the {kept} it had "
            "counted was not taken back."
        )
    returned = display_money(-receipt.counted_minor, receipt.currency)
    return f"The bet of {stake} was rolled back; the {returned} it had counted is required again."


def _amount(minor: int, currency: str) -> str:
    return display_money(minor, currency).removesuffix(f" {currency}")
