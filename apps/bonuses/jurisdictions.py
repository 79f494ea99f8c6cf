"""Limits that a jurisdiction sets on wagering requirements.

They are data with a source and a date (data/jurisdiction_caps.json), not constants in code: a
regulator's number changes on a day, and a grant made before it stays lawful.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

from apps.bonuses.errors import RequirementTooHighError

_CAPS_FILE: Final = Path(__file__).parent / "data" / "jurisdiction_caps.json"


@dataclass(frozen=True, slots=True)
class JurisdictionCap:
    """The most turnover that may be required, as a multiple of the bonus alone."""

    jurisdiction: str
    max_multiple_of_bonus: Decimal
    effective_from: date
    citation: str


@cache
def jurisdiction_caps() -> tuple[JurisdictionCap, ...]:
    return tuple(
        JurisdictionCap(
            jurisdiction=entry["jurisdiction"],
            max_multiple_of_bonus=Decimal(entry["max_multiple_of_bonus"]),
            effective_from=date.fromisoformat(entry["effective_from"]),
            citation=entry["citation"],
        )
        for entry in json.loads(_CAPS_FILE.read_text(encoding="utf-8"))
    )


def check_requirement(
    jurisdiction: str, *, required_minor: int, bonus_minor: int, at: datetime
) -> None:
    """Refuse a requirement above what the jurisdiction allows on that day.

    A cap for a country holds for its regions too ("GB" covers "GB-NIR").

    Raises:
        RequirementTooHighError: more turnover than the cap's multiple of the bonus.
    """
    for cap in jurisdiction_caps():
        is_covered = jurisdiction == cap.jurisdiction or jurisdiction.startswith(
            f"{cap.jurisdiction}-"
        )
        if not is_covered or at.date() < cap.effective_from:
            continue
        if required_minor > cap.max_multiple_of_bonus * bonus_minor:
            raise RequirementTooHighError(jurisdiction, cap.max_multiple_of_bonus, cap.citation)
