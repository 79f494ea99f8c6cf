"""The jurisdictions: name, regulator and the clock by which a day begins there (data/*.json).

A certificate is valid for whole days of the jurisdiction, so its time zone decides about money. It
is a fact of the world, not a setting: a new place is a commit that somebody reviews.
"""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

_DATA: Final = Path(__file__).parent / "data" / "jurisdictions.json"


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """A place with its own law on gambling."""

    code: str
    name: str
    time_zone: str
    regulator: str


@cache
def all_jurisdictions() -> dict[str, Jurisdiction]:
    entries = json.loads(_DATA.read_text(encoding="utf-8"))
    return {entry["code"]: Jurisdiction(**entry) for entry in entries}


def jurisdiction_by_code(code: str) -> Jurisdiction | None:
    return all_jurisdictions().get(code)


def zone_of(code: str) -> ZoneInfo:
    """Return the place's clock; UTC for a place that is not on file (which is never served)."""
    known = jurisdiction_by_code(code)
    return _zone("UTC" if known is None else known.time_zone)


def day_in(code: str, at: datetime) -> date:
    """Return the calendar day that it is in the jurisdiction at this moment."""
    try:
        return at.astimezone(zone_of(code)).date()
    except OverflowError:
        # The first and last day of the calendar have no day before and after them.
        return at.date()


def start_of_day(code: str, day: date) -> datetime:
    """Return the first moment of the day there, in UTC.

    Where the clock is put forward over midnight, that is the first moment that exists.
    """
    zone = zone_of(code)
    try:
        naive_midnight = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return datetime.combine(day, time(), tzinfo=UTC)  # East of it the first day began before.
    while naive_midnight.astimezone(zone).date() < day:
        naive_midnight += timedelta(minutes=15)
    return naive_midnight


def noon_of_day(code: str, day: date) -> datetime:
    """Return noon of the day there, in UTC: a moment that stands for the whole day."""
    return datetime.combine(day, time(12), tzinfo=zone_of(code)).astimezone(UTC)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
