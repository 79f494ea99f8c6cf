"""What a player has in play now: money held for rounds, and rounds that nobody closed."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from apps.rounds.enums import MoneyState, Origin
from apps.rounds.models import Round, RoundEvent

OPEN_STATES = ("open", "stuck")


@dataclass(frozen=True, slots=True)
class HeldMoney:
    """The events whose stake is held and whose win is pending; sums of all, rows of the first."""

    stake_minor: int
    win_minor: int
    events: list[RoundEvent]


def held_money_of(player_id: int, *, limit: int = 50) -> HeldMoney:
    held = RoundEvent.objects.filter(player_id=player_id, money_state=MoneyState.HELD)
    sums = held.aggregate(stake=Coalesce(Sum("bet_minor"), 0), win=Coalesce(Sum("win_minor"), 0))
    events = held.select_related("provider", "round", "game").order_by("occurred_at", "pk")
    return HeldMoney(int(sums["stake"]), int(sums["win"]), list(events[:limit]))


def played_since(player_id: int, since: datetime) -> tuple[int, int]:
    """Return what a player staked and won since a moment, in minor units.

    A held stake counts, a win that is only pending does not. Read by (player, occurred_at).
    """
    stands = RoundEvent.objects.filter(
        player_id=player_id,
        occurred_at__gte=since,
        origin=Origin.CALLBACK,
        money_state__in=[MoneyState.SETTLED, MoneyState.HELD],
    )
    sums = stands.aggregate(
        staked=Coalesce(Sum("bet_minor"), 0),
        won=Coalesce(Sum("win_minor", filter=Q(money_state=MoneyState.SETTLED)), 0),
    )
    return int(sums["staked"]), int(sums["won"])


def stakes_since(player_id: int, since: datetime) -> QuerySet[RoundEvent]:
    """Return what a player staked since a moment, also what was undone: it was play."""
    return RoundEvent.objects.filter(
        player_id=player_id, occurred_at__gte=since, origin=Origin.CALLBACK, bet_minor__gt=0
    )


def open_rounds_of(player_id: int, *, limit: int = 50) -> list[Round]:
    """Return the player's rounds that are not over, the oldest first."""
    rounds = Round.objects.filter(player_id=player_id, state__in=OPEN_STATES)
    return list(rounds.select_related("provider", "game").order_by("opened_at", "pk")[:limit])
