"""People, roles and approvals."""

from apps.staff.admin.approvals import ApprovalAdmin
from apps.staff.admin.people import GroupAdmin, UserAdmin

__all__ = ["ApprovalAdmin", "GroupAdmin", "UserAdmin"]
