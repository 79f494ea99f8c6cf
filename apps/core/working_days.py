"""Deadlines that regulators count in working days: weekends and public holidays don't count.

The holidays come from the ``holidays`` package: Australia's are those of the whole country, a
regional one is counted as a working day, so that a deadline is never later than the law's; Great
Britain's are England's, where the Gambling Commission sits.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays


@dataclass(frozen=True, slots=True)
class Calendar:
    """A country's working days and the zone in which its days begin."""

    country: str
    subdivision: str | None
    zone: ZoneInfo

    def is_working_day(self, day: date) -> bool:
        return day.weekday() < 5 and day not in _holidays(self.country, self.subdivision, day.year)

    def day_of(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def after(self, day: date, working_days: int) -> date:
        """Return the last of ``working_days`` working days that follow ``day``; it isn't counted.

        Whatever day of the week ``day`` is, the first counted is the next working day.
        """
        if working_days < 1:
            raise ValueError(working_days)
        while working_days:
            day += timedelta(days=1)
            working_days -= self.is_working_day(day)
        return day

    def end_of(self, day: date) -> datetime:
        """Return the moment at which ``day`` is over there, by UTC, as every page shows it."""
        over = datetime.combine(day + timedelta(days=1), time(), tzinfo=self.zone)
        return over.astimezone(UTC)

    def working_days_until(self, today: date, last: date) -> int:
        """Count the working days after ``today`` up to ``last``; negative where it has passed."""
        if last < today:
            return -self.working_days_until(last, today)
        days = (today + timedelta(days=n) for n in range(1, (last - today).days + 1))
        return sum(self.is_working_day(day) for day in days)


@cache
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))


GREAT_BRITAIN: Final = Calendar("GB", "ENG", ZoneInfo("Europe/London"))
AUSTRALIA: Final = Calendar("AU", None, ZoneInfo("Australia/Sydney"))
