"""Money is an integer of minor units and an ISO 4217 code; decimals live only at the border.

Nothing here rounds: a value finer than its currency is refused, and a division gives whole minor
units whose sum is the whole.
"""

import re
from collections.abc import Sequence
from typing import Final

from apps.core.errors import InvalidAmountError, UnknownCurrencyError
from apps.core.money.currencies import EXPONENTS

# ASCII digits only: ``\d`` would take Arabic-Indic digits, and int() would understand them.
_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]{0,14})(?:\.([0-9]+))?")

MAX_MINOR: Final = 2**63 - 1
"""What a bigint column holds; larger amounts are refused before they reach the database."""


def exponent(currency: str) -> int:
    """Return how many decimals ``currency`` has.

    Raises:
        UnknownCurrencyError: not an upper-case active code with a minor unit (XXX has none).
    """
    try:
        return EXPONENTS[currency]
    except (KeyError, TypeError):
        raise UnknownCurrencyError(currency) from None


def to_minor(text: object, currency: str) -> int:
    """Read a decimal string in main units, such as ``"12.34"``, exactly.

    No sign, exponent, spaces, separators or leading zeros; fewer decimals than the currency has
    are fine, more are refused even when they are zeros.

    Raises:
        UnknownCurrencyError: see ``exponent``.
        InvalidAmountError: the text is not such a number or doesn't fit in 64 bits.
    """
    decimals = exponent(currency)
    match = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidAmountError(text, "expected plain digits such as 12.34")
    whole, fraction = match[1], match[2] or ""
    if len(fraction) > decimals:
        raise InvalidAmountError(text, f"{currency} has {decimals} decimals")
    minor = int(whole + fraction.ljust(decimals, "0"))
    if minor > MAX_MINOR:
        raise InvalidAmountError(text, "it is too large")
    return minor


def format_minor(minor: int, currency: str) -> str:
    """Write minor units as a plain decimal string: ``"12.34"``, ``"-0.05"``, JPY ``"12"``."""
    decimals = exponent(currency)
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(decimals + 1, "0")
    if decimals == 0:
        return sign + digits
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def display_money(minor: int, currency: str) -> str:
    """Write an amount for people: ``"1,234.50 AUD"``."""
    whole, dot, fraction = format_minor(abs(minor), currency).partition(".")
    sign = "-" if minor < 0 else ""
    return f"{sign}{int(whole):,}{dot}{fraction} {currency}"


def split_minor(total: int, weights: Sequence[int]) -> list[int]:
    """Divide ``total`` in proportion to ``weights`` so that the parts add up to it exactly.

    Largest remainder: each part gets its floor, then the units left over go to the largest
    remainders, the earlier part first among equals. A negative total gives the mirrored parts.

    Raises:
        ValueError: no weights, a negative weight, or weights that add up to zero.
    """
    whole = sum(weights)
    if not weights or min(weights) < 0 or whole == 0:
        raise ValueError("weights must not be negative and must not add up to zero")
    if total < 0:
        return [-part for part in split_minor(-total, weights)]
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda index: (-(total * weights[index] % whole), index)
    )
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts


__all__ = [
    "EXPONENTS",
    "MAX_MINOR",
    "display_money",
    "exponent",
    "format_minor",
    "split_minor",
    "to_minor",
]
