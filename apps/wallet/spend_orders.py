"""Which money of a player is staked first, by jurisdiction.

It is data with a source and a date (data/spend_orders.json): the order is part of the terms a
player agreed to. A jurisdiction without a line of its own follows its country, then the default.
"""

import json
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


def spend_order(jurisdiction: str) -> SpendOrder:
    """Return the order in which a jurisdiction's players spend ("GB" covers "GB-NIR")."""
    orders = {rule.jurisdiction: rule.order for rule in spend_rules()}
    for name in (jurisdiction, jurisdiction.partition("-")[0]):
        if name in orders:
            return orders[name]
    return orders[_DEFAULT]
