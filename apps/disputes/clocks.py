"""By when a case must be answered. Data with its source; deadlines are calendar time from receipt.

Great Britain's rules are the strictest that we know the text of, so they are the default for every
jurisdiction until one has its own line.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class ClockRule:
    """How long after receipt something is due, and who says so."""

    after: timedelta
    source: str


@dataclass(frozen=True, slots=True)
class ClockRules:
    acknowledge: ClockRule
    decide: ClockRule


GREAT_BRITAIN: Final = ClockRules(
    acknowledge=ClockRule(timedelta(hours=24), "GB-CMP-2: within 24 h at 24-hour facilities"),
    decide=ClockRule(timedelta(days=56), "GB-CMP-3: at most 8 weeks from receipt"),
)

_BY_JURISDICTION: Final[dict[str, ClockRules]] = {"GB": GREAT_BRITAIN}


@dataclass(frozen=True, slots=True)
class Deadlines:
    acknowledge_by: datetime
    decide_by: datetime
    source: str


def deadlines(jurisdiction: str, received_at: datetime) -> Deadlines:
    rules = _BY_JURISDICTION.get(jurisdiction, GREAT_BRITAIN)
    return Deadlines(
        acknowledge_by=received_at + rules.acknowledge.after,
        decide_by=received_at + rules.decide.after,
        source=f"{rules.acknowledge.source}; {rules.decide.source}",
    )
