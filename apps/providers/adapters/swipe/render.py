"""Outcomes in Swipe's words. Only a time-out or a 500 makes the provider refund a stake."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from apps.core.errors import UnknownCurrencyError
from apps.core.money import format_minor
from apps.providers.adapters.contract import CallbackRequest, CallbackResponse
from apps.providers.contracts import CanonicalQuery, Outcome, Parsed, ProviderProfile
from apps.providers.enums import UnknownRollback

_DONE: Final = frozenset({"accepted", "tentative", "duplicate"})
_REFUSED: Final = frozenset({"rejected", "conflict"})
_UNDECIDED: Final = frozenset({"ledger_unavailable", "clock_skew"})
_JSON: Final = {"content-type": "application/json"}
_LATER: Final = {**_JSON, "retry-after": "5"}

_CODES: Final = {
    "player_blocked": "account_blocked",
    "self_excluded": "account_blocked",
    "time_out": "account_blocked",
    "account_closed": "account_blocked",
    "loss_limit": "loss_limit",
    "limit_reached": "bet_limit",
    "wager_limit": "bet_limit",
    "stake_cap": "bet_limit",
    "max_bet": "bet_limit",
    "time_limit": "time_limit",
    "insufficient_funds": "insufficient_funds",
    "session_expired": "session_expired",
    "reality_check": "time_limit",
    "unknown_session": "session_not_found",
    "session_mismatch": "session_not_found",
    "unknown_player": "session_not_found",
    "wrong_currency": "currency_not_supported",
    "unknown_game": "game_not_found",
    "provider_off": "game_not_found",
    "game_not_served": "game_not_found",
    "provider_not_live": "game_not_found",
}
_MESSAGES: Final = {
    "account_blocked": "The account can't place new bets",
    "loss_limit": "The player's loss limit is reached",
    "bet_limit": "The bet is above a limit of the player",
    "time_limit": "The player's time limit is reached",
    "insufficient_funds": "Insufficient funds",
    "session_expired": "The session has expired",
    "session_not_found": "The session is not known",
    "currency_not_supported": "The currency is not supported",
    "game_not_found": "The game is not available",
}
_STATUS: Final = {"unauthenticated": 401, "too_large": 413, "flooding": 429}
_UNREAD: Final = {
    "unauthenticated": "Invalid signature",
    "flooding": "Too many requests at once, send it again",
}
_OUT_OF_SERVICE: Final = frozenset({"unavailable", "overloaded", "too_slow"})


def render(
    profile: ProviderProfile,
    _request: CallbackRequest,
    parsed: Sequence[Parsed],
    outcomes: Sequence[Outcome],
) -> CallbackResponse:
    """Answer the one message of a request. What was booked is always answered with 200."""
    outcome = outcomes[0]
    if outcome.code in _UNDECIDED or outcome.status not in _DONE | _REFUSED:
        return _answer(500, {"message": "Not decided, send it again"})
    if outcome.status in _REFUSED:
        return _refusal(outcome)
    is_unknown = outcome.code == "unknown_target"
    if is_unknown and profile.policy.unknown_rollback == UnknownRollback.NOT_FOUND:
        return _answer(400, {"message": "The transaction is not known"})
    content = {"balance": _balance(outcome)}
    if not isinstance(parsed[0], CanonicalQuery):
        our_id = outcome.our_id
        content["txID"] = outcome.event_id if our_id is None else str(our_id)
    return _answer(200, content)


def refuse(_request: CallbackRequest | None, code: str) -> CallbackResponse:
    """Answer what was not judged: 500 where it may be judged later, so that a stake is refunded.

    A stake is sent once, so one that is turned away for its sender's flood was never booked and
    needs no refund; everything else comes again after any answer but 200.
    """
    if code in _OUT_OF_SERVICE:
        return _answer(500, {"message": "Out of service, send it again"})
    message = _UNREAD.get(code, "The request can't be read")
    answer = _answer(_STATUS.get(code, 400), {"message": message})
    return replace(answer, headers=_LATER) if code == "flooding" else answer


def _refusal(outcome: Outcome) -> CallbackResponse:
    code = _CODES.get(outcome.code, "")
    if not code:
        # The protocol has no code for it; ours goes where details are for people.
        details = outcome.code or outcome.status
        return _answer(400, {"message": "The transaction is refused", "details": details})
    status = 404 if code == "session_not_found" else 400
    return _answer(status, {"message": _MESSAGES[code], "code": code})


def _balance(outcome: Outcome) -> str:
    """Return the balance; of a player we can't name it is 0, which the text allows."""
    if outcome.balance_minor is None:
        return "0"
    try:
        return format_minor(outcome.balance_minor, outcome.currency)
    except UnknownCurrencyError:
        return "0"


def _answer(status: int, content: dict[str, str]) -> CallbackResponse:
    return CallbackResponse(status, json.dumps(content, separators=(",", ":")).encode(), _JSON)
