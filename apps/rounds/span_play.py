"""What was played in given spans of time, by game and jurisdiction; read-only, no locks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString

from django.db import connection
from django.db.models import Q, QuerySet

from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.selectors import place_at, place_at_sql
from apps.rounds.enums import EventStatus, MoneyState, Origin
from apps.rounds.models import RoundEvent

_MOST_SPANS: Final = 48


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


@dataclass(frozen=True, slots=True)
class SpanRounds:
    """Which rounds a figure of such play counts; ``text`` writes it for an address.

    An empty currency means any. Play stands once it is not refused or rolled back; with
    ``only_settled`` what is still held does not count.
    """

    provider_id: int
    game_id: int
    jurisdiction: str
    currency: str
    only_settled: bool
    spans: tuple[tuple[datetime, datetime], ...]

    def text(self) -> str:
        which = "settled" if self.only_settled else "stands"
        spans = ",".join(f"{start.isoformat()}~{end.isoformat()}" for start, end in self.spans)
        parts = (self.provider_id, self.game_id, self.jurisdiction, self.currency, which, spans)
        return "|".join(map(str, parts))


def span_rounds_of(text: str) -> SpanRounds | None:
    """Read what ``SpanRounds.text`` wrote; None where it is anything else."""
    parts = text.replace("\x00", "").split("|")
    if len(parts) != 6 or not all(_is_id(part) for part in parts[:2]):
        return None
    spans = _spans(parts[5])
    if parts[4] not in {"settled", "stands"} or not spans:
        return None
    is_settled = parts[4] == "settled"
    return SpanRounds(int(parts[0]), int(parts[1]), parts[2], parts[3], is_settled, spans)


def _spans(text: str) -> tuple[tuple[datetime, datetime], ...]:
    """Read spans of time; none where any is anything else."""
    ends = [one.partition("~") for one in text.split(",", _MOST_SPANS)[:_MOST_SPANS]]
    try:
        return tuple((_moment(start), _moment(end)) for start, _, end in ends)
    except (ValueError, OverflowError):
        return ()


def _moment(text: str) -> datetime:
    """Read a moment and bring it to UTC: the database knows fewer zones than Python.

    Raises:
        ValueError: it is no moment, or names no zone.
        OverflowError: in UTC it lies outside of what a calendar has.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 18


def rounds_played_in(asked: SpanRounds) -> QuerySet[RoundEvent, int]:
    """Return the ids of the rounds that a figure of the play in spans counts."""
    standing = RoundEvent.objects.alias(place=place_at("occurred_at")).filter(
        Q.create(
            [Q(occurred_at__gte=start, occurred_at__lt=end) for start, end in asked.spans],
            connector=Q.OR,
        ),
        provider_id=asked.provider_id,
        game_id=asked.game_id,
        place=asked.jurisdiction,
        origin=Origin.CALLBACK,
    )
    if asked.only_settled:
        standing = standing.filter(money_state=MoneyState.SETTLED)
    else:
        standing = standing.filter(
            status__in=[EventStatus.ACCEPTED, EventStatus.TENTATIVE]
        ).exclude(money_state__in=[MoneyState.NONE, MoneyState.ROLLED_BACK])
    if asked.currency:
        standing = standing.filter(currency=asked.currency)
    return standing.values_list("round_id", flat=True)


# Read by the index on (provider, occurred_at). An event names no jurisdiction: it is where its
# player was at that moment. Rolled back and refused play is nobody's.
_PLACE: Final[LiteralString] = place_at_sql("e.occurred_at")
_STANDS: Final[LiteralString] = """
    e.origin = 'callback' AND e.status IN ('accepted', 'tentative')
    AND e.money_state NOT IN ('none', 'rolled_back')
"""
_PLAYED: Final[LiteralString] = f"""
SELECT DISTINCT e.provider_id, e.game_id, {_PLACE}
FROM rounds_roundevent e JOIN players_player p ON p.id = e.player_id
WHERE e.provider_id = ANY(%(providers)s)
  AND e.occurred_at >= %(start)s AND e.occurred_at < %(end)s AND {_PLACE} <> %(nowhere)s
  AND (%(games)s::bigint[] IS NULL OR e.game_id = ANY(%(games)s))
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
JOIN players_player p ON p.id = e.player_id
WHERE {_STANDS} AND {_PLACE} = k.jurisdiction
GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608 - our own constant


def played_places(
    provider_ids: Sequence[int],
    start: datetime,
    end: datetime,
    *,
    game_ids: Collection[int] | None = None,
) -> list[tuple[int, int, str]]:
    """Return each (provider, game, jurisdiction) that was really played in the time.

    ``game_ids`` narrows it to some games.
    """
    arguments: dict[str, Any] = {
        "providers": list(provider_ids),
        "start": start,
        "end": end,
        "games": None if game_ids is None else list(game_ids),
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
