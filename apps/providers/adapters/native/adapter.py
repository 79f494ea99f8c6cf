"""The native protocol (design 6.1), put together."""

import json
from collections.abc import Sequence
from typing import Any, Final

from apps.core.money import format_minor
from apps.providers.adapters.contract import Adapter, CallbackRequest, CallbackResponse
from apps.providers.adapters.native.parse import parse_body, parse_event
from apps.providers.adapters.native.signing import decode_secret, may_be_signed, verify
from apps.providers.contracts import Outcome, Parsed, ProviderProfile, WebhookKey
from apps.providers.enums import Protocol

_STATUS: Final = {
    "unauthenticated": 401,
    "too_large": 413,
    "too_many_events": 413,
    "too_slow": 408,
    "unavailable": 503,
    "overloaded": 503,
    "flooding": 429,
}
_SHOWN: Final = {
    "unauthenticated": "unauthorized",
    "overloaded": "unavailable",
    "flooding": "too_many_requests",
}
_RETRY_AFTER: Final = {"retry-after": "5"}

NATIVE_CODES: Final = {
    "self_excluded": "player_blocked",
    "time_out": "player_blocked",
    "account_closed": "player_blocked",
    "loss_limit": "limit_reached",
    "wager_limit": "limit_reached",
    "time_limit": "limit_reached",
    "stake_cap": "limit_reached",
    "reality_check": "limit_reached",
    "session_mismatch": "session_expired",
    "session_missing": "session_expired",
    "corrected": "ledger_unavailable",
    "provider_off": "unknown_game",
    "game_not_served": "unknown_game",
    "provider_not_live": "unknown_game",
}
"""Codes the native contract does not have, as the code it does have (design 6.1)."""


def _authenticate(
    keys: Sequence[WebhookKey], request: CallbackRequest, tolerance_seconds: int
) -> WebhookKey | None:
    return verify(
        keys,
        request.headers,
        request.body,
        now=request.received_at,
        tolerance_seconds=tolerance_seconds,
    )


def _parse(profile: ProviderProfile, request: CallbackRequest) -> tuple[Parsed, ...]:
    secrets = [key.secret for key in profile.keys]
    return tuple(parse_event(raw, secrets) for raw in parse_body(request.body))


def _render(
    _profile: ProviderProfile,
    _request: CallbackRequest,
    _parsed: Sequence[Parsed],
    outcomes: Sequence[Outcome],
) -> CallbackResponse:
    results = [result_of(outcome) for outcome in outcomes]
    return CallbackResponse(200, json.dumps({"results": results}, separators=(",", ":")).encode())


def result_of(outcome: Outcome) -> dict[str, Any]:
    """Return one entry of ``results``."""
    balance = None
    if outcome.balance_minor is not None:
        balance = format_minor(outcome.balance_minor, outcome.currency)
    return {
        "event_id": outcome.event_id,
        "status": str(outcome.status),
        "code": NATIVE_CODES.get(outcome.code, outcome.code) or None,
        "balance": balance,
    }


def _refuse(_request: CallbackRequest | None, code: str) -> CallbackResponse:
    status = _STATUS.get(code, 400)
    body = json.dumps({"error": _SHOWN.get(code, code)}).encode()
    return CallbackResponse(status, body, _RETRY_AFTER if status in {429, 503} else {})


NATIVE: Final = Adapter(
    protocol=Protocol.NATIVE,
    routes={"rounds": frozenset({"POST"})},
    kept_headers=(
        "content-type",
        "user-agent",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ),
    read_secret=decode_secret,
    may_be_signed=lambda request: may_be_signed(request.headers),
    authenticate=_authenticate,
    message_id=lambda request: request.headers["webhook-id"],
    parse=_parse,
    render=_render,
    refuse=_refuse,
    # Its events tell of rounds already played: only new stakes and outages leave a choice.
    policy_flags=frozenset(
        {"game_change", "stake_without_session", "repeated_balance", "when_unavailable"}
    ),
)
