"""Facts that reconciliation tells the apps above it."""

from dataclasses import dataclass
from typing import ClassVar

from apps.core.contracts import Event


@dataclass(frozen=True)
class ReconciliationAlertRaised(Event):
    """A day's variance is above 0.1 %, a player is touched, or there is no statement to compare."""

    topic: ClassVar[str] = "reconciliation.alert_raised"

    provider: str
    day: str
    run_id: int
    state: str
    break_count: int


@dataclass(frozen=True)
class StatementRefused(Event):
    """A provider's file was not taken; its sender must send another."""

    topic: ClassVar[str] = "reconciliation.statement_refused"

    provider: str
    statement_id: int
    code: str
