from collections.abc import Callable
from functools import reduce
from typing import Any, override

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timeuntil

from apps.bonuses.admin.forms import GrantForm
from apps.bonuses.contracts import GrantProgress
from apps.bonuses.enums import GrantState, ReceiptReason
from apps.bonuses.models import Grant, WageringReceipt
from apps.bonuses.selectors import describe_requirement, grant_progress, receipt_of
from apps.bonuses.services import grants
from apps.bonuses.wording import explain, percent
from apps.core.admin import (
    ActionCall,
    ReadOnlyAdmin,
    ReasonedAction,
    above_filter,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    money_column,
    recent_filter,
)
from apps.core.admin.columns import EMPTY
from apps.core.money import display_money

GRANT_TONES = {
    "active": "info",
    "completed": "success",
    "expired": "neutral",
    "forfeited": "danger",
}
REASON_TONES = {
    "counted": "success",
    "capped": "success",
    "over_max_bet": "warning",
    "rolled_back": "info",
}


def _request_forfeit(call: ActionCall) -> str:
    approval_id = grants.request_forfeiture(
        grant_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return f"A second person decides on it (approval {approval_id}). Nothing has moved yet."


def _is_active(grant: Any, _user: Any) -> bool:
    return bool(grant.state == GrantState.ACTIVE)


def text_column(path: str, title: str) -> Callable[[Any], SafeString]:
    """Return a list column that keeps a reference on one line."""

    @admin.display(description=title, ordering=path)
    def column(obj: Any) -> SafeString:
        value = reduce(getattr, path.split("__"), obj)
        return format_html('<span class="whitespace-nowrap">{}</span>', str(value))

    return column


def progress_bar(progress: GrantProgress) -> SafeString:
    """Draw done of required, with the figures beside it for people and screen readers."""
    done = display_money(progress.done_minor, progress.currency)
    required = display_money(progress.required_minor, progress.currency)
    share = f"{progress.done_bp / 100:.1f} %"
    return format_html(
        '<div class="whitespace-nowrap tabular-nums">'
        '<svg width="120" height="8" viewBox="0 0 10000 100" preserveAspectRatio="none" '
        'class="inline-block align-middle rounded-default" role="img" aria-label="{}">'
        '<rect width="10000" height="100" fill="#d1d5db"/>'
        '<rect width="{}" height="100" fill="#16a34a"/></svg> {} of {} ({})</div>',
        share,
        progress.done_bp,
        done,
        required,
        share,
    )


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin[Grant]):
    """Bonuses and how far they are; "add" gives one by hand, through the service."""

    list_empty_text = "No bonus was granted."
    list_display = [
        "__str__",
        text_column("player__player_ref", "player"),
        text_column("rule", "rule"),
        badge_column("state", GRANT_TONES),
        "progress",
        money_column("bonus_minor", title="bonus"),
        "time_left",
        datetime_column("expires_at", title="expires"),
    ]
    list_filter = [
        choice_filter(
            "state",
            "state (newest 20,000, active: all)",
            GrantState.choices,
            indexed=[GrantState.ACTIVE],
        ),
        recent_filter("granted_at", "granted"),
    ]
    list_select_related = ["player", "rule"]
    search_fields = ["player__player_ref__exact", "idempotency_key__exact"]
    search_help_text = "Player reference or idempotency key, exactly"
    ordering = ["-pk"]
    fieldsets = [
        ("Progress", {"fields": ["player", "state", "progress", "time_left", "sentence"]}),
        (
            "Amounts",
            {"fields": ["shown_deposit", "shown_bonus", "shown_required", "shown_remaining"]},
        ),
        (
            "Terms",
            {"fields": ["rule", "granted_at", "expires_at", "closed_at", "forfeit_approval"]},
        ),
        ("Origin", {"fields": ["granted_by", "idempotency_key"]}),
    ]
    reasoned_actions = [
        ReasonedAction(
            name="forfeit",
            label="Ask to forfeit",
            permission="bonuses.request_forfeit",
            perform=_request_forfeit,
            question=(
                "A bonus is forfeited only by two people. The bonus pot then goes back to the "
                "house; cash is never touched."
            ),
            tone="danger",
            is_offered=_is_active,
        ),
    ]

    shown_deposit = staticmethod(money_column("deposit_minor", title="deposit"))
    shown_bonus = staticmethod(money_column("bonus_minor", title="bonus"))
    shown_required = staticmethod(money_column("required_minor", title="required turnover"))
    shown_remaining = staticmethod(money_column("remaining_minor", title="remaining turnover"))

    @admin.display(description="turnover played")
    def progress(self, grant: Grant) -> SafeString:
        return progress_bar(grant_progress(grant))

    @admin.display(description="time left", ordering="expires_at")
    def time_left(self, grant: Grant) -> str:
        if grant.state != GrantState.ACTIVE:
            return EMPTY
        now = timezone.now()
        return timeuntil(grant.expires_at, now, depth=2) if grant.expires_at > now else "over"

    @admin.display(description="requirement")
    def sentence(self, grant: Grant) -> str:
        return describe_requirement(grant)

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("bonuses.grant_bonus")

    @override
    def get_form(
        self, request: HttpRequest, obj: Grant | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        own = {} if obj else {"form": GrantForm}
        return super().get_form(request, obj, change, **kwargs, **own)

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Grant | None = None) -> Any:
        if obj is not None:
            return super().get_fieldsets(request, obj)
        return [
            ("Give a bonus", {"fields": ["player_ref", "rule_code", "deposit", "grant_key"]}),
        ]

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Grant | None = None) -> Any:
        return super().get_readonly_fields(request, obj) if obj else []

    @override
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        # One bonus per form: its key is for one grant.
        context = {"show_save_and_add_another": False, **(extra_context or {})}
        return super().add_view(request, form_url, context)

    @override
    def save_model(self, request: HttpRequest, obj: Grant, form: Any, change: bool) -> None:
        grant = grants.grant_bonus(
            player_id=form.cleaned_player.id,
            rule_code=form.cleaned_data["rule_code"],
            deposit_minor=form.cleaned_deposit_minor,
            acting_user=request.user,
            idempotency_key=form.cleaned_data["grant_key"],
            now=timezone.now(),
        )
        obj.pk = grant.pk
        obj.refresh_from_db()


