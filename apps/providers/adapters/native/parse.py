"""Bytes of the native protocol to canonical events. Pure: no ORM, no clock, no I/O."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.core.errors import InvalidAmountError, UnknownCurrencyError
from apps.core.money import exponent, to_minor
from apps.providers.adapters.contract import EnvelopeError
from apps.providers.adapters.native.signing import checksum
from apps.providers.adapters.strict import (
    LARGEST_READ_MINOR,
    Refused,
    moment_of,
    read_object,
)
from apps.providers.contracts import CanonicalEvent, EventRefusal

MOST_EVENTS = 1_000
ROUND_TYPES = frozenset(
    ["base", "free_spin", "bonus", "jackpot", "cascade", "live_hand", "rollback", "adjustment"]
)

_REQUIRED = (
    "event_id",
    "player_id",
    "timestamp",
    "bet_amount",
    "win_amount",
    "currency",
    "game_code",
    "round_type",
    "balance_before",
    "balance_after",
    "finalized",
    "checksum",
)
_ID = re.compile(r"[A-Za-z0-9_.:~-]{1,128}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_CAMPAIGN = re.compile(r"[A-Za-z0-9_.:~-]{1,64}", re.ASCII)
_MULTIPLIER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?", re.ASCII)


def parse_body(body: bytes) -> list[Any]:
    """Return the raw events of a body.

    Raises:
        EnvelopeError: not strict UTF-8 JSON (duplicate keys, NaN, a BOM and trailing text are
            refused), not an object, no events, or more than 1,000.
    """
    parsed = read_object(body)
    events = parsed.get("events", [parsed])
    if not isinstance(events, list) or not events:
        raise EnvelopeError("no_events")
    if len(events) > MOST_EVENTS:
        raise EnvelopeError("too_many_events")
    return events


def parse_event(raw: Any, secrets: Sequence[bytes]) -> CanonicalEvent | EventRefusal:
    """Return the canonical event, or why this one event is refused.

    The order is fixed: presence, types, checksum, amounts. A refusal leaves the event's id free,
    so the genuine event can still be delivered.
    """
    shown_id = raw.get("event_id") if isinstance(raw, dict) else None
    if not isinstance(shown_id, str) or not _ID.fullmatch(shown_id):
        shown_id = ""
    try:
        return _canonical(raw, secrets)
    except Refused as refusal:
        return EventRefusal(event_id=shown_id, code=refusal.code, detail=refusal.detail)


def _canonical(raw: Any, secrets: Sequence[bytes]) -> CanonicalEvent:
    if not isinstance(raw, dict):
        raise Refused("bad_field", "an event is not a JSON object")
    for name in _REQUIRED:
        if raw.get(name) is None:
            raise Refused("missing_field", name)
    ids = {name: _identifier(raw, name) for name in ("event_id", "player_id", "game_code")}
    round_ref = _optional_identifier(raw, "round_id") or ids["event_id"]
    reference = _optional_identifier(raw, "reference_event_id")
    round_type = _one_of(raw, "round_type", ROUND_TYPES)
    if round_type == "rollback" and not reference:
        raise Refused("missing_field", "reference_event_id")
    finalized = _flag(raw, "finalized")
    currency = _currency(raw["currency"])
    occurred_at = moment_of(raw["timestamp"], "timestamp")
    campaign, multiplier = _promo(raw.get("promo"))
    token = _token(raw.get("session_token"))
    _require_checksum(raw, secrets)
    _require_known_currency(currency)
    facts: dict[str, Any] = {
        "event_id": ids["event_id"],
        "round_ref": round_ref,
        "player_ref": ids["player_id"],
        "occurred_at": occurred_at,
        "bet_minor": _amount(raw, "bet_amount", currency),
        "win_minor": _amount(raw, "win_amount", currency),
        "currency": currency,
        "game_code": ids["game_code"],
        "round_type": round_type,
        "balance_before_minor": _balance(raw, "balance_before", currency),
        "balance_after_minor": _balance(raw, "balance_after", currency),
        "finalized": finalized,
        "reference_event_id": reference,
        "promo_campaign": campaign,
        "promo_multiplier": multiplier,
    }
    content = {name: value for name, value in raw.items() if name != "session_token"}
    return CanonicalEvent(
        **facts, session_token=token, fingerprint=_fingerprint(facts), content=content
    )


def _fingerprint(facts: dict[str, Any]) -> str:
    """Return the SHA-256 of what makes two deliveries the same event, in this order."""
    texts = [v.isoformat() if isinstance(v, datetime) else str(v) for v in facts.values()]
    return hashlib.sha256("|".join(texts).encode()).hexdigest()


def _identifier(raw: dict[str, Any], name: str) -> str:
    value = raw[name]
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Refused("bad_field", name)
    return value


def _optional_identifier(raw: dict[str, Any], name: str) -> str:
    return _identifier(raw, name) if raw.get(name) else ""


def _flag(raw: dict[str, Any], name: str) -> bool:
    value = raw[name]
    if not isinstance(value, bool):
        raise Refused("bad_field", name)
    return value


def _currency(value: Any) -> str:
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise Refused("bad_field", "currency")
    return value


def _require_known_currency(currency: str) -> None:
    try:
        exponent(currency)
    except UnknownCurrencyError:
        raise Refused("wrong_currency", "currency") from None


def _token(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 4_096:
        raise Refused("bad_field", "session_token")
    return value


def _one_of(raw: dict[str, Any], name: str, allowed: frozenset[str]) -> str:
    value = raw[name]
    if not isinstance(value, str) or value not in allowed:
        raise Refused("bad_field", name)
    return value


def _promo(value: Any) -> tuple[str, str]:
    if value is None:
        return "", ""
    if not isinstance(value, dict):
        raise Refused("bad_field", "promo")
    campaign, multiplier = value.get("campaign"), value.get("multiplier")
    if not isinstance(campaign, str) or not _CAMPAIGN.fullmatch(campaign):
        raise Refused("bad_field", "promo.campaign")
    if multiplier is None:
        return campaign, ""
    if not isinstance(multiplier, str) or not _MULTIPLIER.fullmatch(multiplier):
        raise Refused("bad_field", "promo.multiplier")
    return campaign, multiplier


def _require_checksum(raw: dict[str, Any], secrets: Sequence[bytes]) -> None:
    given = raw["checksum"]
    if not isinstance(given, str) or not given.isascii():
        raise Refused("bad_checksum", "checksum")
    for name in ("bet_amount", "win_amount", "balance_before", "balance_after"):
        if not isinstance(raw[name], str) or len(raw[name]) > 64:
            raise Refused("bad_amount", name)
    matches = [hmac.compare_digest(checksum(secret, raw), given) for secret in secrets]
    if not any(matches):
        raise Refused("bad_checksum", "checksum")


def _amount(raw: dict[str, Any], name: str, currency: str) -> int:
    try:
        minor = to_minor(raw[name], currency)
    except InvalidAmountError:
        raise Refused("bad_amount", name) from None
    if minor > LARGEST_READ_MINOR:
        raise Refused("bad_amount", name)
    return minor


def _balance(raw: dict[str, Any], name: str, currency: str) -> int:
    """Return the provider's own balance, which informs us and moves nothing; it may be negative."""
    text = raw[name]
    if text.startswith("-"):
        return -_amount({name: text[1:]}, name, currency)
    return _amount(raw, name, currency)
