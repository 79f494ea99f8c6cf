"""One player's life with us, newest first: money, rounds, limits, exclusions, sessions, cases.

Each table is asked for the next few rows by its own index, and the answers are merged. A page goes
on from the last entry shown, so page one thousand costs what page one does.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString

from django.db import connection

from apps.reports import statements

PAGE: Final = 25
_END_OF_TIME: Final = datetime(9999, 1, 1, tzinfo=UTC)
_LAST_ID: Final = 2**63 - 1

# In the order in which entries of one moment stand; the keys are also what an address says.
SOURCES: Final[Mapping[str, LiteralString]] = {
    "case": statements.CASES,
    "exclusion": statements.EXCLUSIONS,
    "limit": statements.LIMITS,
    "money": statements.MONEY,
    "round": statements.ROUND_EVENTS,
    "session": statements.SESSIONS,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened; of a round the first amount is the bet and the second the win."""

    at: datetime
    source: str
    row_id: int
    what: str
    first_minor: int | None
    second_minor: int | None
    currency: str
    about: str

    @property
    def key(self) -> str:
        """Return where to go on, as an address can carry it."""
        return f"{self.at.astimezone(UTC).isoformat()}~{self.source}~{self.row_id}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after this entry."""

    at: datetime = _END_OF_TIME
    source: str = ""
    row_id: int = _LAST_ID


@dataclass(frozen=True, slots=True)
class TimelinePage:
    entries: tuple[Entry, ...]
    next_key: str


def place_of(key: str) -> Place | None:
    """Read a key back; None for anything that is not one of ours."""
    moment, _, rest = key.partition("~")
    source, _, row = rest.partition("~")
    if source not in SOURCES or not (row.isascii() and row.isdigit() and len(row) < 19):
        return None
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    if at.tzinfo is None or not 2000 <= at.year <= 2200:
        return None
    return Place(at, source, int(row))


def timeline_of(
    player_id: int, sources: Collection[str], *, after: Place | None = None, most: int = PAGE
) -> TimelinePage:
    """Return the next entries of these sources, newest first."""
    place = after or Place()
    entries: list[Entry] = []
    with connection.cursor() as cursor:
        for source in sorted(sources):
            params: dict[str, Any] = {
                "player": player_id,
                "at": place.at,
                "id": _id_before(source, place),
                "most": most + 1,
                "round_kinds": statements.ROUND_KINDS,
            }
            cursor.execute(SOURCES[source], params)
            entries.extend(_entry(source, row) for row in cursor.fetchall())
    entries.sort(key=lambda entry: (entry.at, entry.source, entry.row_id), reverse=True)
    shown = tuple(entries[:most])
    return TimelinePage(shown, shown[-1].key if len(entries) > most else "")


def _id_before(source: str, place: Place) -> int:
    """Return which rows of the place's own moment still come: none, all, or those below its id."""
    if not place.source:
        return _LAST_ID
    if source == place.source:
        return place.row_id
    return _LAST_ID if source < place.source else -1


def _entry(source: str, row: Any) -> Entry:
    at, row_id, what, first, second, currency, about = row
    return Entry(
        at=at,
        source=source,
        row_id=row_id,
        what=str(what).replace("_", " "),
        first_minor=first,
        second_minor=second,
        currency=currency,
        about=str(about).strip(),
    )


@dataclass(frozen=True, slots=True)
class SessionLine:
    session_id: int
    provider_code: str
    game_code: str
    opened_at: datetime
    stakes_until: datetime
    ended_at: datetime | None
    end_reason: str


def newest_sessions(player_id: int, *, limit: int) -> list[SessionLine]:
    with connection.cursor() as cursor:
        cursor.execute(statements.NEWEST_SESSIONS, [player_id, limit])
        return [SessionLine(*row) for row in cursor.fetchall()]
