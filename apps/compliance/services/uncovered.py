"""Keeping the ledger of uncertified play up, from the register and the rounds themselves."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final

import structlog
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from apps.compliance.events import UncertifiedPlaySeen
from apps.compliance.models import UncertifiedPlay, UncoveredDay
from apps.core.jurisdictions import day_in
from apps.core.services import publish
from apps.players.rules import product_prohibition
from apps.providers.selectors import all_providers
from apps.providers.selectors.coverage import cover_periods, coverage_on
from apps.providers.selectors.matrix import live_providers, offered_games
from apps.rounds.span_play import PlaySpan, SpanPlay, play_in_spans, played_places

logger = structlog.get_logger(__name__)

DAYS_AGAIN: Final = 3
"""Most events come within 48 hours of play. What moves an earlier day is told, and recounted."""
MOST_DAYS_BACK: Final = 62
"""How far back a change of the register is followed; further back is for ``uncertified_play``."""
_ONE_DAY: Final = timedelta(days=1)
_KEPT_AT_MOST: Final = ("rounds", "players", "stake_minor")
"""Sums whose highest figure stays on file when a late report takes the play out of the ledger."""

type Place = tuple[int, int, str]
"""Provider, game and jurisdiction."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """The providers that are looked at, by code, and of their games these, or all.

    ``live_since``: since when each live one of them is, by id; None where that is not on file.
    """

    providers: Mapping[str, int]
    live_since: Mapping[int, datetime | None]
    game_ids: frozenset[int] | None = None

    def live_at(self, moment: datetime) -> set[str]:
        """Return the codes of those at which real players could play by then."""
        live = {pk for pk, began in self.live_since.items() if began is None or began < moment}
        return {code for code, pk in self.providers.items() if pk in live}

    def begins(self, place: Place, start: datetime) -> datetime | None:
        """Return from when on a place is looked at that nobody played; None before it is live."""
        if place[0] not in self.live_since:
            return None
        return max(start, self.live_since[place[0]] or start)

    def known_on(self, day: date) -> set[Place]:
        """Return the places of the scope that are on file for the day."""
        rows = UncoveredDay.objects.filter(
            day=day, game__provider_id__in=list(self.providers.values())
        )
        if self.game_ids is not None:
            rows = rows.filter(game_id__in=self.game_ids)
        return set(rows.values_list("game__provider_id", "game_id", "jurisdiction"))


@dataclass(frozen=True, slots=True)
class _Gap:
    place: Place
    spans: tuple[tuple[datetime, datetime], ...]
    reasons: str

    @property
    def minutes(self) -> int:
        return math.ceil(sum((end - start) / timedelta(minutes=1) for start, end in self.spans))


def keep_uncertified_play(*, now: datetime, days: int = DAYS_AGAIN) -> int:
    """Work out today and the last days again; returns the places and days without cover.

    Safe to repeat: the same register and rounds give the same rows. Play that appears without
    cover is told once for each game, jurisdiction and day.
    """
    found = _keep_days(_scope(), now.astimezone(UTC).date(), days, now)
    logger.info("compliance.uncertified_play.kept", places=found)
    return found


def recount_games(game_ids: Collection[int], *, since: date, is_gain: bool, now: datetime) -> int:
    """Work out some games again, from the day on from which the register says something else.

    As ``keep_uncertified_play``, up to ``MOST_DAYS_BACK`` days back. What covers more than before
    (``is_gain``) is looked at only where minutes without cover are on file.
    """
    scope = _scope(game_ids=frozenset(game_ids))
    today = now.astimezone(UTC).date()
    # East of Greenwich a day begins while UTC has the day before.
    first = max(since, today - timedelta(days=MOST_DAYS_BACK - 1)) - _ONE_DAY
    if not is_gain:
        found = _keep_days(scope, today, (today - first).days, now)
    else:
        bare = UncoveredDay.objects.filter(game_id__in=game_ids, day__gte=first, minutes__gt=0)
        days = sorted(set(bare.values_list("day", flat=True)))
        found = sum(_keep_day(scope, _span_of(day, now), set(), now) for day in days)
    logger.info("compliance.uncertified_play.games_recounted", games=len(game_ids), places=found)
    return found


def recount_play(provider_id: int, day: date, *, now: datetime) -> int:
    """Work out one day of a provider's games again, since play of it came in late or was undone."""
    scope = _scope(provider_id)
    found = _keep_day(scope, _span_of(day, now), set(), now)
    logger.info("compliance.uncertified_play.day_recounted", day=str(day), places=found)
    return found


def _scope(provider_id: int | None = None, game_ids: frozenset[int] | None = None) -> _Scope:
    ids = {provider.code: provider.pk for provider in all_providers()}
    if provider_id is not None:
        ids = {code: pk for code, pk in ids.items() if pk == provider_id}
    live_since = {ids[code]: began for code, began in live_providers().items() if code in ids}
    return _Scope(ids, live_since, game_ids)


def _span_of(day: date, now: datetime) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time(), UTC)
    return start, min(start + _ONE_DAY, now)


def _keep_days(scope: _Scope, today: date, days: int, now: datetime) -> int:
    start = datetime.combine(today - timedelta(days=days), time(), UTC)
    bare, found = _open_at(start, scope), 0
    while start < now:
        end = min(start + _ONE_DAY, now)
        # One look at each midnight serves the day that ends there and the day that begins.
        bare_after = _open_at(end, scope)
        found += _keep_day(scope, (start, end), bare | bare_after, now)
        start, bare = end, bare_after
    return found


