"""What arrived, byte for byte, and what was found wrong with it."""

import json
from collections.abc import Sequence
from typing import Any, override

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import IntegerField, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from apps.core.admin import (
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    link_cell,
    money_column,
    recent_filter,
)
from apps.providers.selectors import provider_choices
from apps.rounds import panels, selectors
from apps.rounds.models import BalanceDrift, Conflict, Delivery, DeliveryVerdict, EventAttempt
from apps.rounds.payloads import readable


@admin.register(Delivery)
class DeliveryAdmin(PanelsMixin, ReadOnlyAdmin[Delivery]):
    list_display = [
        "message_id",
        "provider",
        datetime_column("received_at", title="received"),
        "verdict",
        "key_id",
        "path",
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        recent_filter("received_at", "received"),
    ]
    list_select_related = ["provider"]
    search_fields = ["pk__exact", "message_id__exact"]
    search_help_text = "Delivery number or webhook-id, exactly"
    ordering = ["-pk"]
    fields = [("provider", "message_id"), ("received_at", "stored_at"), ("key_id", "path")]

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        verdict = DeliveryVerdict.objects.filter(delivery_id=OuterRef("pk"))
        status = Subquery(verdict.values("http_status")[:1], output_field=IntegerField())
        rows: QuerySet[Delivery] = super().get_queryset(request).defer("body", "headers")
        return rows.annotate(http_status=status)

    @admin.display(description="answer")
    def verdict(self, delivery: Any) -> Any:
        if delivery.http_status is None:
            return badge("not judged yet", "warning")
        return badge(f"HTTP {delivery.http_status}", "success")

    @override
    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<int:delivery_id>/raw/",
                self.admin_site.admin_view(self.raw_view),
                name="rounds_delivery_raw",
            ),
            *super().get_urls(),
        ]

    def raw_view(self, request: HttpRequest, delivery_id: int) -> HttpResponse:
        """Hand out the bytes as received: as a file, so that no browser runs what is in them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        delivery = Delivery.objects.filter(pk=delivery_id).first() if delivery_id < 2**63 else None
        if delivery is None:
            raise Http404
        return HttpResponse(
            bytes(delivery.body),
            content_type="application/octet-stream",
            headers={
                "Content-Disposition": f'attachment; filename="delivery-{delivery_id}.bin"',
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            },
        )

    @override
    def panels(self, request: HttpRequest, obj: Delivery) -> Sequence[Panel]:
        payload = readable(bytes(obj.body))
        return [
            _verdict_panel(obj),
            Panel(
                title="Body",
                note=payload.note,
                code=payload.text,
                link=reverse("admin:rounds_delivery_raw", args=[obj.pk]),
                link_text=f"Download {len(bytes(obj.body)):,} bytes as received",
            ),
            Panel(
                title="Headers",
                columns=["Name", "Value"],
                rows=[[name, str(value)] for name, value in sorted(obj.headers.items())],
                empty_text="No headers were kept.",
            ),
        ]


def _verdict_panel(delivery: Delivery) -> Panel:
    verdict = DeliveryVerdict.objects.filter(delivery_id=delivery.pk).first()
    if verdict is None:
        return Panel(
            title="Answer",
            empty_text="Stored and not judged yet. The sweeper applies it; nothing is lost.",
            tone="warning",
        )
    return Panel(
        title=f"Answered HTTP {verdict.http_status}",
        columns=["Event", "Status", "Balance answered"],
        rows=[
            [
                str(result.get("event_id", "-")),
                panels.status_cell(str(result.get("status", "")), str(result.get("code") or "")),
                str(result.get("balance") or "-"),
            ]
            for result in verdict.results[:200]
        ],
        empty_text="The answer named no event.",
        note="The first 200 results." if len(verdict.results) > 200 else "",
    )


@admin.register(EventAttempt)
class EventAttemptAdmin(ReadOnlyAdmin[EventAttempt]):
    """Further deliveries: repeats, conflicts, and refusals that stored no event."""

    list_display = [
        "event_id",
        "provider",
        badge_column("status", panels.STATUS_TONES),
        "code",
        datetime_column("received_at", title="received"),
        "delivery",
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        choice_filter(
            "status",
            "status",
            [(name, name) for name in ("duplicate", "conflict", "rejected", "accepted")],
        ),
    ]
    list_select_related = ["provider"]
    search_fields = ["event_id__exact"]
    search_help_text = "Event, exactly"
    ordering = ["-pk"]

    @admin.display(description="delivery")
    def delivery(self, attempt: EventAttempt) -> Any:
        url = reverse("admin:rounds_delivery_change", args=[attempt.delivery_id])
        return link_cell(url, attempt.delivery_id)


@admin.register(Conflict)
class ConflictAdmin(PanelsMixin, ReadOnlyAdmin[Conflict]):
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
    ]
    list_select_related = ["provider"]
    search_fields = ["event_id__exact"]
    search_help_text = "Event, exactly"
    ordering = ["-last_seen_at", "-pk"]
    fields = [("event_id", "provider"), ("first_seen_at", "last_seen_at", "seen_count")]

    @override
    def panels(self, request: HttpRequest, obj: Conflict) -> Sequence[Panel]:
        code = obj.provider.code
        attempts = selectors.deliveries_of_event(code, obj.event_id)
        return [
            Panel(
                title="What differs",
                note="The first delivery was applied. The other content moved nothing.",
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
    names = [name for name in {**first, **other} if first.get(name) != other.get(name)]
    return [
        [name, str(first.get(name, "(absent)")), str(other.get(name, "(absent)"))]
        for name in (names if first else [])
    ]


@admin.register(BalanceDrift)
class BalanceDriftAdmin(ReadOnlyAdmin[BalanceDrift]):
    """The provider's balance minus ours, per player, as the last event left it."""

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

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[BalanceDrift]:
        return super().get_queryset(request).exclude(difference_minor=0)
