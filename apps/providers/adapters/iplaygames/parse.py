"""Bytes of the iPlayGames protocol to canonical messages. Pure: no ORM, no clock, no I/O.

Everything comes to one address; ``type`` says what it is. Amounts are whole cents, which the
text defines as a hundredth of the main unit: only currencies with two decimals are taken.
"""

import re
from datetime import datetime
from typing import Final

from apps.core.errors import UnknownCurrencyError
from apps.core.money import exponent
from apps.providers.adapters.contract import CallbackRequest
from apps.providers.adapters.strict import (
    CURRENCY,
    LARGEST_READ_MINOR,
    REF,
    Fields,
    Refused,
    fingerprint_of,
    read_object,
    shown_id,
)
from apps.providers.contracts import (
    CanonicalEvent,
    CanonicalQuery,
    EventRefusal,
    Parsed,
    ProviderProfile,
)
from apps.providers.enums import FreeRounds, Operation, RollbackNumber

CENTS: Final = 2
_SESSION: Final = re.compile(r"[A-Za-z0-9_.:~-]{1,255}", re.ASCII)

QUERIES: Final = {"authenticate": True, "balance_check": False}
"""Questions by type, and whether they need a live session: only a launch does."""

_OPERATIONS: Final = {
    "bet": Operation.STAKE,
    "win": Operation.WIN,
    "rollback": Operation.ROLLBACK,
    "reward": Operation.REWARD,
}
_TYPE: Final = re.compile("|".join([*QUERIES, *_OPERATIONS]))


def parse(profile: ProviderProfile, request: CallbackRequest) -> tuple[Parsed, ...]:
    """Return the one message of a request.

    Raises:
        EnvelopeError: the body can't be read at all.
    """
    raw = read_object(request.body)
    fields = Fields(raw)
    try:
        kind = fields.text("type", _TYPE)
        if kind in QUERIES:
            return (_query(fields, kind),)
        return (_event(profile, request, fields, _OPERATIONS[kind]),)
    except Refused as refusal:
        return (EventRefusal(shown_id(raw, "transaction_id"), refusal.code, refusal.detail),)


def _query(fields: Fields, kind: str) -> CanonicalQuery:
    return CanonicalQuery(
        player_ref=fields.text("player_id", REF),
        session_ref=fields.optional_text("session_id", _SESSION),
        currency=_currency(fields) if fields.has("currency") else "",
        game_code=_game(fields) if fields.has("game_id") else "",
        needs_live_session=QUERIES[kind],
    )


def _event(
    profile: ProviderProfile, request: CallbackRequest, fields: Fields, operation: str
) -> CanonicalEvent:
    number = _number(fields)
    is_rollback = operation == Operation.ROLLBACK
    # A rollback's number may be its target's, so our own id of it is marked, whatever it means:
    # one that comes again after the setting was changed is still the same rollback.
    event_id = f"rollback:{number}" if is_rollback else number
    names_round = is_rollback and profile.policy.rollback_number == RollbackNumber.OWN
    player_ref, currency = fields.text("player_id", REF), _currency(fields)
    amount = _amount(fields) if not is_rollback or fields.has("amount") else None
    is_in_round = operation in {Operation.STAKE, Operation.WIN} or names_round
    game_code = _game(fields) if is_in_round or fields.has("game_id") else ""
    round_ref = _round(fields, event_id, is_in_round=is_in_round)
    session_ref = _session(fields, operation)
    is_free = _is_free(fields)
    free_tracking = is_free and profile.policy.free_rounds == FreeRounds.TRACKING
    is_paid = operation in {Operation.WIN, Operation.REWARD} and not free_tracking
    return CanonicalEvent(
        event_id=event_id,
        round_ref=round_ref,
        player_ref=player_ref,
        occurred_at=_moment(fields, request),
        # A free stake costs the player nothing: what it is said to be worth stays in the content.
        bet_minor=(amount or 0) if operation == Operation.STAKE and not is_free else 0,
        win_minor=(amount or 0) if is_paid else 0,
        currency=currency,
        game_code=game_code,
        round_type=_round_type(operation, is_free=is_free),
        balance_before_minor=None,
        balance_after_minor=None,
        finalized=False,
        reference_event_id=number if is_rollback and not names_round else "",
        promo_campaign="",
        promo_multiplier="",
        session_token="",
        fingerprint=fingerprint_of(
            operation, event_id, round_ref, player_ref, game_code, currency, amount, is_free
        ),
        content={name: value for name, value in fields.raw.items() if name != "session_id"},
        operation=operation,
        session_ref=session_ref,
        needs_live_session=operation == Operation.STAKE,
        is_free=is_free,
        refund_minor=amount if is_rollback else None,
        # Named by its target, it takes that back: amount, round and game need not come again.
        is_same_by_id=is_rollback and not names_round,
    )


def _number(fields: Fields) -> str:
    number = fields.whole("transaction_id")
    if number < 0:
        raise Refused("bad_field", "transaction_id")
    return str(number)


def _game(fields: Fields) -> str:
    number = fields.whole("game_id")
    if number < 0:
        raise Refused("bad_field", "game_id")
    return str(number)


def _currency(fields: Fields) -> str:
    currency = fields.text("currency", CURRENCY)
    try:
        decimals = exponent(currency)
    except UnknownCurrencyError:
        raise Refused("wrong_currency", "currency") from None
    if decimals != CENTS:
        # The text says cents of every currency; a factor of 10 or 100 is not guessed.
        raise Refused("wrong_currency", "currency")
    return currency


def _amount(fields: Fields) -> int:
    amount = fields.amount("amount")
    if amount > LARGEST_READ_MINOR:
        raise Refused("bad_amount", "amount")
    return amount


def _round(fields: Fields, event_id: str, *, is_in_round: bool) -> str:
    """Return the round; a reward belongs to none, and a rollback to that of its target."""
    if is_in_round:
        return fields.text("round_id", REF)
    return fields.optional_text("round_id", REF) or event_id


def _session(fields: Fields, operation: str) -> str:
    if operation == Operation.STAKE:
        return fields.text("session_id", _SESSION)
    return fields.optional_text("session_id", _SESSION)


def _is_free(fields: Fields) -> bool:
    """Tell whether this is about a free spin; the text has two names for each of these fields."""
    return fields.optional_flag("is_freespin") or fields.optional_flag("is_freespin_round")


def _round_type(operation: str, *, is_free: bool) -> str:
    if operation == Operation.ROLLBACK:
        return "rollback"
    if operation == Operation.REWARD:
        return "bonus"
    return "free_spin" if is_free else "base"


def _moment(fields: Fields, request: CallbackRequest) -> datetime:
    """Return the message's own time; within the second it came, the finer time of its coming.

    The provider cuts its times to whole seconds: a stake would else seem older than the bonus that
    was granted a moment before it.
    """
    if not fields.has("timestamp"):
        return request.received_at
    said = fields.moment("timestamp")
    is_this_second = said == request.received_at.replace(microsecond=0)
    return request.received_at if is_this_second else said