@transaction.atomic
def _keep_day(
    scope: _Scope, span: tuple[datetime, datetime], bare: set[Place], now: datetime
) -> int:
    start, end = span
    day = start.date()
    # Two runs of one day look and write one after the other: the later one sees no less.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"uncovered:{day}"])
    played = set(played_places(list(scope.providers.values()), start, end, game_ids=scope.game_ids))
    known = scope.known_on(day)
    # Where nothing is played, a gap that opens and closes between the two looks is not seen.
    places = played | known | bare
    since = {place: start if place in played else scope.begins(place, start) for place in places}
    gaps = [
        gap
        for place, begins in sorted(since.items())
        if begins is not None and begins < end and (gap := _gap_of(place, begins, end)).spans
    ]
    play = _play_of([gap for gap in gaps if gap.place in played])
    for gap in gaps:
        _write(day, gap, play.get(gap.place, ()), now)
    for place in known - {gap.place for gap in gaps}:
        _write(day, _Gap(place, (), "Covered, or not on offer, after all."), (), now)
    return len(gaps)


def _open_at(moment: datetime, scope: _Scope) -> set[Place]:
    """Return what was on offer without cover, whether or not anybody played it.

    Before a provider is live, and where the law forbids the product, nothing is on offer: what is
    played there all the same is found by the rounds.
    """
    live = scope.live_at(moment)
    category_of = {
        game.id: game.category for game in offered_games(moment, game_ids=scope.game_ids)
    }
    is_forbidden = cache(lambda place, category: _is_forbidden(place, category, moment))
    return {
        (scope.providers[cell.provider_code], cell.game_id, cell.jurisdiction)
        for cell in coverage_on(moment, game_ids=scope.game_ids)
        if not cell.cover.allowed
        and cell.provider_code in live
        and not is_forbidden(cell.jurisdiction, category_of.get(cell.game_id, ""))
    }


def _is_forbidden(place: str, category: str, moment: datetime) -> bool:
    return product_prohibition(place, category, day_in(place, moment)) is not None


def _gap_of(place: Place, start: datetime, end: datetime) -> _Gap:
    _, game_id, jurisdiction = place
    bare = [
        period
        for period in cover_periods(game_id, jurisdiction, start, end)
        if not period.cover.allowed
    ]
    texts = dict.fromkeys(reason.text for period in bare for reason in period.cover.reasons)
    spans: list[tuple[datetime, datetime]] = []
    for period in bare:
        # Another reason is no other gap: a round that goes on over it is one round.
        is_same = bool(spans) and spans[-1][1] == period.start
        begins = spans.pop()[0] if is_same else period.start
        spans.append((begins, period.end))
    return _Gap(place, tuple(spans), " ".join(texts)[:500])


def _play_of(gaps: Sequence[_Gap]) -> dict[Place, list[SpanPlay]]:
    spans = [
        (gap.place, PlaySpan(*gap.place, start, end)) for gap in gaps for start, end in gap.spans
    ]
    found: dict[Place, list[SpanPlay]] = {}
    for one in play_in_spans([span for _, span in spans]):
        found.setdefault(spans[one.span][0], []).append(one)
    return found


def _write(day: date, gap: _Gap, play: Iterable[SpanPlay], now: datetime) -> None:
    _, game_id, jurisdiction = gap.place
    facts = {"minutes": gap.minutes, "reasons": gap.reasons, "computed_at": now}
    row, _ = UncoveredDay.objects.update_or_create(
        day=day,
        game_id=game_id,
        jurisdiction=jurisdiction,
        defaults=facts,
        create_defaults={**facts, "first_minutes": gap.minutes, "first_seen_at": now},
    )
    by_currency: dict[str, list[SpanPlay]] = {}
    for one in play:
        by_currency.setdefault(one.currency, []).append(one)
    had_play = row.play.filter(rounds__gt=0).exists()
    row.play.exclude(currency__in=by_currency).update(
        rounds=0, players=0, stake_minor=0, win_minor=0
    )
    for currency, parts in by_currency.items():
        sums = _sums(parts)
        most = {f"most_{name}": sums[name] for name in _KEPT_AT_MOST}
        risen = {name: Greatest(F(name), Value(figure)) for name, figure in most.items()}
        UncertifiedPlay.objects.update_or_create(
            uncovered=row,
            currency=currency,
            defaults={**sums, **risen},
            create_defaults={**sums, **most},
        )
    if by_currency and not had_play:
        publish(
            UncertifiedPlaySeen(
                uncovered_id=row.pk,
                day=day.isoformat(),
                game_id=game_id,
                jurisdiction=jurisdiction,
            ),
            now=now,
        )


def _sums(parts: Sequence[SpanPlay]) -> dict[str, object]:
    return {
        "rounds": sum(part.rounds for part in parts),
        "players": len({player for part in parts for player in part.player_ids}),
        "stake_minor": sum(part.stake_minor for part in parts),
        "win_minor": sum(part.win_minor for part in parts),
        "first_at": min(part.first_at for part in parts),
        "last_at": max(part.last_at for part in parts),
    }
