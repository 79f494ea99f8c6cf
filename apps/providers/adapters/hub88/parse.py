"""Bytes of the Hub88 and Caleta protocols to canonical messages. Pure: no ORM, no clock, no I/O."""

import re
from typing import Any, Final

from apps.core.errors import UnknownCurrencyError
from apps.providers.adapters.contract import CallbackRequest
from apps.providers.adapters.hub88.signing import is_caleta
from apps.providers.adapters.hub88.units import from_units
from apps.providers.adapters.strict import (
    CURRENCY,
    ID,
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
from apps.providers.enums import FreeRounds, Operation

_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_REQUEST: Final = re.compile(r"[A-Za-z0-9_.~-]{1,128}", re.ASCII)
_SECRETS: Final = frozenset({"token"})

QUERIES: Final = {
    "user/info": True,
    "user/balance": False,
    "wallet/check": True,
    "wallet/balance": False,
}
"""Questions by path, and whether they need a live session: only a launch does."""

OPERATIONS: Final = {
    "transaction/bet": Operation.STAKE,
    "transaction/win": Operation.WIN,
    "transaction/rollback": Operation.ROLLBACK,
    "wallet/bet": Operation.STAKE,
    "wallet/win": Operation.WIN,
    "wallet/rollback": Operation.ROLLBACK,
}


def parse(profile: ProviderProfile, request: CallbackRequest) -> tuple[Parsed, ...]:
    """Return the one message of a request.

    Raises:
        EnvelopeError: the body can't be read at all.
    """
    raw = read_object(request.body)
    try:
        if request.path in QUERIES:
            return (_query(request, Fields(raw)),)
        return (_event(profile, request, raw),)
    except Refused as refusal:
        return (EventRefusal(shown_id(raw, "transaction_uuid"), refusal.code, refusal.detail),)


def _query(request: CallbackRequest, fields: Fields) -> CanonicalQuery:
    fields.text("request_uuid", _REQUEST)
    return CanonicalQuery(
        player_ref=_player(request, fields),
        session_ref=fields.text("token", _TOKEN),
        game_code=fields.optional_text("game_code", REF),
        needs_live_session=QUERIES[request.path],
    )


def _player(request: CallbackRequest, fields: Fields) -> str:
    """Return the player's name with us; Caleta sends its own, so there the token tells."""
    return "" if is_caleta(request.path) else fields.optional_text("user", REF)


def _event(
    profile: ProviderProfile, request: CallbackRequest, raw: dict[str, Any]
) -> CanonicalEvent:
    fields = Fields(raw)
    operation = OPERATIONS[request.path]
    is_promo = fields.optional_flag("is_supplier_promo")
    currency = _currency(fields, operation)
    fields.text("request_uuid", _REQUEST)
    event_id, round_ref = fields.text("transaction_uuid", ID), fields.text("round", REF)
    player_ref = _player(request, fields)
    game_code = fields.text("game_code", REF)
    target = _target(fields, operation)
    is_free = fields.optional_flag("is_free")
    amount, jackpot = _amount(fields, "amount", currency), _amount(fields, "jackpot_win", currency)
    if operation != Operation.ROLLBACK and amount is None:
        raise Refused("missing_field", "amount")
    if jackpot is not None and jackpot > (amount or 0):
        raise Refused("bad_amount", "jackpot_win")
    session_ref = _session(fields, player_ref, operation)
    pays = _pays(profile, operation, is_free=is_free)
    is_reward = operation == Operation.WIN and is_promo and not target
    reward = fields.optional_text("reward_uuid", REF)
    return CanonicalEvent(
        event_id=event_id,
        round_ref=round_ref,
        player_ref=player_ref,
        occurred_at=request.received_at,
        # A free stake costs the player nothing: what it is said to be worth stays in the content.
        bet_minor=(amount or 0) if operation == Operation.STAKE and not is_free else 0,
        win_minor=(amount or 0) if pays else 0,
        currency=currency,
        game_code=game_code,
        round_type=_round_type(operation, is_free=is_free, is_reward=is_reward),
        balance_before_minor=None,
        balance_after_minor=None,
        finalized=fields.optional_flag("round_closed"),
        reference_event_id=target,
        promo_campaign="",
        promo_multiplier="",
        session_token="",
        fingerprint=fingerprint_of(
            operation, event_id, round_ref, player_ref, game_code, currency, target, amount, is_free
        ),
        content={name: value for name, value in raw.items() if name not in _SECRETS},
        operation=Operation.REWARD if is_reward else operation,
        session_ref=session_ref,
        needs_live_session=operation == Operation.STAKE,
        may_outlast_session=operation == Operation.STAKE and is_promo,
        is_free=is_free or (operation == Operation.WIN and bool(reward)),
        jackpot_minor=(jackpot or 0) if pays else 0,
        refund_minor=amount if operation == Operation.ROLLBACK else None,
    )


def _pays(profile: ProviderProfile, operation: str, *, is_free: bool) -> bool:
    if operation != Operation.WIN:
        return False
    return not is_free or profile.policy.free_rounds != FreeRounds.TRACKING


def _currency(fields: Fields, operation: str) -> str:
    """Return the currency; a rollback states none, for it returns what was taken."""
    if operation == Operation.ROLLBACK and not fields.has("currency"):
        return ""
    currency = fields.text("currency", CURRENCY)
    try:
        from_units(0, currency)
    except UnknownCurrencyError:
        # Demo play's currency is one of these: there is no money of ours in it.
        raise Refused("wrong_currency", "currency") from None
    return currency


def _target(fields: Fields, operation: str) -> str:
    if operation == Operation.ROLLBACK:
        return fields.text("reference_transaction_uuid", ID)
    if operation == Operation.WIN:
        return fields.optional_text("reference_transaction_uuid", ID)
    return ""


def _session(fields: Fields, player_ref: str, operation: str) -> str:
    """Return the token; only money back to a named player may lack it."""
    if player_ref and operation != Operation.STAKE:
        return fields.optional_text("token", _TOKEN)
    return fields.text("token", _TOKEN)


def _amount(fields: Fields, name: str, currency: str) -> int | None:
    if not currency or not fields.has(name):
        return None
    minor = from_units(fields.amount(name), currency)
    if minor is None or minor > LARGEST_READ_MINOR:
        raise Refused("bad_amount", name)
    return minor


def _round_type(operation: str, *, is_free: bool, is_reward: bool) -> str:
    if operation == Operation.ROLLBACK:
        return "rollback"
    if is_reward:
        return "bonus"
    return "free_spin" if is_free else "base"
