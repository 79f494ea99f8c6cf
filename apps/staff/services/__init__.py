"""What staff does: roles, and decisions that need two people."""

from apps.staff.services.approvals import approve, cancel, reject, request_approval
from apps.staff.services.roles import ensure_person, sync_roles

__all__ = ["approve", "cancel", "ensure_person", "reject", "request_approval", "sync_roles"]
