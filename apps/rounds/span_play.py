"""What was played in given spans of time, by game and jurisdiction; read-only, no locks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from django.db import connection

from apps.players.contracts import REHEARSAL_JURISDICTION


@dataclass(frozen=True, slots=True)
class PlaySpan:
    """A game in a jurisdiction from ``start`` up to, but not at, ``end``."""

    provider_id: int
    game_id: int
    jurisdiction: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class SpanPlay:
    """What stands of the play in one span, in one currency and its minor units."""

    span: int
    currency: str
    rounds: int
    stake_minor: int
    win_minor: int
    player_ids: tuple[int, ...]
    first_at: datetime
    last_at: datetime


# Read by the index on (provider, occurred_at). The jurisdiction is the player's own of today: an
# event names none. Rolled back and refused play is nobody's.
_STANDS: Final[LiteralString] = """
    e.origin = 'callback' AND e.status IN ('accepted', 'tentative')
    AND e.money_state NOT IN ('none', 'rolled_back')
"""
_PLAYED: Final[LiteralString] = f"""
SELECT DISTINCT e.provider_id, e.game_id, p.jurisdiction
FROM rounds_roundevent e JOIN players_player p ON p.id = e.player_id
WHERE e.provider_id = ANY(%(providers)s)
  AND e.occurred_at >= %(start)s AND e.occurred_at < %(end)s AND p.jurisdiction <> %(nowhere)s
  AND {_STANDS}
ORDER BY 1, 2, 3
"""  # noqa: S608 - our own constant
_IN_SPANS: Final[LiteralString] = f"""
SELECT (k.span - 1)::int, e.currency, count(DISTINCT e.round_id), sum(e.bet_minor)::bigint,
    sum(e.win_minor)::bigint, array_agg(DISTINCT e.player_id), min(e.occurred_at),
    max(e.occurred_at)
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[])
    WITH ORDINALITY AS k (provider_id, game_id, jurisdiction, starts_at, ends_at, span)
JOIN rounds_roundevent e ON e.provider_id = k.provider_id AND e.game_id = k.game_id
    AND e.occurred_at >= k.starts_at AND e.occurred_at < k.ends_at
JOIN players_player p ON p.id = e.player_id AND p.jurisdiction = k.jurisdiction
WHERE {_STANDS}
GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608 - our own constant


def played_places(
    provider_ids: Sequence[int], start: datetime, end: datetime
) -> list[tuple[int, int, str]]:
    """Return each (provider, game, jurisdiction) that was really played in the time."""
    arguments: dict[str, Any] = {
        "providers": list(provider_ids),
        "start": start,
        "end": end,
        "nowhere": REHEARSAL_JURISDICTION,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PLAYED, arguments)
        return list(cursor.fetchall())


def play_in_spans(spans: Sequence[PlaySpan]) -> list[SpanPlay]:
    """Return what was played in each span, by its position and currency; none for no play."""
    if not spans:
        return []
    columns: list[Any] = [
        [span.provider_id for span in spans],
        [span.game_id for span in spans],
        [span.jurisdiction for span in spans],
        [span.start for span in spans],
        [span.end for span in spans],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_IN_SPANS, columns)
        rows = cursor.fetchall()
    return [
        SpanPlay(span, currency, rounds, stake, win, tuple(players), first_at, last_at)
        for span, currency, rounds, stake, win, players, first_at, last_at in rows
    ]
