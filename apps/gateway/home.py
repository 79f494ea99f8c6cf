"""Home cards for who keeps the providers' traffic flowing."""

from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.core.admin import display_at
from apps.core.answer_codes import answer_words
from apps.gateway.selectors import rejections_of
from apps.rounds.selectors import is_sweep_behind, late_deliveries, newest_conflicts, parked_events
from apps.staff.contracts import HomeCard, HomeRow
from apps.staff.home_cards import LIMIT, MAX_ROWS, Waiting, waiting_card

_SWEEP_IS_BEHIND: Final = "The worker has still to look through older deliveries; any may wait."


def parked_events_card(_request: HttpRequest) -> HomeCard:
    return waiting_card(
        Waiting(
            title="Parked events",
            link=reverse("admin:rounds_roundevent_changelist") + "?status=parked",
            empty_text="No event waits for a person or a later message.",
            tone="warning",
        ),
        parked_events(limit=LIMIT),
        lambda event: HomeRow(
            title=f"{event.event_id} of {event.provider}",
            link=reverse("admin:rounds_roundevent_change", args=[event.pk]),
            meta=answer_words(event.code),
            tone="warning",
        ),
    )


def conflicts_card(_request: HttpRequest) -> HomeCard:
    return waiting_card(
        Waiting(
            title="Conflicts",
            link=reverse("admin:rounds_conflict_changelist") + "?who=played",
            empty_text="No provider contradicted itself.",
            tone="danger",
            note="The same event id with other content; nothing moved",
        ),
        newest_conflicts(limit=LIMIT),
        lambda conflict: HomeRow(
            title=f"{conflict.event_id} of {conflict.provider}",
            link=reverse("admin:rounds_conflict_change", args=[conflict.pk]),
            meta=f"{conflict.seen_count}x, {display_at(conflict.last_seen_at)}",
            tone="danger",
        ),
    )


def rejections_card(_request: HttpRequest) -> HomeCard:
    today = timezone.now().date()
    rejections = rejections_of(today)
    return HomeCard(
        title="Refused today (UTC)",
        value=f"{sum(rejection.count for rejection in rejections):,}",
        tone="warning" if rejections else "success",
        note=f"in {len(rejections):,} rows, one per caller and reason" if rejections else "",
        link=reverse("admin:gateway_rejection_changelist") + f"?day={today}",
        rows=tuple(
            HomeRow(
                title=f"{rejection.provider or 'Unproven caller'}: {answer_words(rejection.code)}",
                link=reverse("admin:gateway_rejection_change", args=[rejection.pk]),
                meta=f"{rejection.count:,}",
                tone="warning",
            )
            for rejection in rejections[:MAX_ROWS]
        ),
        empty_text="Nothing was refused today.",
    )


def unjudged_card(_request: HttpRequest) -> HomeCard:
    """Show deliveries stored for a minute and not answered for: the sweeper should have them."""
    now = timezone.now()
    is_behind = is_sweep_behind(now)
    return waiting_card(
        Waiting(
            title="Deliveries not judged yet",
            link=reverse("admin:rounds_delivery_changelist") + "?verdict=late&who=all",
            empty_text=_SWEEP_IS_BEHIND if is_behind else "Everything that was stored was applied.",
            tone="danger",
            note=_SWEEP_IS_BEHIND if is_behind else "",
            tone_when_empty="warning" if is_behind else "success",
        ),
        late_deliveries(now, limit=LIMIT),
        lambda delivery: HomeRow(
            title=f"{delivery.provider}: {delivery.message_id}",
            link=reverse("admin:rounds_delivery_change", args=[delivery.pk]),
            meta=display_at(delivery.received_at),
            tone="danger",
        ),
    )
