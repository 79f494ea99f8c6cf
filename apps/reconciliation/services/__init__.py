"""What this app does: take statements, pull round logs, reconcile days."""

from apps.reconciliation.services.imports import Upload, import_statement, outcome_as_json
from apps.reconciliation.services.runs import (
    RunOutcome,
    day_bounds,
    percent,
    ratio,
    reconcile,
    run_as_json,
)

__all__ = [
    "RunOutcome",
    "Upload",
    "day_bounds",
    "import_statement",
    "outcome_as_json",
    "percent",
    "ratio",
    "reconcile",
    "run_as_json",
]
