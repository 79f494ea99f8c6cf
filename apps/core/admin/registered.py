"""Core's own pages: the outbox and the audit trail."""

import json
from typing import Any, override

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import services
from apps.core.admin.actions import ActionCall, ReasonedAction
from apps.core.admin.base import ReadOnlyAdmin
from apps.core.admin.columns import badge, datetime_column, display_at, worded
from apps.core.admin.filters import recent_filter
from apps.core.deeds import deed_words, deeds_called
from apps.core.models import AuditEntry, OutboxMessage

_STATE_TONES = {"done": "success", "parked": "danger", "sent": "info", "waiting": "neutral"}


class OutboxStateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        return [
            ("open", "Not done yet"),
            ("parked", "Parked: needs a person"),
            ("done", "Done"),
        ]

    @override
    def queryset(
        self, request: HttpRequest, queryset: QuerySet[OutboxMessage]
    ) -> QuerySet[OutboxMessage]:
        match self.value():
            case "open":
                return queryset.filter(done_at__isnull=True, parked_at__isnull=True)
            case "parked":
                return queryset.filter(parked_at__isnull=False)
            case "done":
                return queryset.filter(done_at__isnull=False)
            case _:
                return queryset


def _requeue(call: ActionCall) -> str:
    services.requeue(call.object_id, acting_user=call.user, reason=call.reason, now=call.now)
    return "Queued again with a fresh set of attempts."


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin[OutboxMessage]):
    list_empty_text = "Nothing waits to run and nothing is kept of what did."
    list_display = [
        "id",
        "state_badge",
        "task",
        "attempts",
        "starts",
        datetime_column("created_at"),
        "next_attempt",
        datetime_column("done_at"),
        "error_start",
    ]
    list_filter = [OutboxStateFilter, recent_filter("created_at", "created")]
    search_fields = ["id__exact"]
    search_help_text = "Message id, exactly"
    ordering = ["-id"]
    reasoned_actions = [
        ReasonedAction(
            name="requeue",
            label="Requeue",
            permission="core.requeue_outboxmessage",
            perform=_requeue,
            question="The message gets a fresh set of attempts. Fix the cause first.",
            tone="primary",
            is_offered=lambda message, _user: message.parked_at is not None,
        )
    ]

    @admin.display(description="state")
    def state_badge(self, message: OutboxMessage) -> SafeString:
        return badge(message.state, _STATE_TONES[message.state])

    @admin.display(description="next attempt", ordering="next_attempt_at")
    def next_attempt(self, message: OutboxMessage) -> str:
        is_over = message.done_at is not None or message.parked_at is not None
        return self.empty_value_display if is_over else display_at(message.next_attempt_at)

    @admin.display(description="last error")
    def error_start(self, message: OutboxMessage) -> str:
        return message.last_error[:80] or self.empty_value_display


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    list_display = [
        "sequence",
        datetime_column("created_at", title="when"),
        "actor_or_system",
        "deed",
        "subject",
        "reason",
    ]
    list_filter = [recent_filter("created_at", "when")]
    search_fields = ["subject__exact", "action__exact", "actor_id__exact"]
    search_help_text = "Subject (approval:12), deed or actor id, exactly"
    ordering = ["-id"]
    fields = [
        "sequence",
        "created_at",
        "actor_or_system",
        ("deed", "action"),
        "subject",
        "reason",
        "details_text",
        "request_id",
        "prev_hash",
        "entry_hash",
    ]

    @override
    def also_searched(self, term: str) -> list[Q]:
        codes = deeds_called(term)
        return [Q(action__in=codes)] if codes else []

    @admin.display(description="deed", ordering="action")
    def deed(self, entry: AuditEntry) -> SafeString:
        return worded(deed_words(entry.action), entry.action)

    @admin.display(description="who", ordering="actor_id")
    def actor_or_system(self, entry: AuditEntry) -> str:
        return f"{entry.actor_name} (#{entry.actor_id})" if entry.actor_id else "system"

    @admin.display(description="details")
    def details_text(self, entry: AuditEntry) -> SafeString:
        text = json.dumps(entry.details, indent=2, sort_keys=True, ensure_ascii=False)
        return format_html("<pre>{}</pre>", text)
