"""What staff does: roles, auditors' seats, and decisions that need two people."""

from apps.staff.services.approvals import approve, cancel, reject, request_approval
from apps.staff.services.roles import ensure_person, sync_roles
from apps.staff.services.seats import grant_seat, record_look_up, revoke_seat

__all__ = [
    "approve",
    "cancel",
    "ensure_person",
    "grant_seat",
    "record_look_up",
    "reject",
    "request_approval",
    "revoke_seat",
    "sync_roles",
]
