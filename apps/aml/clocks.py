"""By when a suspicious matter must be reported (AUSTRAC, AU-AML-1).

24 hours for terrorism financing; otherwise three business days, of which the day the suspicion
was formed is none.
"""

from datetime import datetime, timedelta
from typing import Final

from apps.aml.enums import Suspicion
from apps.core.working_days import AUSTRALIA

TERRORISM_HOURS: Final = 24
BUSINESS_DAYS: Final = 3
SOURCE: Final = "AUSTRAC: 24 hours for terrorism financing, else 3 business days"


def report_due_at(suspicion: str, suspected_at: datetime) -> datetime:
    """Return the first moment at which the report is late."""
    if suspicion == Suspicion.TERRORISM_FINANCING:
        return suspected_at + timedelta(hours=TERRORISM_HOURS)
    last_day = AUSTRALIA.after(AUSTRALIA.day_of(suspected_at), BUSINESS_DAYS)
    return AUSTRALIA.end_of(last_day)
