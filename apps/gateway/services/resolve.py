"""Filling in what a message leaves to its session: player, currency, game, minor units. Pure.

Some protocols name a player, others only the session they were given at launch. After this step
every message names a player, or says why it can't.
"""

from collections.abc import Mapping
from dataclasses import replace

from apps.core.errors import InvalidAmountError, UnknownCurrencyError
from apps.core.money import to_minor
from apps.play.contracts import SessionFact
from apps.providers.adapters.strict import LARGEST_READ_MINOR, without_spare_zeros
from apps.providers.contracts import (
    CanonicalEvent,
    CanonicalQuery,
    EventRefusal,
    Parsed,
    ProviderProfile,
)
from apps.providers.enums import Operation, Permission, RoundScope, TransactionScope
from apps.rounds.enums import RoundType

Sessions = Mapping[str, SessionFact]


def resolve(message: Parsed, profile: ProviderProfile, sessions: Sessions) -> Parsed:
    """Return the message with everything its session knows, or why it is refused.

    A dead session stops new stakes and nothing else: money back finds its player all the same.
    """
    if isinstance(message, EventRefusal):
        return message
    session = sessions.get(message.session_ref) if message.session_ref else None
    if session is not None and session.provider_id != profile.id:
        session = None
    code = _refusal(message, session, profile)
    if isinstance(message, CanonicalQuery):
        if code:
            return EventRefusal("", code, message.session_ref[:64])
        return _query(message, session)
    if code:
        # A repeat is answered as such even when its session ended since: known ids come first.
        message = replace(message, session_problem=code)
    return _event(message, session, profile)


def _refusal(
    message: CanonicalEvent | CanonicalQuery, session: SessionFact | None, profile: ProviderProfile
) -> str:
    is_new = message.needs_live_session
    if session is None:
        is_unknown = bool(message.session_ref) and (is_new or not message.player_ref)
        return "unknown_session" if is_unknown or not message.player_ref else ""
    is_other_player = bool(message.player_ref) and message.player_ref != session.player_ref
    is_other_game = bool(message.game_code) and message.game_code != session.game_code
    checks = (
        ("session_mismatch", is_other_player and (is_new or isinstance(message, CanonicalQuery))),
        ("session_expired", is_new and _is_over(message, session)),
        ("reality_check", is_new and _is_paused(message, session)),
        (
            "session_mismatch",
            is_new and is_other_game and profile.policy.game_change == Permission.REFUSE,
        ),
    )
    return next((code for code, applies in checks if applies), "")


def _is_over(message: CanonicalEvent | CanonicalQuery, session: SessionFact) -> bool:
    """Tell whether the session is over for this message; a promotion's may have run out."""
    if isinstance(message, CanonicalEvent) and message.may_outlast_session:
        return session.has_ended
    return not session.is_live


def _is_paused(message: CanonicalEvent | CanonicalQuery, session: SessionFact) -> bool:
    """Tell whether the session waits for a reality check; one that ran out waits for nobody."""
    return isinstance(message, CanonicalEvent) and session.is_paused and session.is_live


def _query(query: CanonicalQuery, session: SessionFact | None) -> CanonicalQuery:
    if session is None:
        return query
    return replace(query, player_ref=query.player_ref or session.player_ref)


def _event(
    event: CanonicalEvent, session: SessionFact | None, profile: ProviderProfile
) -> CanonicalEvent | EventRefusal:
    if event.operation == Operation.ROUND:
        return event
    if session is not None:
        event = replace(
            event,
            player_ref=event.player_ref or session.player_ref,
            currency=event.currency or session.currency,
            game_code=event.game_code or session.game_code,
            launched_game=session.game_code,
            is_game_of_session=not event.game_code,
            is_past_session=event.may_outlast_session and not session.is_live,
        )
    if event.amount_text and event.currency:
        try:
            minor = to_minor(without_spare_zeros(event.amount_text), event.currency)
        except (InvalidAmountError, UnknownCurrencyError):
            return EventRefusal(event.event_id, "bad_amount", event.amount_text[:40])
        if minor > LARGEST_READ_MINOR:
            return EventRefusal(event.event_id, "bad_amount", event.amount_text[:40])
        event = _with_amount(event, minor)
    if event.operation == Operation.ROLLBACK:
        event = replace(event, round_type=RoundType.ROLLBACK)
    return _scoped(event, profile)


def _with_amount(event: CanonicalEvent, minor: int) -> CanonicalEvent:
    """Put the amount where the operation wants it; a free round that is only tracked moves none."""
    if event.is_free:
        return event
    if event.operation == Operation.STAKE:
        return replace(event, bet_minor=minor)
    if event.operation == Operation.ROLLBACK:
        return replace(event, refund_minor=minor)
    return replace(event, win_minor=minor)


def _scoped(event: CanonicalEvent, profile: ProviderProfile) -> CanonicalEvent | EventRefusal:
    """Make the ids unique at the provider where its contract makes them unique for less."""
    scope = profile.policy.transaction_scope
    event_id, reference = event.event_id, event.reference_event_id
    if scope == TransactionScope.PLAYER:
        event_id = f"{event.player_ref}:{event_id}"
        reference = f"{event.player_ref}:{reference}" if reference else ""
    elif scope == TransactionScope.OPERATION and event.operation != Operation.STAKE:
        event_id = f"{event.operation}:{event_id}"
    round_ref = event.round_ref
    if profile.policy.round_scope == RoundScope.GAME:
        round_ref = f"{event.game_code}:{round_ref}"
    if max(len(event_id), len(reference), len(round_ref)) > 128:
        return EventRefusal(event.event_id, "bad_field", "id too long")
    return replace(event, event_id=event_id, reference_event_id=reference, round_ref=round_ref)
