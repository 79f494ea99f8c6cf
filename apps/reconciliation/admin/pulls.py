"""Pulls: how far each day's round log has come, page by page."""

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin, badge_column, choice_filter, datetime_column, day_filter
from apps.providers.selectors import provider_choices
from apps.reconciliation import selectors
from apps.reconciliation.enums import PullState
from apps.reconciliation.models import PullCursor, PulledPage

_STATE_TONES = {
    PullState.PULLING.value: "info",
    PullState.COMPLETE.value: "success",
    PullState.FAILED.value: "danger",
}


@admin.register(PullCursor)
class PullCursorAdmin(ReadOnlyAdmin[PullCursor]):
    list_empty_text = "No round log was pulled from a provider."
    list_display = [
        "provider",
        "day",
        badge_column("state", _STATE_TONES),
        "attempt",
        "next_page",
        "pages",
        "rows",
        "last_error",
        datetime_column("moved_at"),
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        choice_filter("state", "state", PullState.choices),
        day_filter("day", "day", selectors.recent_day_choices),
    ]
    list_select_related = ["provider"]
    ordering = ["-day", "-pk"]


@admin.register(PulledPage)
class PulledPageAdmin(ReadOnlyAdmin[PulledPage]):
    list_empty_text = "No page of a round log was pulled."
    list_display = [
        "provider",
        "day",
        "attempt",
        "page",
        "rows",
        "sha256",
        datetime_column("fetched_at"),
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        day_filter("day", "day", selectors.recent_day_choices),
    ]
    list_select_related = ["provider"]
    search_fields = ["sha256__exact"]
    search_help_text = "SHA-256, exactly"
    ordering = ["-pk"]
