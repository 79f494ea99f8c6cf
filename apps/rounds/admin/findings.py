"""What was found wrong with deliveries: repeats, refusals, conflicts and drifting balances."""

import json
from collections.abc import Sequence
from typing import Any, override

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin import (
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    aside_filter,
    badge,
    choice_filter,
    datetime_column,
    link_cell,
    money_cell,
    money_column,
    recent_filter,
    worded,
)
from apps.core.answer_codes import answer_words
from apps.providers.selectors import provider_choices
from apps.rounds import panels, selectors
from apps.rounds.models import BalanceDrift, Conflict, EventAttempt, RoundEvent
from apps.rounds.payloads import is_credential


@admin.register(EventAttempt)
class EventAttemptAdmin(ReadOnlyAdmin[EventAttempt]):
    """Further deliveries: repeats, conflicts, and refusals that stored no event."""

    list_empty_text = "Every event arrived once and was applied as it came."
    list_display = [
        "event_id",
        "provider",
        "answered",
        "why",
        datetime_column("received_at", title="received"),
        "delivery",
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        choice_filter(
            "status",
            "status (newest 20,000)",
            [
                (status, panels.status_word(status))
                for status in ("duplicate", "conflict", "rejected", "accepted")
            ],
            indexed=(),
        ),
    ]
    list_select_related = ["provider"]
    search_fields = ["event_id__exact"]
    search_help_text = "Event, exactly"
    ordering = ["-pk"]
    fields = [("event_id", "provider"), ("answered", "why"), ("received_at", "delivery")]

    @override
    def search_lead(self) -> dict[str, Any]:
        return {"provider_id__in": [int(pk) for pk, _ in provider_choices()]}

    @admin.display(description="status", ordering="status")
    def answered(self, attempt: EventAttempt) -> SafeString:
        tone = panels.STATUS_TONES.get(attempt.status, "neutral")
        return badge(panels.status_word(attempt.status), tone)

    @admin.display(description="why", ordering="code")
    def why(self, attempt: EventAttempt) -> SafeString:
        return worded(answer_words(attempt.code), attempt.code)

    @admin.display(description="delivery")
    def delivery(self, attempt: EventAttempt) -> Any:
        url = reverse("admin:rounds_delivery_change", args=[attempt.delivery_id])
        return link_cell(url, attempt.delivery_id)


@admin.register(Conflict)
class ConflictAdmin(PanelsMixin, ReadOnlyAdmin[Conflict]):
    list_empty_text = "No event came back under the same id with other content."
    list_display = [
        "event_id",
        "provider",
        "seen_count",
        datetime_column("first_seen_at", title="first seen"),
        datetime_column("last_seen_at", title="last seen"),
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        recent_filter("last_seen_at", "last seen"),
        aside_filter(
            "who",
            "rehearsals",
            lambda: Q(is_rehearsed=True),
            usual="Left out",
            only=("only", "Rehearsals only"),
            everything="Shown as well",
        ),
    ]
    list_select_related = ["provider"]
    search_fields = ["event_id__exact"]
    search_help_text = "Event, exactly"
    ordering = ["-last_seen_at", "-pk"]
    fields = [
        ("event_id", "provider", "is_rehearsed"),
        ("first_seen_at", "last_seen_at", "seen_count"),
    ]

    @override
    def panels(self, request: HttpRequest, obj: Conflict) -> Sequence[Panel]:
        code = obj.provider.code
        attempts = selectors.deliveries_of_event(code, obj.event_id)
        return [
            _next_step_panel(selectors.event_by_id(code, obj.event_id)),
            Panel(
                title="What differs",
                note="The first delivery was judged. The other content moved nothing. Values are "
                "as the provider wrote them.",
                columns=["Field", "First delivery", "Conflicting delivery"],
                rows=_differences(_first_content(attempts, obj.event_id), obj.content),
                empty_text="The first delivery can't be compared field by field; see below.",
                tone="danger",
            ),
            Panel(
                title="Conflicting content",
                code=json.dumps(obj.content, indent=2, ensure_ascii=False),
                link=reverse("admin:rounds_delivery_raw", args=[obj.last_delivery_id]),
                link_text="Download the last delivery as received",
            ),
            panels.attempts_panel(attempts),
            panels.payload_panel(attempts, obj.event_id),
        ]


def _next_step_panel(event: RoundEvent | None) -> Panel:
    """Say whom to ask, and how a wrong first delivery is put right: never by its own id."""
    links = []
    if event is not None:
        links.append(("The event", reverse("admin:rounds_roundevent_change", args=[event.pk])))
        if event.round_id is not None:
            links.append(("Its round", reverse("admin:rounds_round_change", args=[event.round_id])))
    return Panel(
        title="What to do next",
        empty_text="Ask the provider which of the two is right. The first: nothing to do. The "
        "second: it rolls the first back and sends the right one under an id of its own. Until "
        "then the day's reconciliation finds the difference as a break.",
        links=links,
    )


def _first_content(attempts: Sequence[Any], event_id: str) -> dict[str, Any]:
    if not attempts:
        return {}
    try:
        parsed = json.loads(attempts[0].body)
    except (ValueError, RecursionError):
        return {}
    events = parsed.get("events", [parsed]) if isinstance(parsed, dict) else []
    for event in events if isinstance(events, list) else []:
        if isinstance(event, dict) and event.get("event_id") == event_id:
            return event
    return {}


def _differences(first: dict[str, Any], other: dict[str, Any]) -> list[list[str]]:
    # Another session's credential is no contradiction, and is not for the eye.
    names = [
        name
        for name in {**first, **other}
        if first.get(name) != other.get(name) and not is_credential(name)
    ]
    return [
        [name, _value(first.get(name, "(absent)")), _value(other.get(name, "(absent)"))]
        for name in (names if first else [])
    ]


def _value(value: object) -> SafeString:
    return format_html('<span class="pb-long">{}</span>', value)


@admin.register(BalanceDrift)
class BalanceDriftAdmin(ReadOnlyAdmin[BalanceDrift]):
    """The provider's balance minus ours, per player, as the last event left it."""

    list_empty_text = "Every balance that a provider reported was ours."
    list_display = [
        "player",
        "provider",
        money_column("difference_minor", "player__currency", title="provider minus ours"),
        "last_event_id",
        datetime_column("changed_at", title="changed"),
    ]
    list_filter = [choice_filter("provider_id", "provider", provider_choices)]
    list_select_related = ["provider", "player"]
    search_fields = ["player__player_ref__exact"]
    search_help_text = "Player, exactly"
    ordering = ["-changed_at", "-pk"]
    fields = [("player", "provider"), ("difference", "last_event_id", "changed_at")]

    @admin.display(description="provider minus ours")
    def difference(self, drift: BalanceDrift) -> str:
        return money_cell(drift.difference_minor, drift.player.currency)

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[BalanceDrift]:
        return super().get_queryset(request).exclude(difference_minor=0)
