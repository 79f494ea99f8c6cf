"""What people do about certificates. The certificates themselves belong to providers."""

from apps.compliance.models.feeds import CalendarFeed
from apps.compliance.models.key_events import LONGEST_DETAIL, KeyEvent
from apps.compliance.models.pages import CertifiedPlay, CoverageMatrix, DeskCalendar, WhatIf
from apps.compliance.models.renewals import DeskDuty, Reminder, Renewal, RenewalNote
from apps.compliance.models.uncovered import UncertifiedPlay, UncoveredDay

__all__ = [
    "LONGEST_DETAIL",
    "CalendarFeed",
    "CertifiedPlay",
    "CoverageMatrix",
    "DeskCalendar",
    "DeskDuty",
    "KeyEvent",
    "Reminder",
    "Renewal",
    "RenewalNote",
    "UncertifiedPlay",
    "UncoveredDay",
    "WhatIf",
]
