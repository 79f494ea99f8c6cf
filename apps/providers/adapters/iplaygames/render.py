"""Outcomes in iPlayGames' words. Where the text names no code, the code is ours in capitals."""

import json
from collections.abc import Sequence
from typing import Any, Final

from apps.core.money import EXPONENTS
from apps.providers.adapters.contract import CallbackRequest, CallbackResponse, EnvelopeError
from apps.providers.adapters.iplaygames.parse import CENTS
from apps.providers.adapters.strict import read_object
from apps.providers.contracts import CanonicalQuery, Outcome, Parsed, ProviderProfile
from apps.providers.enums import UnknownRollback

_DONE: Final = frozenset({"accepted", "tentative", "duplicate"})
_REFUSED: Final = frozenset({"rejected", "conflict"})
_UNDECIDED: Final = frozenset({"ledger_unavailable", "clock_skew"})
_MALFORMED: Final = frozenset({"missing_field", "bad_field", "bad_amount"})
_JSON: Final = {"content-type": "application/json"}
_RETRY_AFTER: Final = {**_JSON, "retry-after": "5"}

_CODES: Final = {"unknown_player": "PLAYER_NOT_FOUND"}
_MESSAGES: Final = {
    "insufficient_funds": "Insufficient funds",
    "unknown_player": "Player not found",
    "conflict": "The transaction is known with other content",
}
_OUT_OF_SERVICE: Final = frozenset({"unavailable", "overloaded", "too_slow"})
_STATUS: Final = {"too_large": 413}


def render(
    profile: ProviderProfile,
    request: CallbackRequest,
    parsed: Sequence[Parsed],
    outcomes: Sequence[Outcome],
) -> CallbackResponse:
    """Answer the one message of a request."""
    outcome = outcomes[0]
    if outcome.code in _UNDECIDED or outcome.status not in _DONE | _REFUSED:
        return _undecided()
    if outcome.status in _REFUSED:
        return _refusal(outcome)
    word, message = _error_of(profile, parsed[0], outcome)
    if word:
        return _error(200, word, message, None)
    balance = _cents(outcome)
    content: dict[str, Any] = {"status": "success", "balance": 0 if balance is None else balance}
    if outcome.status == "duplicate":
        content["already_processed"] = True
    if _kind(request) == "authenticate":
        # We hand out no names: the provider shows the id it knows already.
        content["player_name"] = outcome.player_ref or getattr(parsed[0], "player_ref", "")
    return _answer(200, content)


def _error_of(profile: ProviderProfile, parsed: Parsed, outcome: Outcome) -> tuple[str, str]:
    """Return the error that the protocol makes of what we did, and its message; mostly none."""
    is_unknown = outcome.code == "unknown_target"
    if is_unknown and profile.policy.unknown_rollback == UnknownRollback.NOT_FOUND:
        return "TRANSACTION_NOT_FOUND", "The transaction is not known"
    if isinstance(parsed, CanonicalQuery) and _cents(outcome) is None:
        # A balance of 0 would be untrue.
        return "WRONG_CURRENCY", "The player's currency has no cents"
    return "", ""


def refuse(_request: CallbackRequest | None, code: str) -> CallbackResponse:
    """Answer what was not judged; a wrong signature gets the one body that the text has for it."""
    if code == "unauthenticated":
        return _answer(401, {"error": "Invalid signature"})
    if code in _OUT_OF_SERVICE:
        return _undecided()
    if code == "flooding":
        content = {
            "status": "error",
            "error_code": "TOO_MANY_REQUESTS",
            "error_message": "Too many at once, send it again",
        }
        return _answer(429, content, _RETRY_AFTER)
    return _error(_STATUS.get(code, 400), "INVALID_REQUEST", "The request can't be read", None)


def _undecided() -> CallbackResponse:
    content = {
        "status": "error",
        "error_code": "TEMPORARILY_UNAVAILABLE",
        "error_message": "Not decided, send it again",
    }
    return _answer(503, content, _RETRY_AFTER)


def _refusal(outcome: Outcome) -> CallbackResponse:
    code = "conflict" if outcome.status == "conflict" else outcome.code
    if code in _MALFORMED:
        return _error(400, code.upper(), "A field is missing or wrong", None)
    message = _MESSAGES.get(code, "The transaction is refused")
    word = _CODES.get(code, code.upper() or "REFUSED")
    return _error(200, word, message, _cents(outcome))


def _error(status: int, code: str, message: str, balance: int | None) -> CallbackResponse:
    content: dict[str, Any] = {"status": "error", "error_code": code, "error_message": message}
    if balance is not None:
        content["balance"] = balance
    return _answer(status, content)


def _cents(outcome: Outcome) -> int | None:
    """Return the balance in cents; None where the currency has none."""
    return outcome.balance_minor if EXPONENTS.get(outcome.currency) == CENTS else None


def _kind(request: CallbackRequest) -> Any:
    try:
        return read_object(request.body).get("type")
    except EnvelopeError:
        return None


def _answer(
    status: int, content: dict[str, Any], headers: dict[str, str] | None = None
) -> CallbackResponse:
    body = json.dumps(content, separators=(",", ":")).encode()
    return CallbackResponse(status, body, _JSON if headers is None else headers)
