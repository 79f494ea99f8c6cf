"""Limits as they were asked for; they are set on a player's protection page."""

from django.contrib import admin

from apps.core.admin import (
    VersionedAdmin,
    badge_column,
    choice_filter,
    datetime_column,
)
from apps.players.enums import LimitKind, Source
from apps.players.models import Limit
from apps.players.selectors.protection import display_limit


@admin.register(Limit)
class LimitAdmin(VersionedAdmin[Limit]):
    """A limit is added or ended; what applied at a moment can always be told."""

    list_display = [
        "player",
        "kind",
        "allowed",
        badge_column("source", {"player": "info"}),
        datetime_column("effective_from", title="from"),
        datetime_column("effective_until", title="until"),
        datetime_column("cancelled_at", title="cancelled"),
    ]
    list_filter = [
        choice_filter("kind", "kind", LimitKind.choices),
        choice_filter("source", "asked by", Source.choices),
    ]
    list_select_related = ["player"]
    search_fields = ["player__player_ref__exact"]
    search_help_text = "Player, exactly"
    ordering = ["-pk"]
    fields = [
        "player",
        "kind",
        "allowed",
        "source",
        "asked_by",
        "reason",
        "effective_from",
        "effective_until",
        "cancelled_at",
    ]

    @admin.display(description="allowed")
    def allowed(self, limit: Limit) -> str:
        amount = limit.amount_minor if limit.minutes is None else limit.minutes
        return display_limit(limit.kind, amount or 0, limit.player.currency)
