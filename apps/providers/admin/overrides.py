"""Where two people let a game be served without proof, and until when."""

from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.core.admin import (
    ActionCall,
    ReasonedAction,
    VersionedAdmin,
    badge,
    choice_filter,
    datetime_column,
)
from apps.providers.admin.fields import JURISDICTIONS, editing
from apps.providers.models import GateOverride
from apps.providers.services.overrides import end_override


def _close(call: ActionCall) -> str:
    end_override(override_id=call.object_id, editing=editing(call))
    return "The override has ended; the gate asks for a report again."


@admin.register(GateOverride)
class GateOverrideAdmin(VersionedAdmin[GateOverride]):
    list_empty_text = "The launch gate is overridden nowhere. Open a game to ask for an override."
    list_display = [
        "game",
        "jurisdiction",
        "state",
        datetime_column("starts_at", title="from"),
        datetime_column("ends_at", title="expires"),
        "requested_by",
        "approved_by",
        "reason",
    ]
    list_filter = [choice_filter("jurisdiction", "jurisdiction", JURISDICTIONS)]
    list_select_related = ["game", "requested_by", "approved_by"]
    search_fields = ["game__game_code__exact"]
    search_help_text = "Game code, exactly"
    ordering = ["-starts_at", "-pk"]
    readonly_fields = ["state", "asked_by", "agreed_by"]
    fields = [
        "game",
        "jurisdiction",
        "state",
        "starts_at",
        "ends_at",
        "ended_at",
        "reason",
        "asked_by",
        "agreed_by",
        "approval",
    ]
    reasoned_actions = [
        ReasonedAction(
            name="end",
            label="End it now",
            permission="providers.change_gateoverride",
            perform=_close,
            question="From now on the game is served only with a report.",
            tone="danger",
            is_offered=lambda obj, _user: obj.ended_at is None and obj.ends_at > timezone.now(),
        )
    ]

    # Text, not Django's link to the account: most people may not open accounts.
    @admin.display(description="requested by")
    def asked_by(self, override: GateOverride) -> str:
        return str(override.requested_by)

    @admin.display(description="approved by")
    def agreed_by(self, override: GateOverride) -> str:
        return str(override.approved_by)

    @admin.display(description="state")
    def state(self, override: GateOverride) -> SafeString:
        if override.ended_at is not None:
            return badge("ended early", "neutral")
        is_open = override.ends_at > timezone.now()
        return badge("open", "warning") if is_open else badge("expired", "neutral")
