"""How rounds, events and their deliveries are read."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Exists, OuterRef, QuerySet, Sum

from apps.players.selectors import rehearsal_player_ids
from apps.providers.contracts import REHEARSAL_KEY_PREFIX
from apps.rounds.contracts import AttemptView, StuckRound
from apps.rounds.enums import EventStatus, MoneyState, Origin, RoundState
from apps.rounds.models import (
    Conflict,
    Delivery,
    DeliveryVerdict,
    EventAttempt,
    Round,
    RoundEvent,
    SweptThrough,
    UnjudgedDelivery,
)
from apps.rounds.traffic import MOST_SEARCHED, attempts_seen

_SWEPT_WITHIN: Final = timedelta(minutes=30)
"""A sweep comes every 20 seconds, and goes on after what was stored ten minutes before."""


def event_by_id(provider_code: str, event_id: str) -> RoundEvent | None:
    """Return the event of a provider by its permanent id, with its round and player."""
    return (
        RoundEvent.objects.select_related("provider", "round", "player", "game")
        .filter(provider__code=provider_code, event_id=event_id)
        .first()
    )


def stuck_round(round_id: int) -> StuckRound | None:
    """Return a round that is stuck, with what its events hold or took; None for any other.

    What a round took that its provider closed was played; it is nothing that waits.
    """
    found = (
        Round.objects.select_related("provider", "player", "game")
        .filter(pk=round_id, state=RoundState.STUCK)
        .first()
    )
    if found is None:
        return None
    held = RoundEvent.objects.filter(round=found, money_state=MoneyState.HELD)
    sums = held.aggregate(held=Sum("bet_minor", default=0), pending=Sum("win_minor", default=0))
    settled = RoundEvent.objects.filter(
        round=found, money_state=MoneyState.SETTLED, bet_minor__gt=0
    )
    if found.settled_at is not None:
        settled = settled.none()
    taken = settled.aggregate(stake=Sum("bet_minor", default=0), won=Sum("win_minor", default=0))
    return StuckRound(
        id=found.pk,
        provider_id=found.provider_id,
        provider_code=found.provider.code,
        round_ref=found.round_ref,
        player_ref=found.player.player_ref,
        game_code=found.game.game_code,
        currency=found.currency,
        opened_at=found.opened_at,
        held_minor=int(sums["held"]),
        pending_minor=int(sums["pending"]),
        taken_minor=int(taken["stake"]),
        paid_minor=found.win_minor - int(sums["pending"]),
        won_with_stake_minor=int(taken["won"]),
        standing_events=found.standing_events,
    )


def deliveries_of_event(
    provider_code: str, event_id: str, *, newest: int | None = None
) -> list[AttemptView]:
    """Return the delivery attempts that carried an event, oldest first, with their raw bytes.

    All of them, or the ``newest`` so many: a provider may repeat a large delivery without end.
    """
    event = event_by_id(provider_code, event_id)
    attempts = EventAttempt.objects.filter(provider__code=provider_code, event_id=event_id)
    latest = attempts.order_by("-pk")[:newest]
    seen = [(a.delivery_id, str(a.status), a.code) for a in latest][::-1]
    if event is not None and event.delivery_id is not None and len(seen) != newest:
        seen.insert(0, (event.delivery_id, str(event.status), event.code))
    return attempts_seen({event_id: seen})[event_id]


def attempt_count(event: RoundEvent) -> int:
    """Return how often an event was delivered."""
    again = EventAttempt.objects.filter(provider_id=event.provider_id, event_id=event.event_id)
    return again.count() + (event.delivery_id is not None)


def events_of_round(round_id: int, *, limit: int = 200) -> list[RoundEvent]:
    """Return the events of a round in play order: by the provider's clock, then as we took them."""
    events = RoundEvent.objects.filter(round_id=round_id).select_related("provider", "game")
    return list(events.order_by("occurred_at", "pk")[:limit])


def conflicts_of_event(provider_code: str, event_id: str) -> list[Conflict]:
    conflicts = Conflict.objects.filter(provider__code=provider_code, event_id=event_id)
    return list(conflicts.order_by("first_seen_at", "pk"))


def corrections_of_event(provider_id: int, event_id: str) -> list[RoundEvent]:
    """Return our own corrections of an event, oldest first."""
    corrections = RoundEvent.objects.filter(
        provider_id=provider_id, reference_event_id=event_id, origin=Origin.CORRECTION
    )
    return list(corrections.order_by("pk"))


def without_rehearsals(events: QuerySet[RoundEvent]) -> QuerySet[RoundEvent]:
    """Leave out what the acceptance kit played: nobody plays there, and nobody must act on it."""
    return events.exclude(player_id__in=rehearsal_player_ids())


def newest_conflicts(*, limit: int) -> list[Conflict]:
    """Return the conflicts that were seen last; those of rehearsals are left out."""
    newest = Conflict.objects.filter(is_rehearsed=False)
    newest = newest.select_related("provider").order_by("-last_seen_at", "-pk")
    return list(newest[:limit])


