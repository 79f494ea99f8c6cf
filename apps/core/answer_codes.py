"""What our answer codes say to people; machines, exports and the API keep the code.

One home for all apps: the gateway answers with a code, and rounds, players, disputes and reports
show it. A code that is new here is missed by a test that reads the code which answers.
"""

from collections.abc import Iterable
from typing import Final

ANSWER_WORDS: Final = {
    # Nothing of the callback was judged.
    "bad_query": "Question can't be read",
    "flooding": "Too many callbacks at once from this provider",
    "malformed_json": "Body is not JSON",
    "no_events": "Body names no event",
    "not_an_object": "Body is not a JSON object",
    "not_utf8": "Body is not UTF-8",
    "overloaded": "Too many callbacks at once in all",
    "query_too_long": "Question is too long to be stored",
    "too_large": "Body is too large",
    "too_many_events": "Too many events in one body",
    "too_slow": "Body came too slowly",
    "unauthenticated": "No valid signature",
    "unavailable": "We could not answer at that moment",
    "unstorable_text": "Text holds what can't be stored",
    # The event can't be read, or is of nothing that we know.
    "ambiguous_rollback": "Rollback fits several stakes",
    "amount_mismatch": "Rollback is of another amount than its stake",
    "bad_amount": "Amount can't be booked",
    "balance_too_large": "Balance would be too large",
    "bad_checksum": "Checksum is wrong",
    "bad_field": "Field can't be read",
    "clock_skew": "Time is too far off",
    "missing_field": "Field is missing",
    "session_mismatch": "Session of another player or game",
    "session_missing": "Stake names no session",
    "unknown_game": "Game is unknown or switched off",
    "unknown_player": "Unknown player",
    "unknown_reference": "Unknown reference",
    "unknown_session": "Session is unknown",
    "unknown_stake": "Win has no stake",
    "wrong_currency": "Currency is not the player's",
    # A new stake is refused.
    "account_closed": "Account closed",
    "deposit_limit": "Deposit limit reached",
    "game_not_served": "Game may not be launched there",
    "insufficient_funds": "Not enough money",
    "ledger_unavailable": "Answer was lost",
    "limit_reached": "Limit reached",
    "loss_limit": "Loss limit reached",
    "max_bet": "Above the maximum bet",
    "player_blocked": "Player blocked",
    "provider_not_live": "Provider is not live yet",
    "provider_off": "Provider switched off",
    "reality_check": "Reality check open",
    "round_closed": "Round closed",
    "self_excluded": "Self-excluded",
    "session_expired": "Session ended",
    "stake_cap": "Above the stake cap",
    "time_limit": "Time limit reached",
    "time_out": "Takes a time-out",
    "wager_limit": "Wager limit reached",
    # What a player must do first.
    "age_unknown": "Age is not known",
    "identity_not_verified": "Identity is not verified",
    "identity_rejected": "Identity check was rejected",
    "under_age": "Player is under age",
    # Money that came back, or can't.
    "already_settled": "Stake is settled already",
    "corrected": "People credited the player for it",
    "event_waits": "Event waits to be booked itself",
    "not_refundable": "Win can't be taken back",
    "rolled_back": "Rolled back before it came",
    "stake_rolled_back": "Win's stake was rolled back",
    # Accepted, and there is more to say.
    "amount_differs": "Amount is not the stake's",
    "balance_mismatch": "Balances differ",
    "late": "Came late",
    "overdrawn": "Overdrawn",
    "unknown_target": "Stake never came",
}

KEPT_WITH_EVENTS: Final = (
    "account_closed",
    "amount_differs",
    "balance_mismatch",
    "clock_skew",
    "corrected",
    "game_not_served",
    "insufficient_funds",
    "late",
    "ledger_unavailable",
    "loss_limit",
    "max_bet",
    "overdrawn",
    "player_blocked",
    "provider_not_live",
    "provider_off",
    "reality_check",
    "rolled_back",
    "round_closed",
    "self_excluded",
    "session_expired",
    "session_mismatch",
    "stake_cap",
    "time_limit",
    "time_out",
    "unknown_game",
    "unknown_player",
    "unknown_reference",
    "unknown_target",
    "wager_limit",
)
"""Codes that an event in the store may carry; a filter needs them without asking the table."""


def answer_words(code: str) -> str:
    """Say what a code means; one from before this list stands for itself."""
    return ANSWER_WORDS.get(code, code)


def answer_choices(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Return codes with their words for a filter, by the words."""
    return sorted(((code, answer_words(code)) for code in codes), key=lambda one: one[1])
