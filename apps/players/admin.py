"""Players: what we mirror of them, and what staff may change with a reason."""

from collections.abc import Sequence
from typing import Any, override

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.core.admin import (
    HistoryAdmin,
    Panel,
    PanelsMixin,
    at_cell,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    link_cell,
    money_cell,
    money_column,
)
from apps.players.card import player_panels
from apps.players.enums import KycStatus, LimitKind, PlayerStatus
from apps.players.models import Limit, Player

_STATUS_TONES = {
    "active": "success",
    "blocked": "danger",
    "self_excluded": "warning",
    "closed": "neutral",
}
_KYC_TONES = {"verified": "success", "pending": "warning", "rejected": "danger"}


@admin.register(Player)
class PlayerAdmin(PanelsMixin, HistoryAdmin[Player]):
    list_display = [
        "player_ref",
        badge_column("status", _STATUS_TONES),
        badge_column("kyc_status", _KYC_TONES, title="KYC"),
        "currency",
        "jurisdiction",
        datetime_column("created_at", title="since"),
    ]
    list_filter = [
        choice_filter("status", "status", PlayerStatus.choices),
        choice_filter("kyc_status", "KYC", KycStatus.choices),
    ]
    search_fields = ["player_ref__exact"]
    search_help_text = "Player, exactly"
    ordering = ["-pk"]
    readonly_fields = ["player_ref", "currency", "jurisdiction", "created_at"]
    fieldsets = [
        (
            "Player",
            {"fields": [("player_ref", "created_at"), ("currency", "jurisdiction")]},
        ),
        ("Standing", {"fields": [("status", "kyc_status", "date_of_birth")]}),
    ]

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        # The operator's identity system makes players; we load them.
        return False

    @override
    def panels(self, request: HttpRequest, obj: Player) -> Sequence[Panel]:
        return [*player_panels(request, obj.pk), _limits_panel(request, obj)]


def _limits_panel(request: HttpRequest, player: Player) -> Panel:
    now = timezone.now()
    limits = player.limits.order_by("-effective_from", "-pk")
    may_add = request.user.has_perm("players.add_limit")
    return Panel(
        title="Protection limits",
        note="The lowest one in force wins.",
        columns=["Limit", "Amount", "From", "Until", "State"],
        rows=[
            [
                link_cell(
                    reverse("admin:players_limit_change", args=[limit.pk]),
                    limit.get_kind_display(),
                ),
                money_cell(limit.amount_minor, player.currency),
                at_cell(limit.effective_from),
                at_cell(limit.effective_until),
                _limit_state(limit, now),
            ]
            for limit in limits
        ],
        empty_text="No limits are set.",
        link=reverse("admin:players_limit_add") + f"?player={player.pk}" if may_add else "",
        link_text="Add a limit",
    )


def _limit_state(limit: Limit, now: Any) -> Any:
    if limit.effective_from > now:
        return badge("to come", "info")
    if limit.effective_until is not None and limit.effective_until <= now:
        return badge("ended", "neutral")
    return badge("in force", "success")


@admin.register(Limit)
class LimitAdmin(HistoryAdmin[Limit]):
    """A limit is added or ended; what applied at a moment can always be told."""

    list_display = [
        "player",
        "kind",
        money_column("amount_minor", "player__currency", title="amount"),
        datetime_column("effective_from", title="from"),
        datetime_column("effective_until", title="until"),
    ]
    list_filter = [choice_filter("kind", "kind", LimitKind.choices)]
    list_select_related = ["player"]
    search_fields = ["player__player_ref__exact"]
    search_help_text = "Player, exactly"
    ordering = ["-pk"]
    autocomplete_fields = ["player"]
    fields = ["player", "kind", "amount_minor", "effective_from", "effective_until"]

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Limit | None = None) -> Any:
        if obj is None:
            return []
        return ["player", "kind", "amount_minor", "effective_from"]
