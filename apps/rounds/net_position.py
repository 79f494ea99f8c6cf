"""What a day of play came to, for who reports on it; one statement per provider and day."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from apps.players.selectors import rehearsal_player_ids
from apps.rounds.enums import EventStatus, MoneyState, Origin
from apps.rounds.models import RoundEvent


@dataclass(frozen=True, slots=True)
class PlayLine:
    """One game in one currency. Minor units; ``corrections_minor`` is what we credited ourselves.

    ``open_minor`` is held for tentative events: neither staked nor returned yet.
    """

    currency: str
    game_code: str
    rounds: int
    stake_minor: int
    win_minor: int
    corrections_minor: int
    open_minor: int
    theoretical_rtp: Decimal | None

    @property
    def ggr_minor(self) -> int:
        """Gross gaming revenue: stakes less wins less what was given back."""
        return self.stake_minor - self.win_minor - self.corrections_minor


def play_of(*, provider_id: int, start: datetime, end: datetime) -> list[PlayLine]:
    """Sum the events of ``[start, end)`` that stand, by the provider's clock; no rehearsals."""
    settled = Q(money_state=MoneyState.SETTLED)
    provided = settled & Q(origin=Origin.CALLBACK)
    rows = (
        _standing(provider_id, start, end)
        .values("currency", "game_code", rtp=F("game__theoretical_rtp"))
        .annotate(
            rounds=Count("round_id", distinct=True),
            stake=Coalesce(Sum("bet_minor", filter=provided), 0),
            win=Coalesce(Sum("win_minor", filter=provided), 0),
            corrected=Coalesce(Sum("win_minor", filter=settled & Q(origin=Origin.CORRECTION)), 0),
            held=Coalesce(Sum("bet_minor", filter=Q(money_state=MoneyState.HELD)), 0),
        )
        .order_by("currency", "game_code")
    )
    return [_play_line({**row}) for row in rows]


def _standing(provider_id: int, start: datetime, end: datetime) -> QuerySet[RoundEvent]:
    return (
        RoundEvent.objects.filter(
            provider_id=provider_id,
            occurred_at__gte=start,
            occurred_at__lt=end,
            status__in=[EventStatus.ACCEPTED, EventStatus.TENTATIVE],
        )
        .exclude(money_state__in=[MoneyState.NONE, MoneyState.ROLLED_BACK])
        .exclude(player_id__in=rehearsal_player_ids())
    )


@dataclass(frozen=True, slots=True)
class PlaySpan:
    """What a figure of a day's play was summed over; an empty game means all of them."""

    provider_id: int
    start: datetime
    end: datetime
    currency: str
    game_code: str = ""

    def text(self) -> str:
        """Write it for an address."""
        span = [self.start.isoformat(), self.end.isoformat()]
        return "|".join([str(self.provider_id), *span, self.currency, self.game_code])


def span_of(text: str) -> PlaySpan | None:
    """Read what ``PlaySpan.text`` wrote; None where it is anything else."""
    parts = text.replace("\x00", "").split("|", 4)
    if len(parts) != 5 or not (parts[0].isascii() and parts[0].isdigit() and len(parts[0]) < 18):
        return None
    try:
        start, end = datetime.fromisoformat(parts[1]), datetime.fromisoformat(parts[2])
    except ValueError:
        return None
    if start.tzinfo is None or end.tzinfo is None:
        return None
    return PlaySpan(int(parts[0]), start, end, parts[3], parts[4])


def rounds_of(span: PlaySpan) -> QuerySet[RoundEvent, int]:
    """Return the ids of the rounds that a figure of a day's play counts."""
    events = _standing(span.provider_id, span.start, span.end).filter(currency=span.currency)
    if span.game_code:
        events = events.filter(game_code=span.game_code)
    return events.values_list("round_id", flat=True)


def _play_line(row: dict[str, Any]) -> PlayLine:
    # A sum of bigint is numeric in PostgreSQL, so it comes back as a Decimal without a fraction.
    return PlayLine(
        currency=row["currency"],
        game_code=row["game_code"],
        rounds=row["rounds"],
        stake_minor=int(row["stake"]),
        win_minor=int(row["win"]),
        corrections_minor=int(row["corrected"]),
        open_minor=int(row["held"]),
        theoretical_rtp=row["rtp"],
    )


def last_played_at(provider_id: int) -> datetime | None:
    """Return when the provider's newest event was played; None before the first.

    What was refused or waits was not played, and one that waits may say any time at all.
    """
    played = RoundEvent.objects.filter(
        provider_id=provider_id, status__in=[EventStatus.ACCEPTED, EventStatus.TENTATIVE]
    )
    found = played.aggregate(at=Max("occurred_at"))
    newest: datetime | None = found["at"]
    return newest


def has_sent_play(provider_id: int, since: datetime) -> bool:
    """Tell whether the provider sent an event played at that moment or later, taken or not.

    What was refused or waits may be in its books all the same. A time that lies ahead of when the
    event came is none at which it was played.
    """
    return RoundEvent.objects.filter(
        provider_id=provider_id,
        occurred_at__gte=since,
        occurred_at__lt=F("received_at") + timedelta(days=1),
    ).exists()
