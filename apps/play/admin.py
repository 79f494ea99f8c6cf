"""Game sessions and the keys that sign their tokens."""

from typing import Any

from django.contrib import admin
from django.utils import timezone

from apps.core.admin import (
    ActionCall,
    ReadOnlyAdmin,
    ReasonedAction,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    present_filter,
)
from apps.play import services
from apps.play.enums import SessionEnd, SigningKeyState
from apps.play.models import GameSession, SigningKey
from apps.providers.selectors import provider_choices


def _end_session(call: ActionCall) -> str:
    services.end_session(
        session_id=call.object_id, code=SessionEnd.STAFF, reason=call.reason, now=call.now
    )
    return "Ended. No new stakes are taken; what was staked still settles."


def _retire_key(call: ActionCall) -> str:
    services.retire_key(
        key_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "Retired. Tokens it signed live on for at most 15 minutes; a new key signs from now on."


def _revoke_key(call: ActionCall) -> str:
    services.revoke_key(
        key_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "Revoked. Every session it signed for has ended."


@admin.register(GameSession)
class GameSessionAdmin(ReadOnlyAdmin[GameSession]):
    list_display = [
        "id",
        "player",
        "provider",
        "game",
        "state",
        datetime_column("opened_at", title="opened"),
        datetime_column("stakes_until", title="stakes until"),
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        present_filter("ended_at", "ended early"),
        choice_filter("end_code", "ended because", SessionEnd.choices),
    ]
    list_select_related = ["player", "provider", "game"]
    search_fields = ["player__player_ref__exact", "public_id__exact", "tokens__jti__exact"]
    search_help_text = "Player, session id or token id, exactly"
    ordering = ["-pk"]
    reasoned_actions = [
        ReasonedAction(
            name="end",
            label="End session",
            permission="play.change_gamesession",
            perform=_end_session,
            question="New stakes stop at once. What was staked is still settled.",
            tone="danger",
            is_offered=lambda session, _user: session.ended_at is None,
        )
    ]

    @admin.display(description="state")
    def state(self, session: GameSession) -> Any:
        if session.ended_at is not None:
            return badge("ended early", "danger")
        is_live = session.stakes_until > timezone.now()
        return badge("live", "success") if is_live else badge("run out", "neutral")


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin[SigningKey]):
    list_display = [
        "kid",
        badge_column("state", {"active": "success", "retired": "neutral", "revoked": "danger"}),
        datetime_column("not_before", title="from"),
        datetime_column("retired_at", title="ended"),
    ]
    list_filter = [choice_filter("state", "state", SigningKeyState.choices)]
    search_fields = ["kid__exact"]
    search_help_text = "Key id, exactly"
    ordering = ["-pk"]
    fields = ["kid", "state", "public_pem", ("not_before", "retired_at"), "created_at"]
    reasoned_actions = [
        ReasonedAction(
            name="retire",
            label="Retire key",
            permission="play.change_signingkey",
            perform=_retire_key,
            question="Signing goes on with a new key; players notice nothing.",
            is_offered=lambda key, _user: key.state == SigningKeyState.ACTIVE,
        ),
        ReasonedAction(
            name="revoke",
            label="Revoke key",
            permission="play.change_signingkey",
            perform=_revoke_key,
            question="For a key that leaked: every session it signed for ends now.",
            tone="danger",
            is_offered=lambda key, _user: key.state != SigningKeyState.REVOKED,
        ),
    ]
