"""Game sessions and the keys that sign their tokens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, override

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from apps.core.admin import (
    ActionCall,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    at_cell,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    display_at,
    money_cell,
    present_filter,
)
from apps.play import services
from apps.play.enums import SessionEnd, SigningKeyState
from apps.play.models import GameSession, SigningKey
from apps.play.selectors import refreshes_of_session, tokens_of_session
from apps.players.enums import RealityCheckStep
from apps.players.selectors import checks_of_session
from apps.providers.selectors import provider_choices
from apps.wallet.selectors import funding_of_session


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


def _tokens_panel(session: GameSession) -> Panel:
    return Panel(
        title="Gameplay tokens",
        note="Each lives for 15 minutes at most. The tokens themselves are stored nowhere.",
        columns=["Token id", "Issued", "Expires", "Signed with"],
        rows=[
            [str(token.jti), at_cell(token.issued_at), at_cell(token.expires_at), token.kid]
            for token in tokens_of_session(session.pk)
        ],
        empty_text="No token was issued.",
    )


def _refreshes_panel(session: GameSession) -> Panel:
    return Panel(
        title="Refresh credentials",
        note="Each works once. One that is presented a second time ends the session.",
        columns=["Issued", "Used", "Presented again"],
        rows=[
            [at_cell(each.issued_at), at_cell(each.used_at), at_cell(each.reused_at)]
            for each in refreshes_of_session(session.pk)
        ],
        empty_text="This session is from before tokens could be renewed.",
    )


def _stakes_until_a_check(by: datetime | None, now: datetime) -> str:
    if by is None:
        return ""
    if by > now:
        return f"No new stakes from {display_at(by)} on until one is acknowledged."
    return (
        f"Overdue: no new stake has been taken since {display_at(by)}. Play goes on once the "
        "player acknowledges a check on the operator's site."
    )


def _reality_panel(session: GameSession, now: datetime) -> Panel:
    checks = checks_of_session(session.player_id, str(session.public_id), 50)
    takes_stakes = session.ended_at is None and session.stakes_until > now
    by = session.acknowledge_by if takes_stakes else None
    return Panel(
        title="Reality checks",
        note=_stakes_until_a_check(by, now),
        tone="danger" if by and by <= now else "",
        columns=["Shown", "Played", "Staked", "Won", "Net", "Answer", "Answered"],
        rows=[
            [
                at_cell(check.shown_at),
                f"{check.minutes_played} min",
                money_cell(check.staked_minor, session.currency),
                money_cell(check.won_minor, session.currency),
                money_cell(check.net_minor, session.currency),
                RealityCheckStep(check.answer).label if check.answer else "Not answered",
                at_cell(check.answered_at),
            ]
            for check in checks
        ],
        empty_text="No reality check was shown in this session.",
    )


def _funding_panel(session: GameSession) -> Panel:
    return Panel(
        title="Money it was opened with",
        note="Set apart for the provider when the session was opened, in one step with it.",
        columns=["From", "To", "Amount", "Moved"],
        rows=[
            [
                line.debit,
                line.credit,
                money_cell(line.amount_minor, line.currency),
                at_cell(line.created_at),
            ]
            for line in funding_of_session(str(session.public_id))
        ],
        empty_text="No money was moved with it.",
    )


@admin.register(GameSession)
class GameSessionAdmin(PanelsMixin, ReadOnlyAdmin[GameSession]):
    list_empty_text = "No game was launched."
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
        present_filter("ended_at", "ended early (newest 20,000)", among_newest=True),
        choice_filter("end_code", "ended because (newest 20,000)", SessionEnd.choices, indexed=()),
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

    @override
    def panels(self, request: HttpRequest, obj: GameSession) -> Sequence[Panel]:
        return [
            _reality_panel(obj, timezone.now()),
            _funding_panel(obj),
            _tokens_panel(obj),
            _refreshes_panel(obj),
        ]

    @admin.display(description="state")
    def state(self, session: GameSession) -> Any:
        if session.ended_at is not None:
            return badge("ended early", "danger")
        now = timezone.now()
        if session.stakes_until <= now:
            return badge("run out", "neutral")
        is_paused = session.acknowledge_by is not None and session.acknowledge_by <= now
        return badge("reality check", "warning") if is_paused else badge("live", "success")


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
