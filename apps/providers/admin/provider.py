"""Providers, their keys and their games."""

from collections.abc import Sequence
from typing import Any, override

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.core.admin import (
    ActionCall,
    HistoryAdmin,
    Panel,
    PanelsMixin,
    ReasonedAction,
    ReasonForm,
    at_cell,
    choice_filter,
    link_cell,
)
from apps.core.percents import display_percent
from apps.providers.admin.game_desk import GAME_ACTIONS, desk_panels
from apps.providers.admin.keys import KEY_USES, key_standing
from apps.providers.admin.policy import policy_panel
from apps.providers.admin.rehearsals import rehearsal_filter
from apps.providers.enums import GameCategory, KeyPurpose
from apps.providers.game_panels import game_panels
from apps.providers.models import Game, Provider
from apps.providers.selectors import provider_choices
from apps.providers.selectors.catalogue import rtp_stated_since
from apps.providers.selectors.keys import order_keys
from apps.providers.selectors.rehearsals import rehearsed_games
from apps.providers.services import addresses


def _address(label: str) -> forms.URLField:
    return forms.URLField(
        label=label, required=False, assume_scheme="https", widget=UnfoldAdminTextInputWidget
    )


class AddressesForm(ReasonForm):
    export_url = _address("Round log export")
    payload_url = _address("Payload by event id")
    transfer_url = _address("Wallet transfers")
    field_order = ["export_url", "payload_url", "transfer_url"]

    @override
    def fit(self, obj: Provider) -> None:
        """Begin with what is asked now: what is left out would not be asked any more."""
        self.initial = {name: getattr(obj, name) for name in self.field_order}


def _request_addresses(call: ActionCall) -> str:
    approval_id = addresses.request_addresses(
        call.object_id,
        addresses.Addresses(**call.fields),
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return f"A second person can now agree (approval {approval_id}). Nothing has changed yet."


def _key_note(provider: Provider) -> str:
    note = "The secrets are encrypted and never shown."
    if provider.transfer_url and not order_keys(provider.pk, now=timezone.now()):
        note += " No key for orders is in force: no money moves to or from this provider's wallet."
    return note


@admin.register(Provider)
class ProviderAdmin(PanelsMixin, HistoryAdmin[Provider]):
    list_empty_text = (
        "No provider is on file. Load one with its games and players: manage.py load_provider DIR."
    )
    list_display = [
        "code",
        "name",
        "protocol",
        "wallet_model",
        "reporting_timezone",
        "retention_months",
        "settlement_hours",
        "stage",
        "is_active",
    ]
    list_filter = [choice_filter("is_active", "active", [("True", "Yes"), ("False", "No")])]
    search_fields = ["code__exact"]
    search_help_text = "Code, exactly"
    ordering = ["code"]
    readonly_fields = [
        "code",
        "protocol",
        "wallet_model",
        "stage",
        "live_since",
        "export_url",
        "payload_url",
        "transfer_url",
    ]
    reasoned_actions = [
        ReasonedAction(
            name="addresses",
            label="Change addresses",
            permission="providers.change_provider",
            perform=_request_addresses,
            question="Money, secrets and questions go there, so a second person has to agree. "
            "All three will be as they stand here; an empty one is not asked any more.",
            form_class=AddressesForm,
        )
    ]
    fieldsets = [
        (
            "Provider",
            {
                "fields": [
                    ("code", "name"),
                    ("protocol", "wallet_model"),
                    ("stage", "live_since", "is_active"),
                ],
                "description": "Switched off, a provider launches nobody and takes no new stake "
                "or money (provider_off). Wins, refunds, sweeps and audits of what it took go on.",
            },
        ),
        (
            "Clocks",
            {
                "fields": [
                    "reporting_timezone",
                    ("past_seconds", "future_seconds", "envelope_tolerance_seconds"),
                ]
            },
        ),
        ("Contract", {"fields": [("retention_months", "settlement_hours")]}),
        ("Where we ask", {"fields": ["export_url", "payload_url", "transfer_url"]}),
    ]

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        # Providers come with their keys and catalogue, through load_provider.
        return False

    @override
    def panels(self, request: HttpRequest, obj: Provider) -> Sequence[Panel]:
        now = timezone.now()
        key_rows = [
            [
                link_cell(reverse("admin:providers_providerkey_change", args=[key.pk]), key.kid),
                KEY_USES[KeyPurpose(key.purpose)],
                key_standing(key, now),
                at_cell(key.not_before),
                at_cell(key.not_after),
            ]
            for key in obj.keys.order_by("-created_at", "pk")
        ]
        adding = reverse("admin:providers_providerkey_add")
        games = Game.objects.filter(provider=obj)
        listing = reverse("admin:providers_game_changelist") + f"?provider_id={obj.pk}"
        return [
            Panel(
                title="Keys",
                note=_key_note(obj),
                columns=["Key", "For", "State", "From", "Until"],
                rows=key_rows,
                empty_text="No key: nothing this provider sends can be believed.",
                tone="" if key_rows else "danger",
                link=f"{adding}?provider={obj.pk}"
                if request.user.has_perm("providers.add_providerkey")
                else "",
                link_text="Add the next key",
            ),
            Panel(
                title="Games",
                rows=[
                    ["In the catalogue", str(games.count())],
                    ["Switched on", str(games.filter(is_active=True).count())],
                ],
                link=listing,
            ),
            policy_panel(obj),
        ]


@admin.register(Game)
class GameAdmin(PanelsMixin, HistoryAdmin[Game]):
    list_empty_text = (
        "No game is on file. They come with their provider: manage.py load_provider DIR."
    )
    list_display = [
        "game_code",
        "name",
        "provider",
        "category",
        "rtp",
        "offers",
        "is_active",
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        choice_filter("category", "category", GameCategory.choices),
        choice_filter("is_active", "active", [("True", "Yes"), ("False", "No")]),
        rehearsal_filter(rehearsed_games),
    ]
    list_select_related = ["provider"]
    search_fields = ["game_code__exact"]
    search_help_text = "Game code, exactly"
    ordering = ["game_code", "pk"]
    readonly_fields = ["provider", "game_code", "rtp", "rtp_source"]
    reasoned_actions = GAME_ACTIONS
    fieldsets = [
        ("Game", {"fields": [("provider", "game_code"), ("name", "category")]}),
        ("Offer", {"fields": [("rtp", "is_active"), "rtp_source"]}),
    ]

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("offers")

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="theoretical RTP", ordering="theoretical_rtp")
    def rtp(self, game: Game) -> str:
        return display_percent(game.theoretical_rtp * 100)

    @admin.display(description="its source")
    def rtp_source(self, game: Game) -> str:
        since = rtp_stated_since(game)
        day = f"since {since} (UTC)" if since else "since when is not on file"
        return (
            f"Stated by the catalogue of {game.provider.code}, {day}; no report vouches for it. "
            "What reports state is shown at each RTP variant."
        )

    @admin.display(description="offered in")
    def offers(self, game: Game) -> str:
        return ", ".join(sorted(offer.jurisdiction for offer in game.offers.all())) or "-"

    @override
    def panels(self, request: HttpRequest, obj: Game) -> Sequence[Panel]:
        return [
            *game_panels(obj.pk, timezone.now()),
            *desk_panels(obj),
        ]
