"""Hub88's money: whole numbers of 1/100,000 of the main unit, whatever the currency."""

from typing import Final

from apps.core.money import exponent

DECIMALS: Final = 5


def from_units(units: int, currency: str) -> int | None:
    """Return minor units, or None for what is finer than the currency: it is never rounded.

    Raises:
        UnknownCurrencyError: the currency has no minor unit.
    """
    spare = DECIMALS - exponent(currency)
    if spare < 0:
        return int(units * 10**-spare)
    minor, finer = divmod(units, 10**spare)
    return None if finer else minor


def to_units(minor: int, currency: str) -> int:
    """Return a balance in Hub88's units; what is finer than they are is left out.

    Raises:
        UnknownCurrencyError: the currency has no minor unit.
    """
    spare = DECIMALS - exponent(currency)
    return int(minor * 10**spare) if spare >= 0 else int(minor // 10**-spare)
