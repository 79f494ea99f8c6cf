from apps.reconciliation.models.breaks import Break, BreakChange, ReconciliationRun
from apps.reconciliation.models.pulls import PullCursor, PulledPage
from apps.reconciliation.models.statements import StatementFile

__all__ = [
    "Break",
    "BreakChange",
    "PullCursor",
    "PulledPage",
    "ReconciliationRun",
    "StatementFile",
]
