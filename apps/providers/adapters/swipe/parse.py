"""Bytes of the Swipe protocol to canonical messages. Pure: no ORM, no clock, no I/O."""

import re
from typing import Any, Final

from apps.providers.adapters.contract import CallbackRequest, EnvelopeError
from apps.providers.adapters.strict import (
    ID,
    REF,
    Fields,
    Refused,
    fingerprint_of,
    read_object,
    shown_id,
    without_spare_zeros,
)
from apps.providers.adapters.swipe.signing import query_of
from apps.providers.contracts import (
    CanonicalEvent,
    CanonicalQuery,
    EventRefusal,
    Parsed,
    ProviderProfile,
)
from apps.providers.enums import FreeRounds, Operation

# The published pattern, in ASCII digits and no longer than any amount of money.
_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?", re.ASCII)
_SESSION: Final = re.compile(r"[A-Za-z0-9_.:~-]{1,255}", re.ASCII)
_TYPE: Final = re.compile(r"regular|free")
_FREE_ROUNDS: Final = re.compile(r"[A-Za-z0-9_.:~-]{1,64}", re.ASCII)


def parse(profile: ProviderProfile, request: CallbackRequest) -> tuple[Parsed, ...]:
    """Return the one message of a request.

    Raises:
        EnvelopeError: the body or the query can't be read at all.
    """
    if request.path == "balance":
        return (_balance(request),)
    raw = read_object(request.body)
    try:
        return (_event(profile, request, raw),)
    except Refused as refusal:
        return (EventRefusal(shown_id(raw, "txID"), refusal.code, refusal.detail),)


def _balance(request: CallbackRequest) -> Parsed:
    query = query_of(request)
    if query is None:
        raise EnvelopeError("bad_query")
    try:
        return CanonicalQuery(player_ref="", session_ref=Fields(query).text("sessionID", _SESSION))
    except Refused as refusal:
        return EventRefusal("", refusal.code, refusal.detail)


def _event(
    profile: ProviderProfile, request: CallbackRequest, raw: dict[str, Any]
) -> CanonicalEvent:
    fields = Fields(raw)
    operation = _OPERATIONS[request.path]
    is_refund = operation == Operation.ROLLBACK
    event_id, round_ref = fields.text("txID", ID), fields.text("roundID", REF)
    session_ref = fields.text("sessionID", _SESSION)
    target = fields.text("origTxID", ID) if is_refund else ""
    campaign = fields.optional_text("frID", _FREE_ROUNDS)
    is_tracked = not is_refund and _is_tracked(profile, fields, operation)
    amount = _amount(fields) if not is_refund or fields.has("amount") else ""
    return CanonicalEvent(
        event_id=event_id,
        round_ref=round_ref,
        player_ref="",
        occurred_at=request.received_at,
        bet_minor=0,
        win_minor=0,
        currency="",
        game_code="",
        round_type=_round_type(operation, campaign),
        balance_before_minor=None,
        balance_after_minor=None,
        finalized=operation == Operation.WIN,
        reference_event_id=target,
        promo_campaign="",
        promo_multiplier="",
        session_token="",
        fingerprint=fingerprint_of(
            operation,
            event_id,
            round_ref,
            target,
            without_spare_zeros(amount),
            str(raw.get("type", "")),
            campaign,
        ),
        content={name: value for name, value in raw.items() if name != "sessionID"},
        operation=operation,
        session_ref=session_ref,
        amount_text="" if is_tracked else amount,
        needs_live_session=operation == Operation.STAKE,
        # The payout of free rounds has their campaign too, and pays: only tracking is free.
        is_free=is_tracked,
    )


_OPERATIONS: Final = {
    "bet": Operation.STAKE,
    "win": Operation.WIN,
    "refund": Operation.ROLLBACK,
}


def _is_tracked(profile: ProviderProfile, fields: Fields, operation: str) -> bool:
    """Tell whether a message is about a free round and moves no money.

    A free stake costs the player nothing; whether a free win is paid when it comes or with the
    one payout at the end is the provider's policy.
    """
    if fields.text("type", _TYPE) == "regular":
        return False
    fields.text("frID", _FREE_ROUNDS)
    is_tracking = profile.policy.free_rounds == FreeRounds.TRACKING
    return is_tracking or operation == Operation.STAKE


def _amount(fields: Fields) -> str:
    value = fields.raw.get("amount")
    if isinstance(value, str) and not _AMOUNT.fullmatch(value):
        raise Refused("bad_amount", "amount")
    return fields.text("amount", _AMOUNT)


def _round_type(operation: str, campaign: str) -> str:
    if operation == Operation.ROLLBACK:
        return "rollback"
    return "free_spin" if campaign else "base"
