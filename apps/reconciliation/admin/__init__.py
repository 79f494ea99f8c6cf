"""What the admin shows of reconciliation."""

from apps.reconciliation.admin.breaks import BreakAdmin
from apps.reconciliation.admin.pulls import PullCursorAdmin, PulledPageAdmin
from apps.reconciliation.admin.runs import ReconciliationRunAdmin
from apps.reconciliation.admin.statements import StatementFileAdmin

__all__ = [
    "BreakAdmin",
    "PullCursorAdmin",
    "PulledPageAdmin",
    "ReconciliationRunAdmin",
    "StatementFileAdmin",
]
