"""Telling the apps above of play that came long after it was played."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Final

from apps.rounds.contracts import EventRow
from apps.rounds.enums import MoneyState
from apps.rounds.events import PastPlayTaken

_DAYS_WATCHED: Final = 2
"""Today and these days before it are looked at again and again by who works figures out of them."""


def past_play(rows: Iterable[EventRow], now: datetime) -> list[PastPlayTaken]:
    """Return each provider and day before the days watched of which something is to be written."""
    first = datetime.combine(
        now.astimezone(UTC).date() - timedelta(days=_DAYS_WATCHED), time(), UTC
    )
    found = {
        (row.provider_id, row.occurred_at.astimezone(UTC).date())
        for row in rows
        if row.occurred_at < first
        and (row.is_changed or (row.is_new and row.money_state != MoneyState.NONE))
    }
    return [PastPlayTaken(provider, day.isoformat()) for provider, day in sorted(found)]
