"""The rounds opened in given spans of time, by game and jurisdiction; read-only, no locks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from django.db import connection

from apps.players.selectors import place_at_sql
from apps.rounds.span_play import PlaySpan

type PlaceInTime = tuple[datetime, int]
"""When a round was opened, and the id of the event that did: where a page begins or ends."""


@dataclass(frozen=True, slots=True)
class OpenedRound:
    """One round, with amounts in minor units."""

    id: int
    round_ref: str
    game_id: int
    jurisdiction: str
    currency: str
    state: str
    stake_minor: int
    win_minor: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class OpenedSum:
    """All rounds of one game in one currency and its minor units; rolled back ones sum to zero."""

    game_id: int
    currency: str
    rounds: int
    rolled_back: int
    players: int
    stake_minor: int
    win_minor: int
    first_at: datetime
    last_at: datetime


# A round names no jurisdiction: it is where its player was when it opened, as on its own page.
_PLACE: Final[LiteralString] = place_at_sql("r.opened_at")
_SPANS: Final[LiteralString] = """
WITH k AS MATERIALIZED (
    SELECT * FROM unnest(%(games)s::bigint[], %(places)s::text[], %(starts)s::timestamptz[],
        %(ends)s::timestamptz[]) AS k (game_id, jurisdiction, starts_at, ends_at)
)
"""
# Some events in the order of the index on (provider, occurred_at), and the round that each opened:
# the planner would rather sort them all, so that the events come first and alone. A round was
# opened by an event of its own, game and all, at that very moment; of two such events the first
# stands for it. An event that opened none of the rounds asked for still says how far this came.
_SOME: Final[LiteralString] = f"""
{_SPANS}, seen AS MATERIALIZED (
    SELECT e.id, e.round_id, e.game_id, e.occurred_at
    FROM rounds_roundevent e
    WHERE e.provider_id = %(provider)s AND e.game_id = ANY(%(games)s)
        AND e.occurred_at >= %(start)s AND e.occurred_at < %(end)s AND e.occurred_at <= %(at)s
        AND (e.occurred_at, e.id) < (%(at)s, %(id)s)
    ORDER BY e.occurred_at DESC, e.id DESC
    LIMIT %(limit)s
)
SELECT e.occurred_at, e.id, opened.*
FROM seen e
LEFT JOIN LATERAL (
    SELECT r.id, r.round_ref, r.game_id, at.place, r.currency, r.state, r.stake_minor,
        r.win_minor, r.opened_at
    FROM rounds_round r
    JOIN players_player p ON p.id = r.player_id
    CROSS JOIN LATERAL (SELECT {_PLACE} AS place) at
    WHERE r.id = e.round_id AND r.opened_at = e.occurred_at AND r.game_id = e.game_id
        AND EXISTS (
            SELECT FROM k WHERE k.game_id = r.game_id AND k.jurisdiction = at.place
            AND r.opened_at >= k.starts_at AND r.opened_at < k.ends_at)
        AND NOT EXISTS (
            SELECT FROM rounds_roundevent f WHERE f.round_id = e.round_id
            AND f.occurred_at = e.occurred_at AND f.game_id = e.game_id AND f.id < e.id)
    OFFSET 0
) opened ON true
ORDER BY e.occurred_at DESC, e.id DESC
"""  # noqa: S608 - our own constant
_SUMS: Final[LiteralString] = f"""
{_SPANS}
SELECT r.game_id, r.currency, count(*), count(*) FILTER (WHERE r.state = 'rolled_back'),
    count(DISTINCT r.player_id), sum(r.stake_minor)::bigint, sum(r.win_minor)::bigint,
    min(r.opened_at), max(r.opened_at)
FROM rounds_round r
JOIN players_player p ON p.id = r.player_id
CROSS JOIN LATERAL (SELECT {_PLACE} AS place) at
JOIN k ON k.game_id = r.game_id AND k.jurisdiction = at.place
    AND r.opened_at >= k.starts_at AND r.opened_at < k.ends_at
WHERE r.provider_id = %(provider)s AND r.game_id = ANY(%(games)s)
    AND r.opened_at >= %(start)s AND r.opened_at < %(end)s
GROUP BY r.game_id, r.currency ORDER BY r.game_id, r.currency
"""  # noqa: S608 - our own constant


_FEWEST, _MOST = 200, 50_000


def rounds_opened_in(
    spans: Sequence[PlaySpan], *, before: PlaceInTime | None = None, limit: int
) -> list[tuple[PlaceInTime, OpenedRound]]:
    """Return the newest rounds of the spans, all of one provider, that lie before a place in time.

    Each comes with its own place, before which a next page begins.
    """
    found: list[tuple[PlaceInTime, OpenedRound]] = []
    at, event_id = before or ("infinity", 0)
    size = max(_FEWEST, limit)
    while len(found) < limit:
        rows = _read(_SOME, spans, {"at": at, "id": event_id, "limit": size})
        found += [((row[0], row[1]), OpenedRound(*row[2:])) for row in rows if row[2] is not None]
        if len(rows) < size:
            break
        at, event_id = rows[-1][:2]
        size = min(size * 4, _MOST)
    return found[:limit]


def sums_of_rounds_opened_in(spans: Sequence[PlaySpan]) -> list[OpenedSum]:
    """Return what all rounds of the spans, of one provider, come to by game and currency."""
    return [OpenedSum(*row) for row in _read(_SUMS, spans, {})]


def _read(
    statement: LiteralString, spans: Sequence[PlaySpan], more: dict[str, Any]
) -> list[tuple[Any, ...]]:
    if not spans:
        return []
    arguments = {
        "provider": spans[0].provider_id,
        "games": [span.game_id for span in spans],
        "places": [span.jurisdiction for span in spans],
        "starts": [span.start for span in spans],
        "ends": [span.end for span in spans],
        "start": min(span.start for span in spans),
        "end": max(span.end for span in spans),
        **more,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return list(cursor.fetchall())
