"""The compliance desk's pages."""

from apps.compliance.admin.calendar import DeskCalendarAdmin
from apps.compliance.admin.certified import CertifiedPlayAdmin
from apps.compliance.admin.coverage import CoverageMatrixAdmin
from apps.compliance.admin.duties import DeskDutyAdmin, ReminderAdmin
from apps.compliance.admin.key_events import KeyEventAdmin
from apps.compliance.admin.renewals import RenewalAdmin
from apps.compliance.admin.uncovered import UncoveredDayAdmin
from apps.compliance.admin.what_if import WhatIfAdmin

__all__ = [
    "CertifiedPlayAdmin",
    "CoverageMatrixAdmin",
    "DeskCalendarAdmin",
    "DeskDutyAdmin",
    "KeyEventAdmin",
    "ReminderAdmin",
    "RenewalAdmin",
    "UncoveredDayAdmin",
    "WhatIfAdmin",
]
