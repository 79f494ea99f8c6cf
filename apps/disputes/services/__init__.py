"""What happens to a dispute, from complaint to decision."""

from apps.disputes.services.cases import acknowledge, add_note, assign, open_case, reject, resolve
from apps.disputes.services.crediting import request_credit

__all__ = [
    "acknowledge",
    "add_note",
    "assign",
    "open_case",
    "reject",
    "request_credit",
    "resolve",
]
