"""People, roles and approvals."""

from apps.staff.admin.approvals import ApprovalAdmin
from apps.staff.admin.people import GroupAdmin, UserAdmin
from apps.staff.admin.seats import AuditorLookUpAdmin, AuditorSeatAdmin
from apps.staff.admin.sign_ins import SignInAdmin

__all__ = [
    "ApprovalAdmin",
    "AuditorLookUpAdmin",
    "AuditorSeatAdmin",
    "GroupAdmin",
    "SignInAdmin",
    "UserAdmin",
]
