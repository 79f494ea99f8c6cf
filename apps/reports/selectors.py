"""Reports: sums over what other apps hold, never written."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from apps.providers.selectors import all_providers
from apps.reports.contracts import PositionRow, PositionTotal
from apps.rounds.net_position import PlayLine, last_played_at, play_of

if TYPE_CHECKING:
    from apps.providers.models import Provider

# Below this the spread of a slot's results is wider than any difference worth a word.
ENOUGH_ROUNDS: Final = 10_000


def net_position(day: date, *, provider_code: str = "") -> list[PositionRow]:
    """Return a day's play per provider, currency and game; a day is the provider's own."""
    return [
        _position_row(provider, day, line)
        for provider in all_providers()
        if provider_code in {"", provider.code}
        for line in _play_on(provider, day)
    ]


def _span(provider: "Provider", day: date) -> tuple[datetime, datetime]:
    zone = ZoneInfo(provider.reporting_timezone)
    # Built from the date, not by adding 24 hours: a day of a clock change has 23 or 25.
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return datetime.combine(day, time(), zone), end


def _play_on(provider: "Provider", day: date) -> list[PlayLine]:
    start, end = _span(provider, day)
    return play_of(provider_id=provider.pk, start=start, end=end)


def _position_row(provider: "Provider", day: date, line: PlayLine) -> PositionRow:
    start, end = _span(provider, day)
    return PositionRow(
        provider_id=provider.pk,
        provider_code=provider.code,
        provider_name=provider.name,
        start=start,
        end=end,
        day=day,
        currency=line.currency,
        game_code=line.game_code,
        rounds=line.rounds,
        stake_minor=line.stake_minor,
        win_minor=line.win_minor,
        corrections_minor=line.corrections_minor,
        open_minor=line.open_minor,
        ggr_minor=line.ggr_minor,
        actual_rtp=rtp_of(line.stake_minor, line.win_minor),
        theoretical_rtp=line.theoretical_rtp,
        is_enough_play=line.rounds >= ENOUGH_ROUNDS,
    )


def rtp_of(stake_minor: int, win_minor: int) -> Decimal | None:
    """Return what was paid back of what was staked, exact to four places; None without a stake."""
    if stake_minor <= 0:
        return None
    return (Decimal(win_minor) / Decimal(stake_minor)).quantize(Decimal("0.0001"))


def totals_of(rows: Iterable[PositionRow]) -> list[PositionTotal]:
    """Add rows up per provider and currency; currencies are never added to each other."""
    groups: dict[tuple[int, str], list[PositionRow]] = {}
    for row in rows:
        groups.setdefault((row.provider_id, row.currency), []).append(row)
    return [_total(group[0], group) for group in groups.values()]


def _total(first: PositionRow, rows: Sequence[PositionRow]) -> PositionTotal:
    stake_minor = sum(row.stake_minor for row in rows)
    win_minor = sum(row.win_minor for row in rows)
    return PositionTotal(
        provider_id=first.provider_id,
        provider_name=first.provider_name,
        start=first.start,
        end=first.end,
        currency=first.currency,
        rounds=sum(row.rounds for row in rows),
        stake_minor=stake_minor,
        win_minor=win_minor,
        corrections_minor=sum(row.corrections_minor for row in rows),
        open_minor=sum(row.open_minor for row in rows),
        ggr_minor=sum(row.ggr_minor for row in rows),
        actual_rtp=rtp_of(stake_minor, win_minor),
    )


def latest_day() -> date | None:
    """Return the newest reporting day with play; None before anything was played."""
    days = []
    for provider in all_providers():
        played_at = last_played_at(provider.pk)
        if played_at is not None:
            days.append(played_at.astimezone(ZoneInfo(provider.reporting_timezone)).date())
    return max(days, default=None)
