"""Rounds and their events."""

from collections.abc import Sequence
from typing import Any, override

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.core.admin import (
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    above_filter,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    linked_filter,
    money_column,
    worded,
)
from apps.core.answer_codes import KEPT_WITH_EVENTS, answer_choices, answer_words
from apps.providers.selectors import provider_choices
from apps.rounds import panels, selectors
from apps.rounds.admin.played_filter import RehearsedPlayFilter
from apps.rounds.admin.proof import proof_panel
from apps.rounds.admin.round_page import (
    PlayFilter,
    Shown,
    SpansFilter,
    StuckFilter,
    event_by_event_panel,
    facts_panel,
    next_step_panel,
)
from apps.rounds.enums import EventStatus, MoneyState, Origin, RoundState
from apps.rounds.event_actions import EVENT_ACTIONS, ROUND_ACTIONS
from apps.rounds.models import Round, RoundEvent
from apps.rounds.proving import proof_of_round


@admin.display(description="provider")
def _provider_code(played: Round | RoundEvent) -> str:
    return played.provider.code


@admin.register(Round)
class RoundAdmin(PanelsMixin, ReadOnlyAdmin[Round]):
    list_empty_text = "No round was played."
    list_display = [
        "round_ref",
        _provider_code,
        "player",
        "game",
        badge_column("state", panels.STATE_TONES),
        money_column("stake_minor", title="stake"),
        money_column("win_minor", title="win"),
        datetime_column("opened_at", title="opened"),
        datetime_column("settled_at", title="settled"),
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        choice_filter(
            "state",
            "state (newest 20,000, open and stuck: all)",
            RoundState.choices,
            indexed=[RoundState.OPEN, RoundState.STUCK],
        ),
        StuckFilter,
        PlayFilter,
        SpansFilter,
        RehearsedPlayFilter,
    ]
    list_select_related = ["provider", "player", "game"]
    search_fields = ["round_ref__exact", "player__player_ref__exact"]
    search_help_text = "Round or player, exactly"
    ordering = ["-pk"]
    fields = ["round_ref"]
    reasoned_actions = ROUND_ACTIONS

    @override
    def search_lead(self) -> dict[str, Any]:
        return {"provider_id__in": [int(pk) for pk, _ in provider_choices()]}

    @override
    def panels(self, request: HttpRequest, obj: Round) -> Sequence[Panel]:
        events = selectors.events_of_round(obj.pk)
        now = timezone.now()
        user = request.user
        shown = Shown(
            payloads=user.has_perm("rounds.view_delivery"),
            ledger=user.has_perm("wallet.view_transfer"),
        )
        proof = proof_of_round(obj)
        return [
            next_step_panel(obj, proof, now),
            facts_panel(obj, now),
            panels.round_panel(events),
            proof_panel(proof, may_open_report=user.has_perm("providers.view_certificate")),
            event_by_event_panel(obj, events, shown, start=request.GET.get("from", "")),
        ]


@admin.register(RoundEvent)
class RoundEventAdmin(PanelsMixin, ReadOnlyAdmin[RoundEvent]):
    list_empty_text = "No provider sent an event of a round."
    list_display = [
        "event_id",
        _provider_code,
        "player_ref",
        "game_code",
        "kind",
        money_column("bet_minor", title="bet"),
        money_column("win_minor", title="win"),
        badge_column("status", panels.STATUS_TONES),
        "why",
        badge_column("money_state", panels.MONEY_TONES, title="money"),
        datetime_column("occurred_at", title="played"),
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        choice_filter(
            "status",
            "status (newest 20,000, parked: all)",
            EventStatus.choices,
            indexed=[EventStatus.PARKED],
        ),
        choice_filter("code", "why (newest 20,000)", answer_choices(KEPT_WITH_EVENTS), indexed=()),
        choice_filter(
            "money_state",
            "money (newest 20,000, held: all)",
            MoneyState.choices,
            indexed=[MoneyState.HELD],
        ),
        choice_filter("origin", "origin (newest 20,000)", Origin.choices, indexed=()),
        linked_filter("currency", "currency"),
        above_filter("win_minor", "win in minor units"),
        RehearsedPlayFilter,
    ]
    list_select_related = ["provider"]
    search_fields = ["event_id__exact", "player__player_ref__exact"]
    search_help_text = "Event or player, exactly"
    ordering = ["-pk"]
    reasoned_actions = EVENT_ACTIONS
    readonly_fields = [
        "bet",
        "win",
        "balance_before",
        "balance_after",
        "balance_answered",
        "state",
        "why",
    ]
    fieldsets = [
        (
            "Event",
            {
                "fields": [
                    ("event_id", "provider"),
                    ("round", "round_type", "finalized"),
                    ("player", "game"),
                    ("occurred_at", "received_at"),
                ]
            },
        ),
        (
            "Money",
            {
                "fields": [
                    ("bet", "win"),
                    ("balance_before", "balance_after", "balance_answered"),
                ]
            },
        ),
        (
            "Our answer",
            {
                "fields": [
                    ("state", "why", "money_state"),
                    ("reference_event_id", "origin"),
                    ("promo_campaign", "promo_multiplier"),
                ]
            },
        ),
    ]

    @override
    def search_lead(self) -> dict[str, Any]:
        return {"provider_id__in": [int(pk) for pk, _ in provider_choices()]}

    @override
    def also_searched(self, term: str) -> list[Q]:
        """Find the events of a player whom nobody knows yet by the name that the provider gave."""
        name = self.typed("player_ref", term)
        return [] if name is None else [Q(player__isnull=True, player_ref=name)]

    bet = staticmethod(money_column("bet_minor", title="bet"))
    win = staticmethod(money_column("win_minor", title="win"))
    balance_before = staticmethod(
        money_column("balance_before_minor", title="provider's balance before")
    )
    balance_after = staticmethod(
        money_column("balance_after_minor", title="provider's balance after")
    )
    balance_answered = staticmethod(money_column("balance_minor", title="balance we answered"))

    @admin.display(description="type", ordering="round_type")
    def kind(self, event: RoundEvent) -> str:
        return event.get_round_type_display() + ("" if event.finalized else " (tentative)")

    @admin.display(description="why", ordering="code")
    def why(self, event: RoundEvent) -> SafeString:
        return worded(answer_words(event.code), event.code)

    @admin.display(description="status")
    def state(self, event: RoundEvent) -> Any:
        return badge(event.get_status_display(), panels.STATUS_TONES[event.status])

    @override
    def panels(self, request: HttpRequest, obj: RoundEvent) -> Sequence[Panel]:
        code = obj.provider.code
        attempts = selectors.deliveries_of_event(code, obj.event_id)
        events = [] if obj.round_id is None else selectors.events_of_round(obj.round_id)
        user = request.user
        found = [panels.round_panel(events, marked_id=obj.pk)]
        if user.has_perm("wallet.view_transfer"):
            found.append(panels.ledger_panel(f"{code}:{obj.event_id}"))
        if user.has_perm("rounds.view_delivery"):
            found.append(panels.attempts_panel(attempts))
        if user.has_perm("rounds.view_conflict"):
            conflicts = selectors.conflicts_of_event(code, obj.event_id)
            found.append(panels.conflicts_panel(conflicts))
        if user.has_perm("rounds.view_delivery"):
            found.append(panels.payload_panel(attempts, obj.event_id))
        return found
