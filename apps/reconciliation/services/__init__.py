"""What this app does: take statements, pull round logs, reconcile days."""

from apps.reconciliation.services.imports import Upload, import_statement, outcome_as_json
from apps.reconciliation.services.pulls import (
    PullOptions,
    days_to_pull,
    providers_to_pull,
    pull_all,
    pull_as_json,
    pull_day,
)
from apps.reconciliation.services.runs import (
    RunOutcome,
    day_bounds,
    percent,
    ratio,
    reconcile,
    reconcile_due,
    run_as_json,
)

__all__ = [
    "PullOptions",
    "RunOutcome",
    "Upload",
    "day_bounds",
    "days_to_pull",
    "import_statement",
    "outcome_as_json",
    "percent",
    "providers_to_pull",
    "pull_all",
    "pull_as_json",
    "pull_day",
    "ratio",
    "reconcile",
    "reconcile_due",
    "run_as_json",
]
