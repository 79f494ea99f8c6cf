"""Outcomes in Hub88's words: HTTP 200 to all that is judged; the body says what to do.

``RS_ERROR_UNKNOWN`` makes the provider roll a bet back and send a win again, so it is the word
for whatever is not decided. A definite refusal ends the matter: it is said only of what was not
booked and will not be.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from apps.core.errors import UnknownCurrencyError
from apps.providers.adapters.contract import CallbackRequest, CallbackResponse, EnvelopeError
from apps.providers.adapters.hub88.signing import is_caleta
from apps.providers.adapters.hub88.units import to_units
from apps.providers.adapters.strict import read_object, shown_id
from apps.providers.contracts import Outcome, Parsed, ProviderProfile
from apps.providers.enums import UnknownRollback

_DONE: Final = frozenset({"accepted", "tentative", "duplicate"})
_UNDECIDED: Final = frozenset({"ledger_unavailable", "clock_skew"})
_JSON: Final = {"content-type": "application/json"}
_LATER: Final = {**_JSON, "retry-after": "5"}

UNKNOWN: Final = "RS_ERROR_UNKNOWN"
_NOT_FOUND: Final = "RS_ERROR_TRANSACTION_DOES_NOT_EXIST"

_WORDS: Final = {
    "missing_field": "RS_ERROR_WRONG_SYNTAX",
    "bad_field": "RS_ERROR_WRONG_TYPES",
    "bad_amount": "RS_ERROR_WRONG_SYNTAX",
    "unknown_player": "RS_ERROR_INVALID_TOKEN",
    "unknown_session": "RS_ERROR_INVALID_TOKEN",
    "session_mismatch": "RS_ERROR_INVALID_TOKEN",
    "session_missing": "RS_ERROR_INVALID_TOKEN",
    "session_expired": "RS_ERROR_TOKEN_EXPIRED",
    "player_blocked": "RS_ERROR_USER_DISABLED",
    "self_excluded": "RS_ERROR_USER_DISABLED",
    "time_out": "RS_ERROR_USER_DISABLED",
    "account_closed": "RS_ERROR_USER_DISABLED",
    "reality_check": "RS_ERROR_LIMIT_REACHED",
    "loss_limit": "RS_ERROR_LIMIT_REACHED",
    "wager_limit": "RS_ERROR_LIMIT_REACHED",
    "time_limit": "RS_ERROR_LIMIT_REACHED",
    "limit_reached": "RS_ERROR_LIMIT_REACHED",
    "stake_cap": "RS_ERROR_LIMIT_REACHED",
    "max_bet": "RS_ERROR_LIMIT_REACHED",
    "insufficient_funds": "RS_ERROR_NOT_ENOUGH_MONEY",
    "round_closed": "RS_ERROR_WRONG_SYNTAX",
    "wrong_currency": "RS_ERROR_WRONG_CURRENCY",
    "unknown_game": "RS_ERROR_INVALID_GAME",
    "provider_off": "RS_ERROR_INVALID_GAME",
    "game_not_served": "RS_ERROR_INVALID_GAME",
    "provider_not_live": "RS_ERROR_INVALID_GAME",
    "unknown_stake": _NOT_FOUND,
    "stake_rolled_back": _NOT_FOUND,
    "rolled_back": _NOT_FOUND,
    "already_settled": _NOT_FOUND,
    "not_refundable": _NOT_FOUND,
    "amount_mismatch": "RS_ERROR_DUPLICATE_TRANSACTION",
}
_CALETA_WORDS: Final = {
    **{code: "RS_ERROR_BET_LIMIT_EXCEEDED" for code, word in _WORDS.items() if "LIMIT" in word},
    "stake_rolled_back": "RS_ERROR_TRANSACTION_ROLLED_BACK",
    "rolled_back": "RS_ERROR_TRANSACTION_ROLLED_BACK",
}
_UNJUDGED: Final = {
    "unauthenticated": "RS_ERROR_INVALID_SIGNATURE",
    "unavailable": UNKNOWN,
    "overloaded": UNKNOWN,
    "flooding": UNKNOWN,
    "too_slow": UNKNOWN,
}


def render(
    profile: ProviderProfile,
    request: CallbackRequest,
    parsed: Sequence[Parsed],
    outcomes: Sequence[Outcome],
) -> CallbackResponse:
    """Answer the one message of a request; the balance is there whenever it is known."""
    outcome = outcomes[0]
    asked = _echo(request)
    content: dict[str, Any] = {}
    user = outcome.player_ref or getattr(parsed[0], "player_ref", "")
    if user:
        content["user"] = user
    content |= {"status": word_of(profile, request, outcome)} | asked
    balance = _balance(outcome)
    if balance is not None:
        content |= {"currency": outcome.currency, "balance": balance}
    if request.path == "wallet/check" and content["status"] == "RS_OK":
        # The launch token stays good for the whole session: it is handed back unchanged.
        content["token"] = getattr(parsed[0], "session_ref", "")
    return _answer(content)


def word_of(profile: ProviderProfile, request: CallbackRequest, outcome: Outcome) -> str:
    """Return the ``RS_*`` word for an outcome."""
    if outcome.code in _UNDECIDED or outcome.status == "parked":
        return UNKNOWN
    if outcome.status in _DONE:
        is_unknown = outcome.code == "unknown_target"
        says_so = profile.policy.unknown_rollback == UnknownRollback.NOT_FOUND
        return _NOT_FOUND if is_unknown and says_so else "RS_OK"
    return _word_of_refusal(request, outcome)


def _word_of_refusal(request: CallbackRequest, outcome: Outcome) -> str:
    if outcome.status == "conflict":
        return "RS_ERROR_DUPLICATE_TRANSACTION"
    if is_caleta(request.path) and outcome.code in _CALETA_WORDS:
        return _CALETA_WORDS[outcome.code]
    return _WORDS.get(outcome.code, UNKNOWN)


def refuse(_request: CallbackRequest | None, code: str) -> CallbackResponse:
    """Answer what was not judged; a body that can't be read has wrong syntax."""
    answer = _answer({"status": _UNJUDGED.get(code, "RS_ERROR_WRONG_SYNTAX")})
    return replace(answer, status=429, headers=_LATER) if code == "flooding" else answer


def _echo(request: CallbackRequest) -> dict[str, str]:
    try:
        name = shown_id(read_object(request.body), "request_uuid")
    except EnvelopeError:
        return {}
    return {"request_uuid": name} if name else {}


def _balance(outcome: Outcome) -> int | None:
    if outcome.balance_minor is None:
        return None
    try:
        return to_units(outcome.balance_minor, outcome.currency)
    except UnknownCurrencyError:
        return None


def _answer(content: dict[str, Any]) -> CallbackResponse:
    return CallbackResponse(200, json.dumps(content, separators=(",", ":")).encode(), _JSON)
