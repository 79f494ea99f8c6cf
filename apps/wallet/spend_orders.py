"""Which money of a player is staked first, by jurisdiction.

It is data with a source and a first day of UTC (data/spend_orders.json): the order is part of the
terms a player agreed to, and a changed one is a new line that can ship before its day. A
jurisdiction without a line in force follows its country, then the default.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from apps.wallet.enums import SpendOrder

_FILE: Final = Path(__file__).parent / "data" / "spend_orders.json"
_DEFAULT: Final = ""


@dataclass(frozen=True, slots=True)
class SpendRule:
    """One line of the table; an empty ``jurisdiction`` is the default for all."""

    jurisdiction: str
    order: SpendOrder
    effective_from: date
    source: str


@cache
def spend_rules() -> tuple[SpendRule, ...]:
    return tuple(
        SpendRule(
            jurisdiction=entry["jurisdiction"],
            order=SpendOrder(entry["order"]),
            effective_from=date.fromisoformat(entry["effective_from"]),
            source=entry["source"],
        )
        for entry in json.loads(_FILE.read_text(encoding="utf-8"))
    )


def spend_order(jurisdiction: str, on: date) -> SpendOrder:
    """Return the order in which a jurisdiction's players spend that day ("GB" covers "GB-NIR")."""
    return order_among(spend_rules(), jurisdiction, on)


def order_among(rules: Sequence[SpendRule], jurisdiction: str, on: date) -> SpendOrder:
    """Return the order of the nearest place that has a line in force: its youngest one."""
    for name in (jurisdiction, jurisdiction.partition("-")[0], _DEFAULT):
        lines = [rule for rule in rules if rule.jurisdiction == name and rule.effective_from <= on]
        if lines:
            return max(lines, key=lambda rule: rule.effective_from).order
    # Only a capture from before the table's first day, replayed by its own clock, is played so.
    return SpendOrder.CASH_FIRST
