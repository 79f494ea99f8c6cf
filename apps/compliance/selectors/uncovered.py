"""How the ledger of uncertified play is read."""

from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Exists, F, OuterRef, Prefetch, QuerySet

from apps.compliance.models import UncertifiedPlay, UncoveredDay
from apps.providers.selectors.coverage import cover_periods


def uncertified_play_since(day: date, *, limit: int) -> list[UncertifiedPlay]:
    """Return what was played without cover from ``day`` on, the newest day first."""
    play = UncertifiedPlay.objects.filter(uncovered__day__gte=day, rounds__gt=0)
    newest = play.select_related("uncovered__game").order_by("-uncovered__day", "-stake_minor")
    return list(newest[:limit])


def week_before(now: datetime) -> date:
    """Return the first of the seven days that end with today, in UTC."""
    return now.astimezone(UTC).date() - timedelta(days=6)


def played(days: QuerySet[UncoveredDay]) -> QuerySet[UncoveredDay]:
    """Keep the days and places on which somebody played."""
    return days.filter(
        Exists(UncertifiedPlay.objects.filter(uncovered=OuterRef("pk"), rounds__gt=0))
    )


def played_before_cover(days: QuerySet[UncoveredDay]) -> QuerySet[UncoveredDay]:
    """Keep the days and places whose play was counted once, and is covered or undone since."""
    return days.filter(
        Exists(
            UncertifiedPlay.objects.filter(uncovered=OuterRef("pk"), rounds__lt=F("most_rounds"))
        )
    )


def days_played_since(day: date, *, limit: int) -> list[UncoveredDay]:
    """Return where there was play without cover from ``day`` on, the newest day first."""
    found = played(UncoveredDay.objects.filter(day__gte=day)).select_related("game")
    return list(found.prefetch_related(with_play()).order_by("-day", "-minutes", "pk")[:limit])


def spans_without_cover(
    where: UncoveredDay, now: datetime
) -> tuple[tuple[datetime, datetime], ...]:
    """Return when on that day nothing covered it, by what the register holds now."""
    start = datetime.combine(where.day, time(), UTC)
    periods = cover_periods(
        where.game_id, where.jurisdiction, start, min(start + timedelta(days=1), now)
    )
    return tuple((one.start, one.end) for one in periods if not one.cover.allowed)


def play_on(where: UncoveredDay) -> list[UncertifiedPlay]:
    """Return the play of a row that was read ``with_play``, by currency."""
    shown: list[UncertifiedPlay] = getattr(where, "shown_play")  # noqa: B009 - the prefetch names it
    return shown


def with_play() -> Prefetch[str]:
    """Return what lists prefetch to show the play of each row without a query of its own."""
    play = UncertifiedPlay.objects.filter(rounds__gt=0).order_by("currency")
    return Prefetch("play", queryset=play, to_attr="shown_play")