def parked_events(*, limit: int) -> list[RoundEvent]:
    """Return events that await a person or a later message, the oldest first, no rehearsals."""
    parked = RoundEvent.objects.filter(status=EventStatus.PARKED).select_related("provider")
    events = without_rehearsals(parked)
    return list(events.order_by("occurred_at", "pk")[:limit])


def not_judged_in_time(deliveries: QuerySet[Delivery], now: datetime) -> QuerySet[Delivery]:
    """Keep what is not answered for a minute after it was stored, however long ago that was.

    Up to where the sweep has come, all that is not judged is listed. After it, the newest are
    looked through here, so many that a page can wait for it (``is_sweep_behind`` for the others).
    """
    before, after = now - timedelta(minutes=1), _looked_through_after()
    verdicts = DeliveryVerdict.objects.filter(delivery_id=OuterRef("pk"), delivery_id__gt=after)
    newest = Delivery.objects.filter(~Exists(verdicts), pk__gt=after, stored_at__lt=before)
    judged = DeliveryVerdict.objects.filter(delivery_id=OuterRef("delivery_id"))
    listed = UnjudgedDelivery.objects.filter(~Exists(judged)).values_list("delivery_id", flat=True)
    waiting = {*newest.values_list("pk", flat=True), *listed}
    return deliveries.filter(pk__in=waiting, stored_at__lt=before)


def is_sweep_behind(now: datetime) -> bool:
    """Tell whether older deliveries are still to be looked through: by the sweep, not by a page.

    So it is at first after an upgrade, and while the worker is down.
    """
    left = Delivery.objects.filter(pk__gt=swept_through(), pk__lte=_looked_through_after())
    stored_at = left.order_by("pk").values_list("stored_at", flat=True).first()
    return stored_at is not None and stored_at < now - _SWEPT_WITHIN


def _looked_through_after() -> int:
    newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return max(swept_through(), newest - MOST_SEARCHED)


def swept_through() -> int:
    """Return up to which delivery everything is judged or listed as unjudged."""
    return SweptThrough.objects.values_list("delivery_id", flat=True).first() or 0


def late_deliveries(now: datetime, *, limit: int) -> list[Delivery]:
    """Return the deliveries that should have been judged by now, the oldest first."""
    late = not_judged_in_time(Delivery.objects.select_related("provider"), now)
    return list(late.defer("body", "headers").order_by("pk")[:limit])


def refused_attempts(provider_id: int, event_id: str, *, limit: int) -> list[EventAttempt]:
    """Return the deliveries of an event that were answered with a refusal, newest first."""
    attempts = EventAttempt.objects.filter(provider_id=provider_id, event_id=event_id)
    return list(attempts.order_by("-pk")[:limit])


def event_by_pk(pk: int) -> RoundEvent:
    """Return one event with its provider, by its row; for links from its own page."""
    return RoundEvent.objects.select_related("provider").get(pk=pk)


def open_round_count(player_id: int) -> int:
    """Return how many rounds of a player are not closed yet."""
    open_states = [RoundState.OPEN, RoundState.STUCK]
    return Round.objects.filter(player_id=player_id, state__in=open_states).count()


def open_rounds_by_provider() -> dict[int, dict[str, int]]:
    """Return how many rounds are open and stuck, by provider id and state."""
    open_states = [RoundState.OPEN, RoundState.STUCK]
    rows = (
        Round.objects.filter(state__in=open_states)
        .values_list("provider_id", "state")
        .annotate(count=Count("pk"))
        .order_by("provider_id", "state")
    )
    found: dict[int, dict[str, int]] = {}
    for provider_id, state, count in rows:
        found.setdefault(provider_id, {})[state] = count
    return found


def open_rounds_at(provider_id: int) -> int:
    """Return how many rounds at a provider are not closed yet, by the index of such rounds."""
    open_states = [RoundState.OPEN, RoundState.STUCK]
    return Round.objects.filter(provider_id=provider_id, state__in=open_states).count()


def edge_events(
    provider_id: int, *, since: datetime
) -> tuple[tuple[str, datetime], tuple[str, datetime]] | None:
    """Return (event id, time) of the newest and the oldest callback that the provider sent since.

    Its rehearsals count. What the acceptance kit signed is left out: the provider itself knows
    nothing of it.
    """
    played = RoundEvent.objects.filter(
        provider_id=provider_id, occurred_at__gte=since, origin=Origin.CALLBACK
    )
    by_kit = Delivery.objects.filter(
        pk=OuterRef("delivery_id"), key_id__startswith=REHEARSAL_KEY_PREFIX
    )
    events = played.exclude(Exists(by_kit)).values_list("event_id", "occurred_at")
    newest = events.order_by("-occurred_at").first()
    oldest = events.order_by("occurred_at").first()
    return None if newest is None or oldest is None else (newest, oldest)