@admin.register(WageringReceipt)
class WageringReceiptAdmin(ReadOnlyAdmin[WageringReceipt]):
    list_empty_text = "No bet has counted towards a requirement."
    list_display = [
        text_column("subject", "event"),
        text_column("grant", "grant"),
        text_column("game_code", "game"),
        badge_column("reason", REASON_TONES),
        money_column("stake_minor", "grant__currency", title="stake"),
        "weight",
        money_column("counted_minor", "grant__currency", title="counted"),
        money_column("remaining_after_minor", "grant__currency", title="remaining"),
        datetime_column("occurred_at", title="played"),
    ]
    list_filter = [
        choice_filter("reason", "reason (newest 20,000)", ReceiptReason.choices, indexed=()),
        above_filter("unrecovered_minor", "not recovered, in minor units"),
        recent_filter("created_at", "received"),
    ]
    list_select_related = ["grant"]
    search_fields = ["subject__exact", "grant__pk__exact"]
    search_help_text = "Event (provider:event id) or number of the grant, exactly"
    ordering = ["-pk"]
    fieldsets = [
        ("What happened", {"fields": ["explanation", "flag"]}),
        (
            "Figures",
            {
                "fields": [
                    "shown_stake",
                    "weight",
                    "shown_cap",
                    "shown_max_bet",
                    "shown_counted",
                    "shown_before",
                    "shown_after",
                    "shown_unrecovered",
                    "rule_version",
                    "reason",
                ]
            },
        ),
        ("Origin", {"fields": ["grant", "subject", "game_code", "occurred_at", "created_at"]}),
    ]

    shown_stake = staticmethod(money_column("stake_minor", "grant__currency"))
    shown_cap = staticmethod(money_column("cap_minor", "grant__currency"))
    shown_max_bet = staticmethod(
        money_column("max_bet_minor", "grant__currency", title="maximum bet")
    )
    shown_counted = staticmethod(money_column("counted_minor", "grant__currency"))
    shown_before = staticmethod(money_column("remaining_before_minor", "grant__currency"))
    shown_after = staticmethod(money_column("remaining_after_minor", "grant__currency"))
    shown_unrecovered = staticmethod(
        money_column("unrecovered_minor", "grant__currency", title="not taken back")
    )

    @admin.display(description="explanation")
    def explanation(self, receipt: WageringReceipt) -> str:
        return explain(receipt_of(receipt))

    @admin.display(description="weight", ordering="weight_bp")
    def weight(self, receipt: WageringReceipt) -> str:
        return percent(receipt.weight_bp)

    @admin.display(description="flag")
    def flag(self, receipt: WageringReceipt) -> SafeString | str:
        is_flagged = receipt.unrecovered_minor > 0
        return badge("rolled back after the bonus closed", "warning") if is_flagged else EMPTY
