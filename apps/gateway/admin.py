"""Refused input, counted."""

from collections.abc import Sequence
from typing import override

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.core.admin import (
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    choice_filter,
    datetime_column,
    day_filter,
    link_cell,
    present_filter,
    worded,
)
from apps.core.answer_codes import answer_words
from apps.gateway.models import Rejection
from apps.gateway.selectors import recent_rejection_days, rejection_codes
from apps.providers.selectors import provider_choices
from apps.rounds.panels import status_cell
from apps.rounds.selectors import refused_attempts


@admin.register(Rejection)
class RejectionAdmin(PanelsMixin, ReadOnlyAdmin[Rejection]):
    """One row per provider, reason and UTC day: the whole trace that bad traffic leaves."""

    list_empty_text = "No callback was refused before it was stored."
    list_display = [
        "day",
        "who",
        "why",
        "count",
        "last_event_id",
        "last_detail",
        datetime_column("last_seen_at", title="last seen"),
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        present_filter("provider", "caller", present="Authentic", absent="Nobody proved it"),
        choice_filter("code", "why", rejection_codes),
        day_filter("day", "day (UTC)", recent_rejection_days),
    ]
    list_select_related = ["provider"]
    search_fields = ["last_event_id__exact"]
    search_help_text = "Last event, exactly"
    ordering = ["-day", "-count", "pk"]
    fields = [
        ("provider", "why", "day"),
        ("count", "first_seen_at", "last_seen_at"),
        ("last_event_id", "last_detail"),
    ]

    @admin.display(description="provider", ordering="provider")
    def who(self, rejection: Rejection) -> str:
        return str(rejection.provider) if rejection.provider else "nobody proved who called"

    @admin.display(description="why", ordering="code")
    def why(self, rejection: Rejection) -> SafeString:
        return worded(answer_words(rejection.code), rejection.code)

    @override
    def panels(self, request: HttpRequest, obj: Rejection) -> Sequence[Panel]:
        if obj.provider is None:
            return []
        attempts = refused_attempts(obj.provider.pk, obj.last_event_id, limit=20)
        return [
            Panel(
                title="Deliveries that carried the last event",
                columns=["Delivery", "Answered"],
                rows=[
                    [
                        link_cell(
                            reverse("admin:rounds_delivery_change", args=[one.delivery_id]),
                            one.delivery_id,
                        ),
                        status_cell(one.status, one.code),
                    ]
                    for one in attempts
                ],
                empty_text="None was kept: the envelope was refused before anything was stored.",
            )
        ]
