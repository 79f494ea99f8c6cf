"""A provider's policy: each flag with what it means, changed with a reason."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, override

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from apps.core.admin import HistoryAdmin, Panel, PanelsMixin, ReasonedAction
from apps.providers.contracts import Policy
from apps.providers.models import Provider, ProviderPolicy
from apps.providers.policy_actions import POLICY_ACTIONS, policy_panels


@admin.register(ProviderPolicy)
class ProviderPolicyAdmin(PanelsMixin, HistoryAdmin[ProviderPolicy]):
    list_empty_text = "No provider is loaded; each brings its policy with it."
    list_display = [
        "provider",
        "protocol",
        "unknown_rollback",
        "late_stake",
        "win_without_stake",
        "free_rounds",
        "stake_settles",
        "when_unavailable",
    ]
    list_display_links = ["provider"]
    list_select_related = ["provider"]
    search_fields = ["provider__code__exact"]
    search_help_text = "Provider's code, exactly"
    ordering = ["provider__code"]
    # The scopes have an action of their own: every idempotency key is made from them.
    readonly_fields = ["provider", "protocol", "transaction_scope", "round_scope"]
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
    ]

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

    @admin.display(description="protocol", ordering="provider__protocol")
    def protocol(self, policy: ProviderPolicy) -> Any:
        return policy.provider.get_protocol_display()


def policy_panel(provider: Provider) -> Panel:
    """Return what a provider's messages are judged by, for its page."""
    stored = ProviderPolicy.objects.filter(provider=provider).first()
    rows: list[Any] = []
    if stored is not None:
        rows = [
            [flag.name.replace("_", " "), getattr(stored, f"get_{flag.name}_display")()]
            for flag in fields(Policy)
        ]
    return Panel(
        title="Policy",
        note="What this provider's contract decides about its messages.",
        columns=["Question", "Setting"],
        rows=rows,
        empty_text="None stored: messages are judged by the defaults of the protocol.",
        link=reverse("admin:providers_providerpolicy_change", args=[stored.pk]) if stored else "",
        link_text="What each setting means",
    )
