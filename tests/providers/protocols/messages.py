"""Requests, profiles and outcomes that the tests of the protocols stand on."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Field

from apps.providers.adapters.contract import CallbackRequest, CallbackResponse
from apps.providers.adapters.registry import adapter_for
from apps.providers.contracts import (
    CanonicalEvent,
    CanonicalQuery,
    EventRefusal,
    Outcome,
    Parsed,
    Policy,
    ProviderProfile,
    WebhookKey,
)
from apps.providers.models import ProviderPolicy

RECEIVED_AT = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)

EVERY_CODE = [
    "bad_field",
    "missing_field",
    "bad_amount",
    "unknown_player",
    "unknown_session",
    "session_mismatch",
    "session_missing",
    "session_expired",
    "player_blocked",
    "self_excluded",
    "time_out",
    "account_closed",
    "loss_limit",
    "wager_limit",
    "time_limit",
    "stake_cap",
    "max_bet",
    "insufficient_funds",
    "round_closed",
    "wrong_currency",
    "unknown_game",
    "game_not_served",
    "provider_off",
    "provider_not_live",
    "unknown_stake",
    "stake_rolled_back",
    "rolled_back",
    "already_settled",
    "not_refundable",
    "amount_mismatch",
    "unknown_target",
    "late",
    "ledger_unavailable",
    "clock_skew",
]
EVERY_STATUS = ["accepted", "tentative", "duplicate", "parked", "conflict", "rejected"]
UNDECIDED_CODES = {"ledger_unavailable", "clock_skew"}


def request_of(
    path: str,
    body: bytes = b"",
    *,
    headers: dict[str, str] | None = None,
    query: str = "",
    method: str = "POST",
) -> CallbackRequest:
    return CallbackRequest(method, path, query, headers or {}, body, RECEIVED_AT)


def key_of(secret: bytes, kid: str = "k-1") -> WebhookKey:
    return WebhookKey(kid, secret, RECEIVED_AT - timedelta(days=1), None)


def profile_of(protocol: str, policy: Policy | None = None) -> ProviderProfile:
    chosen = adapter_for(protocol).default_policy if policy is None else policy
    return ProviderProfile(
        id=1,
        code="p",
        protocol=protocol,
        past_seconds=172_800,
        future_seconds=300,
        envelope_tolerance_seconds=300,
        keys=(),
        policy=chosen,
    )


def parse_one(protocol: str, request: CallbackRequest, *, policy: Policy | None = None) -> Parsed:
    (message,) = adapter_for(protocol).parse(profile_of(protocol, policy), request)
    return message


def event_from(
    protocol: str, request: CallbackRequest, *, policy: Policy | None = None
) -> CanonicalEvent:
    message = parse_one(protocol, request, policy=policy)
    assert isinstance(message, CanonicalEvent), message
    return message


def query_from(protocol: str, request: CallbackRequest) -> CanonicalQuery:
    message = parse_one(protocol, request)
    assert isinstance(message, CanonicalQuery), message
    return message


def refusal_from(
    protocol: str, request: CallbackRequest, *, policy: Policy | None = None
) -> EventRefusal:
    message = parse_one(protocol, request, policy=policy)
    assert isinstance(message, EventRefusal), message
    return message


def outcome_of(  # noqa: PLR0913 - an answer has this many parts
    status: str = "accepted",
    code: str = "",
    *,
    balance: int | None = 9_860,
    currency: str = "EUR",
    event_id: str = "tx-1",
    our_id: int | None = 123,
    player_ref: str = "player_1",
) -> Outcome:
    return Outcome(event_id, status, code, balance, currency, our_id, player_ref)


def answer_to(
    protocol: str,
    request: CallbackRequest,
    outcome: Outcome,
    *,
    policy: Policy | None = None,
) -> CallbackResponse:
    profile = profile_of(protocol, policy)
    adapter = adapter_for(protocol)
    return adapter.render(profile, request, adapter.parse(profile, request), [outcome])


def said(answer: CallbackResponse) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(answer.body)
    return content


def meaning_of(flag: str) -> str:
    """Return what the admin says about a flag of the policy."""
    column = ProviderPolicy._meta.get_field(flag)
    assert isinstance(column, Field)
    return str(column.help_text)
