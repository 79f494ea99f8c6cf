"""The compliance desk's pages."""

from apps.compliance.admin.duties import DeskDutyAdmin, ReminderAdmin
from apps.compliance.admin.renewals import RenewalAdmin

__all__ = ["DeskDutyAdmin", "ReminderAdmin", "RenewalAdmin"]
