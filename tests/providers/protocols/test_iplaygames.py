"""iPlayGames-compatible: one address, whole cents, repeats that say so."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.providers.adapters.iplaygames.adapter import IPLAYGAMES
from apps.providers.contracts import Policy
from tests.providers.protocols.messages import (
    UNDECIDED_CODES,
    answer_to,
    event_from,
    key_of,
    outcome_of,
    query_from,
    refusal_from,
    request_of,
    said,
)

KEY = b"pitboss-example-key"
SIGNATURE = "42f62213b2249dd4aa4647a8b8bc8ba65a81c45aab1362dad4e97e809e58192e"
BET = (
    b'{"type":"bet","player_id":"player_456","currency":"USD","game_id":123,"game_type":"slot",'
    b'"transaction_id":900001,"amount":150,"session_id":"s_1","round_id":"r_1",'
    b'"timestamp":"2026-01-15T10:30:00Z"}'
)
FREE_SPIN = {
    "is_freespin_round": True,
    "bonus_id": "fs_1",
    "freespin_total": 10,
    "freespin_left": 0,
    "freespin_round_number": 10,
    "freespin_total_winnings": 12.5,
}


def _body(**changes: Any) -> bytes:
    content = {**json.loads(BET), **changes}
    return json.dumps({k: v for k, v in content.items() if v != "gone"}).encode()


def test_the_message_of_the_text_carries_its_signature() -> None:
    key = key_of(KEY)
    request = request_of("", BET, headers={"x-signature": SIGNATURE})
    assert IPLAYGAMES.authenticate([key], request, 300) == key
    changed = request_of("", BET + b" ", headers={"x-signature": SIGNATURE})
    assert IPLAYGAMES.authenticate([key], changed, 300) is None


def test_a_time_cut_to_the_second_it_came_in_is_the_finer_time_of_its_coming() -> None:
    came = datetime(2026, 1, 15, 10, 30, 0, 400_000, tzinfo=UTC)
    event = event_from("iplaygames", replace(request_of("", BET), received_at=came))
    assert event.occurred_at == came
    later = came + timedelta(seconds=1)
    event = event_from("iplaygames", replace(request_of("", BET), received_at=later))
    assert event.occurred_at == datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def test_a_bet_is_a_stake_in_cents() -> None:
    event = event_from("iplaygames", request_of("", BET))
    assert (event.operation, event.event_id, event.round_ref) == ("stake", "900001", "r_1")
    assert (event.player_ref, event.currency, event.game_code) == ("player_456", "USD", "123")
    assert (event.bet_minor, event.win_minor, event.session_ref) == (150, 0, "s_1")
    assert event.occurred_at == datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
    assert event.needs_live_session
    assert not event.finalized


def test_a_win_pays_closes_nothing_and_needs_no_session() -> None:
    event = event_from("iplaygames", request_of("", _body(type="win", session_id="gone")))
    assert (event.operation, event.win_minor, event.bet_minor) == ("win", 150, 0)
    assert not event.finalized
    assert not event.needs_live_session


def test_a_rollback_names_its_target_and_has_an_id_of_ours() -> None:
    event = event_from("iplaygames", request_of("webhook", _body(type="rollback")))
    assert (event.operation, event.event_id) == ("rollback", "rollback:900001")
    assert (event.reference_event_id, event.refund_minor) == ("900001", 150)
    bare = _body(type="rollback", amount="gone", round_id="gone", game_id="gone", timestamp="gone")
    assert event_from("iplaygames", request_of("", bare)).refund_minor is None


def test_a_rollback_with_a_number_of_its_own_names_its_round_and_keeps_its_id() -> None:
    own = Policy(rollback_number="own")
    request = request_of("", _body(type="rollback", round_id="r_7"))
    event = event_from("iplaygames", request, policy=own)
    assert (event.event_id, event.reference_event_id) == ("rollback:900001", "")
    assert (event.round_ref, event.game_code, event.refund_minor) == ("r_7", "123", 150)
    assert event.fingerprint == event_from("iplaygames", request).fingerprint


@pytest.mark.parametrize("name", ["round_id", "game_id"])
def test_a_rollback_with_a_number_of_its_own_needs_its_round_and_game(name: str) -> None:
    request = request_of("", _body(type="rollback", **{name: "gone"}))
    refusal = refusal_from("iplaygames", request, policy=Policy(rollback_number="own"))
    assert (refusal.code, refusal.detail) == ("missing_field", name)


def test_a_reward_is_a_credit_without_a_round() -> None:
    body = _body(type="reward", reward_type="cup", reward_title="Cup", round_id="gone")
    event = event_from("iplaygames", request_of("", body))
    assert (event.operation, event.win_minor, event.round_ref) == ("reward", 150, "900001")
    assert event.round_type == "bonus"


def test_a_free_spin_costs_nothing_and_its_win_is_paid() -> None:
    stake = event_from("iplaygames", request_of("", _body(**FREE_SPIN)))
    assert (stake.is_free, stake.bet_minor) == (True, 0)
    assert stake.content["amount"] == 150
    win = event_from("iplaygames", request_of("", _body(type="win", **FREE_SPIN)))
    assert (win.is_free, win.win_minor) == (True, 150)
    tracking = Policy(free_rounds="tracking")
    told = event_from(
        "iplaygames", request_of("", _body(type="win", is_freespin=True)), policy=tracking
    )
    assert told.win_minor == 0


@pytest.mark.parametrize(("kind", "needs_live"), [("authenticate", True), ("balance_check", False)])
def test_a_question_moves_nothing(kind: str, needs_live: bool) -> None:
    body = _body(type=kind, transaction_id="gone", amount="gone", round_id="gone")
    query = query_from("iplaygames", request_of("", body))
    assert (query.player_ref, query.session_ref, query.currency) == ("player_456", "s_1", "USD")
    assert query.needs_live_session is needs_live


@pytest.mark.parametrize(
    "name",
    ["type", "player_id", "currency", "game_id", "transaction_id", "amount", "round_id",
     "session_id"],
)  # fmt: skip
def test_a_missing_field_is_refused(name: str) -> None:
    refusal = refusal_from("iplaygames", request_of("", _body(**{name: "gone"})))
    assert (refusal.code, refusal.detail) == ("missing_field", name)
    assert refusal.event_id == ("" if name == "transaction_id" else "900001")


@pytest.mark.parametrize("value", [1.5, True, "150", [150], {}, 2**63])
@pytest.mark.parametrize("name", ["amount", "transaction_id", "game_id"])
def test_a_whole_number_is_nothing_else(name: str, value: object) -> None:
    refusal = refusal_from("iplaygames", request_of("", _body(**{name: value})))
    assert (refusal.code, refusal.detail) == ("bad_field", name)


@pytest.mark.parametrize("value", [-1, 10**15 + 1])
def test_an_amount_that_is_negative_or_beyond_all_money_is_refused(value: int) -> None:
    body = _body(amount=value)
    assert refusal_from("iplaygames", request_of("", body)).code == "bad_amount"


@pytest.mark.parametrize("value", ["yesterday", "2026-01-15T10:30:00", "2026-13-01T00:00:00Z", 5])
def test_a_time_without_a_zone_or_sense_is_refused(value: object) -> None:
    refusal = refusal_from("iplaygames", request_of("", _body(timestamp=value)))
    assert (refusal.code, refusal.detail) == ("bad_field", "timestamp")


@pytest.mark.parametrize("currency", ["JPY", "KWD", "XXX", "ZZZ"])
def test_a_currency_without_cents_is_refused_and_never_guessed(currency: str) -> None:
    body = _body(currency=currency)
    assert refusal_from("iplaygames", request_of("", body)).code == "wrong_currency"


def test_an_unknown_type_is_refused() -> None:
    body = _body(type="tip")
    assert refusal_from("iplaygames", request_of("", body)).detail == "type"


def test_a_retry_is_the_same_message_and_other_money_is_not() -> None:
    first = event_from("iplaygames", request_of("", BET)).fingerprint
    same: list[dict[str, Any]] = [
        {"session_id": "s_2"},
        {"timestamp": "2026-01-15T10:31:00Z"},
        {"unknown": 1},
    ]
    for changes in same:
        again = event_from("iplaygames", request_of("", _body(**changes)))
        assert again.fingerprint == first, changes
    others: list[dict[str, Any]] = [
        {"amount": 151},
        {"round_id": "r_2"},
        {"player_id": "p"},
        {"game_id": 1},
        {"currency": "EUR"},
        {"type": "win"},
    ]
    for changes in others:
        again = event_from("iplaygames", request_of("", _body(**changes)))
        assert again.fingerprint != first, changes


def test_a_repeat_says_that_it_is_one() -> None:
    outcome = outcome_of(balance=9_850)
    first = answer_to("iplaygames", request_of("", BET), outcome)
    assert (first.status, said(first)) == (200, {"status": "success", "balance": 9_850})
    again = answer_to("iplaygames", request_of("", BET), outcome_of("duplicate", balance=9_850))
    assert said(again) == {"status": "success", "balance": 9_850, "already_processed": True}


def test_a_player_is_shown_by_the_id_the_provider_knows() -> None:
    body = _body(type="authenticate")
    answer = answer_to("iplaygames", request_of("", body), outcome_of(player_ref="player_456"))
    assert said(answer)["player_name"] == "player_456"


def test_missing_funds_have_the_code_and_the_balance_of_the_text() -> None:
    outcome = outcome_of("rejected", "insufficient_funds", balance=100)
    answer = answer_to("iplaygames", request_of("", BET), outcome)
    assert answer.status == 200
    assert said(answer) == {
        "status": "error",
        "error_code": "INSUFFICIENT_FUNDS",
        "error_message": "Insufficient funds",
        "balance": 100,
    }


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        ("unknown_player", 200, "PLAYER_NOT_FOUND"),
        ("session_expired", 200, "SESSION_EXPIRED"),
        ("self_excluded", 200, "SELF_EXCLUDED"),
        ("loss_limit", 200, "LOSS_LIMIT"),
        ("unknown_stake", 200, "UNKNOWN_STAKE"),
        ("already_settled", 200, "ALREADY_SETTLED"),
        ("bad_field", 400, "BAD_FIELD"),
        ("missing_field", 400, "MISSING_FIELD"),
        ("bad_amount", 400, "BAD_AMOUNT"),
    ],
)
def test_a_refusal_has_a_code(code: str, status: int, word: str) -> None:
    answer = answer_to("iplaygames", request_of("", BET), outcome_of("rejected", code))
    assert (answer.status, said(answer)["error_code"]) == (status, word)


def test_a_conflict_is_an_error_and_no_repeat() -> None:
    answer = answer_to("iplaygames", request_of("", BET), outcome_of("conflict"))
    assert (said(answer)["status"], said(answer)["error_code"]) == ("error", "CONFLICT")


@pytest.mark.parametrize("code", sorted(UNDECIDED_CODES))
def test_what_is_not_decided_is_to_be_sent_again(code: str) -> None:
    for outcome in (outcome_of("parked", code), outcome_of("rejected", code)):
        answer = answer_to("iplaygames", request_of("", BET), outcome)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")


def test_the_rollback_of_an_unknown_bet_is_a_success_unless_the_contract_says_otherwise() -> None:
    request = request_of("", _body(type="rollback"))
    outcome = outcome_of("accepted", "unknown_target", balance=None, currency="")
    assert said(answer_to("iplaygames", request, outcome)) == {"status": "success", "balance": 0}
    strict = Policy(unknown_rollback="not_found")
    told = said(answer_to("iplaygames", request, outcome, policy=strict))
    assert told["error_code"] == "TRANSACTION_NOT_FOUND"


def test_a_wrong_signature_has_the_body_of_the_text() -> None:
    answer = IPLAYGAMES.refuse(None, "unauthenticated")
    assert (answer.status, said(answer)) == (401, {"error": "Invalid signature"})


@pytest.mark.parametrize(
    ("code", "status"),
    [("too_large", 413), ("unavailable", 503), ("overloaded", 503), ("malformed_json", 400)],
)
def test_what_was_not_judged_has_its_status(code: str, status: int) -> None:
    assert IPLAYGAMES.refuse(None, code).status == status
