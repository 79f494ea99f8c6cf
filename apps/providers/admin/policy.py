"""A provider's policy: each flag with what it means, changed with a reason."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Final, override

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from apps.core.admin import HistoryAdmin, Panel, PanelsMixin, ReasonedAction
from apps.providers.adapters.registry import adapter_for
from apps.providers.contracts import Policy
from apps.providers.models import Provider, ProviderPolicy
from apps.providers.policy_actions import POLICY_ACTIONS, policy_panels
from apps.providers.selectors.profiles import takes_unasked_stakes

UNASKED: Final = (
    "New stakes may come without a session: for such a stake nobody here asks whether the game may "
    "be launched there, whether a session runs or whether a reality check is open."
)
_FLAGS = [flag.name for flag in fields(Policy)]


def _is_shown(name: Any, policy: ProviderPolicy | None) -> bool:
    """Tell whether a field of the page has something to say about this provider."""
    return policy is None or name not in _FLAGS or _decides(policy, name)


def _decides(policy: ProviderPolicy, flag: str) -> bool:
    return flag in adapter_for(policy.provider.protocol).policy_flags


def _setting(policy: ProviderPolicy, flag: str) -> str:
    """Return how a flag is set, or that nobody asks it: then a setting would be untrue."""
    shown = getattr(policy, f"get_{flag}_display")
    return str(shown()) if _decides(policy, flag) else "The protocol decides"


def _flag_column(flag: str) -> Callable[[ProviderPolicy], str]:
    @admin.display(description=flag.replace("_", " "), ordering=flag)
    def column(policy: ProviderPolicy) -> str:
        return _setting(policy, flag)

    return column


@admin.register(ProviderPolicy)
class ProviderPolicyAdmin(PanelsMixin, HistoryAdmin[ProviderPolicy]):
    list_empty_text = "No provider is loaded; each brings its policy with it."
    list_display = [
        "provider",
        "protocol",
        *map(
            _flag_column,
            (
                "unknown_rollback",
                "late_stake",
                "win_without_stake",
                "free_rounds",
                "stake_settles",
                "when_unavailable",
            ),
        ),
    ]
    list_display_links = ["provider"]
    list_select_related = ["provider"]
    search_fields = ["provider__code__exact"]
    search_help_text = "Provider's code, exactly"
    ordering = ["provider__code"]
    # The scopes have an action of their own: every idempotency key is made from them.
    readonly_fields = [
        "provider",
        "protocol",
        "transaction_scope",
        "round_scope",
        "left_to_protocol",
    ]
    fieldsets = [
        ("Provider", {"fields": [("provider", "protocol")]}),
        (
            "Stakes",
            {
                "fields": [
                    "stake_settles",
                    "zero_stake",
                    "stake_after_close",
                    "stake_without_session",
                    "game_change",
                ]
            },
        ),
        ("Wins", {"fields": ["win_without_stake", "win_after_close", "free_rounds"]}),
        (
            "Rollbacks",
            {
                "fields": [
                    "unknown_rollback",
                    "late_stake",
                    "rollback_after_win",
                    "rollback_of_win",
                    "refund_amount",
                    "rollback_number",
                ]
            },
        ),
        (
            "Ids and repeats",
            {
                "fields": [
                    "transaction_scope",
                    "round_scope",
                    "repeated_balance",
                    "refused_stake_replay",
                ]
            },
        ),
        ("Outage", {"fields": ["when_unavailable"]}),
        ("Decided by the protocol", {"fields": ["left_to_protocol"]}),
    ]

    @override
    def get_fieldsets(self, request: HttpRequest, obj: ProviderPolicy | None = None) -> Any:
        shown = []
        for title, options in super().get_fieldsets(request, obj):
            names = [name for name in options["fields"] if _is_shown(name, obj)]
            if names:
                shown.append((title, {**options, "fields": names}))
        return shown

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        # A policy comes with its provider.
        return False

    @override
    def get_reasoned_actions(self, request: HttpRequest) -> Sequence[ReasonedAction]:
        return [*super().get_reasoned_actions(request), *POLICY_ACTIONS]

    @override
    def panels(self, request: HttpRequest, obj: ProviderPolicy) -> Sequence[Panel]:
        return policy_panels(obj.pk)

    @admin.display(description="not asked")
    def left_to_protocol(self, policy: ProviderPolicy) -> str:
        left = [flag.replace("_", " ") for flag in _FLAGS if not _decides(policy, flag)]
        return f"{', '.join(left)}. No setting of these changes what its messages do."

    @admin.display(description="protocol", ordering="provider__protocol")
    def protocol(self, policy: ProviderPolicy) -> Any:
        return policy.provider.get_protocol_display()


def policy_panel(provider: Provider) -> Panel:
    """Return what a provider's messages are judged by, for its page."""
    stored = ProviderPolicy.objects.filter(provider=provider).first()
    unasked = takes_unasked_stakes(provider)
    rows: list[Any] = []
    if stored is not None:
        rows = [[flag.replace("_", " "), _setting(stored, flag)] for flag in _FLAGS]
    return Panel(
        title="Policy",
        note="What this provider's contract decides about its messages."
        + (" " + UNASKED if unasked else ""),
        tone="warning" if unasked else "",
        columns=["Question", "Setting"],
        rows=rows,
        empty_text="None stored: messages are judged by the defaults of the protocol.",
        link=reverse("admin:providers_providerpolicy_change", args=[stored.pk]) if stored else "",
        link_text="What each setting means",
    )
