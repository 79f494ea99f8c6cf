"""Players: what we mirror of them, and what staff may change with a reason."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, override

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from apps.core.admin import (
    ActionCall,
    HistoryAdmin,
    LivePanelsMixin,
    Panel,
    PanelsMixin,
    ReasonedAction,
    at_cell,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    display_at,
)
from apps.players import services
from apps.players.card import PLAYER_ACTIONS, player_panels, register_player_action
from apps.players.contracts import LimitUse
from apps.players.enums import KycStatus, LimitKind, PlayerStatus
from apps.players.models import Player
from apps.players.protection_admin import LimitAdmin, PlayerProtectionAdmin, RuleCheckAdmin
from apps.players.protection_admin.who import WhoFilter
from apps.players.selectors import limit_use, player_by_id, protection_reasons
from apps.players.selectors.protection import display_limit

_STATUS_TONES = {
    "active": "success",
    "blocked": "danger",
    "self_excluded": "warning",
    "closed": "neutral",
}
_BLOCKABLE = {PlayerStatus.ACTIVE, PlayerStatus.SELF_EXCLUDED}
_KYC_TONES = {"verified": "success", "pending": "warning", "rejected": "danger"}


def _block(call: ActionCall) -> str:
    services.block_player(call.object_id, acting_user=call.user, reason=call.reason, now=call.now)
    return "Blocked. Open sessions end within seconds."


def _unblock(call: ActionCall) -> str:
    services.unblock_player(call.object_id, acting_user=call.user, reason=call.reason, now=call.now)
    return "The block is ended."


_OWN_ACTIONS = [
    ReasonedAction(
        name="block",
        label="Block player",
        permission="players.change_player",
        perform=_block,
        question="No play, deposit or withdrawal until somebody ends the block. What was "
        "staked settles. A player who wants a break is excluded instead, under protection.",
        tone="danger",
        is_offered=lambda player, _user: player.status in _BLOCKABLE,
    ),
    ReasonedAction(
        name="unblock",
        label="End the block",
        permission="players.change_player",
        perform=_unblock,
        question="An exclusion that holds goes on holding.",
        is_offered=lambda player, _user: player.status == PlayerStatus.BLOCKED,
    ),
]
for _own in _OWN_ACTIONS:
    register_player_action(_own)


@admin.register(Player)
class PlayerAdmin(LivePanelsMixin, PanelsMixin, HistoryAdmin[Player]):
    list_empty_text = (
        "No player is on file. The operator's systems mirror them over the API; a first provider's "
        "come with manage.py load_provider DIR."
    )
    list_display = [
        "player_ref",
        badge_column("status", _STATUS_TONES),
        badge_column("kyc_status", _KYC_TONES, title="KYC"),
        "currency",
        "jurisdiction",
        datetime_column("created_at", title="since"),
    ]
    list_filter = [
        WhoFilter,
        choice_filter("status", "status", PlayerStatus.choices),
        choice_filter("kyc_status", "KYC", KycStatus.choices),
    ]
    search_fields = ["player_ref__exact"]
    search_help_text = "Player, exactly"
    ordering = ["-pk"]
    readonly_fields = ["player_ref", "status", "currency", "jurisdiction", "created_at"]
    fieldsets = [
        ("Standing", {"fields": [("status", "kyc_status", "date_of_birth")]}),
    ]
    reasoned_actions = PLAYER_ACTIONS

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        # The operator's identity system makes players; we load them.
        return False

    @override
    def panels(self, request: HttpRequest, obj: Player) -> Sequence[Panel]:
        user = request.user
        may_see = user.has_perm("players.view_limit") and user.has_perm(
            "players.view_playerprotection"
        )
        return [
            _player_panel(obj),
            *([_protection_panel(obj, timezone.now())] if may_see else []),
            *player_panels(request, obj.pk),
        ]


def _player_panel(player: Player) -> Panel:
    return Panel(
        title=f"Player {player.player_ref}",
        columns=["Standing", "KYC", "Currency", "Jurisdiction", "Since"],
        rows=[
            [
                badge(player.get_status_display(), _STATUS_TONES.get(player.status, "neutral")),
                badge(player.get_kyc_status_display(), _KYC_TONES[player.kyc_status]),
                player.currency,
                player.jurisdiction,
                at_cell(player.created_at),
            ]
        ],
    )


def _protection_panel(player: Player, now: datetime) -> Panel:
    """Show what keeps the player from playing and what their limits leave; the console does it."""
    ref = player_by_id(player.pk)
    reasons = protection_reasons(ref, now)
    rows: list[list[Any]] = [
        [badge("stops play", "danger"), reason.text, "-", at_cell(reason.until), "-"]
        for reason in reasons
    ]
    rows += [_limit_row(use, player.currency, now) for use in limit_use(player.pk, now)]
    console = "admin:players_playerprotection_change"
    return Panel(
        title="Limits and exclusions",
        columns=["", "What", "Allowed", "Until", "Used, left"],
        rows=rows,
        empty_text="The player may play: no exclusion holds and no limit is set.",
        tone="danger" if reasons else "",
        link=_address(console, player.pk),
        link_text="Protection console",
    )


def _limit_row(use: LimitUse, currency: str, now: datetime) -> list[Any]:
    is_coming = use.effective_from > now
    allowed, used, left = (
        "-" if amount is None else display_limit(use.kind, amount, currency)
        for amount in (use.allowed, use.used, use.left)
    )
    return [
        badge("to come", "info") if is_coming else badge("in force", "success"),
        LimitKind(use.kind).label,
        allowed,
        f"from {display_at(use.effective_from)}" if is_coming else at_cell(use.effective_until),
        "-" if use.used is None else f"{used}, {left}",
    ]


def _address(name: str, pk: int) -> str:
    """Return the address of a page, or nothing where it is not part of this installation."""
    try:
        return reverse(name, args=[pk])
    except NoReverseMatch:
        return ""


__all__ = ["LimitAdmin", "PlayerAdmin", "PlayerProtectionAdmin", "RuleCheckAdmin"]
