"""Shares as people read them: one way everywhere."""

from decimal import Decimal


def percent_figure(percent: Decimal) -> str:
    """Return a figure in percent with two decimals, or with as many as it has: "98.85"."""
    whole, _, decimals = f"{percent.normalize():f}".partition(".")
    return f"{whole}.{decimals:0<2}"


def display_percent(percent: Decimal) -> str:
    return f"{percent_figure(percent)} %"
