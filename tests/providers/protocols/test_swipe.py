"""Swipe-Games-compatible: the published signatures, the messages, the answers that refund."""

import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from apps.gateway.services.intake import read_callback
from apps.providers.adapters.contract import CallbackRequest, EnvelopeError
from apps.providers.adapters.hmac_hex import read_secret, sign
from apps.providers.adapters.swipe.adapter import SWIPE
from apps.providers.adapters.swipe.signing import canonical
from apps.providers.contracts import Policy
from apps.providers.errors import InvalidSecretError
from tests.providers.protocols.messages import (
    RECEIVED_AT,
    UNDECIDED_CODES,
    answer_to,
    event_from,
    key_of,
    outcome_of,
    profile_of,
    query_from,
    refusal_from,
    request_of,
    said,
)

KEY = b"pitboss-example-key"
SESSION = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
ROUND = "b78e42f8-2041-482d-9c4b-f2ca79fc75e3"
BET_ID = "c27ccade-5a45-4157-a85f-7d023a689ea5"

BET = (
    b'{"amount":"1.50","roundID":"b78e42f8-2041-482d-9c4b-f2ca79fc75e3",'
    b'"sessionID":"a1b2c3d4-e5f6-7890-abcd-ef1234567890",'
    b'"txID":"c27ccade-5a45-4157-a85f-7d023a689ea5","type":"regular"}'
)
WIN = (
    b'{"amount":"4.20","roundID":"b78e42f8-2041-482d-9c4b-f2ca79fc75e3",'
    b'"sessionID":"a1b2c3d4-e5f6-7890-abcd-ef1234567890",'
    b'"txID":"0d6b3f0e-2b0f-4f0f-9a3e-0f7a7f3f5b11","type":"regular"}'
)
REFUND = (
    b'{"amount":"1.50","origTxID":"c27ccade-5a45-4157-a85f-7d023a689ea5",'
    b'"roundID":"b78e42f8-2041-482d-9c4b-f2ca79fc75e3",'
    b'"sessionID":"a1b2c3d4-e5f6-7890-abcd-ef1234567890",'
    b'"txID":"5a1f0c55-7a3e-4a47-8a0e-1f2d3c4b5a69"}'
)
FREE_BET = (
    b'{"amount":"0.20","frID":"fr_777","roundID":"b78e42f8-2041-482d-9c4b-f2ca79fc75e3",'
    b'"sessionID":"a1b2c3d4-e5f6-7890-abcd-ef1234567890",'
    b'"txID":"3f1e9a52-0f44-4a8e-b6a5-0a4be0a0c001","type":"free"}'
)
FREE_PAYOUT = (
    b'{"amount":"12.40","frID":"fr_777","roundID":"b78e42f8-2041-482d-9c4b-f2ca79fc75e3",'
    b'"sessionID":"a1b2c3d4-e5f6-7890-abcd-ef1234567890",'
    b'"txID":"3f1e9a52-0f44-4a8e-b6a5-0a4be0a0c002","type":"regular"}'
)
BALANCE_QUERY = f"sessionID={SESSION}"

MESSAGES = {
    "bet": ("bet", BET, "3b6bfb188dd7e871a7c9895ebe8a8aa03afa2b9880c588f169c9320efa0969e1"),
    "win": ("win", WIN, "77e9e7853dc8937875e96b4ca60a0f0faec84f0a657cb6deb624a656f861c1b2"),
    "refund": (
        "refund",
        REFUND,
        "936eddc2e20d5ad85dfaeaf75d2f8b3866508bf9647c0dd4f5b49a190e8528a7",
    ),
    "free bet": (
        "bet",
        FREE_BET,
        "c44d7361c9e825287a93c0fff747286a08799c3ca56cdc32f589dcc182f5f045",
    ),
    "free payout": (
        "win",
        FREE_PAYOUT,
        "457fe4685b48bdaa8bc6c0f32efbf836d036e8e5565f45e892701a867cf39126",
    ),
}


def _changed(body: bytes, **changes: Any) -> bytes:
    content = {**json.loads(body), **changes}
    return json.dumps({k: v for k, v in content.items() if v != "gone"}).encode()


def _signed_balance(query: str, signature: str) -> CallbackRequest:
    return request_of("balance", query=query, method="GET", headers={"x-request-sign": signature})


@pytest.mark.parametrize(
    ("secret", "body", "signature"),
    [
        (
            b"secret-key",
            b'{"amount":100.5,"user_id":123}',
            "9876ed3affd6596f3ddb9102a396718452cf83069904f3d001a2e91e164adc01",
        ),
        (b"secret-key", b"{}", "99922a0dbb1fe95624c93c7204445c2eff8a014b0c9b585ddf2da0c21083a34e"),
        (
            b"different-secret-key",
            b'{"amount":100.5,"user_id":123}',
            "d86208a306f6562c80c0a8894a1294a63e5e3bb4e2fd2b9b031b3c3c65cb1847",
        ),
        (
            b"",
            b'{"test":"value"}',
            "6c0e6084444acce7905532fd7c3871c33cfbc5f52a36d27704ffa02b1bb4df78",
        ),
    ],
)
def test_the_published_body_signatures_are_ours(secret: bytes, body: bytes, signature: str) -> None:
    assert sign(secret, body) == signature


def test_the_published_query_signature_is_ours() -> None:
    signed = canonical({"message": "hello world!", "data": "test@example.com"})
    assert signed == b'{"data":"test@example.com","message":"hello world!"}'
    assert sign(b"secret-key", signed) == (
        "0825b42e92c46887f194252fda8b871c3c42aafa3833783d63b2005407000c02"
    )


def test_canonical_json_orders_keys_by_utf_16_and_escapes_as_ecmascript_does() -> None:
    written = canonical({"\ufb33": "x", "\U0001f600": "y", "a": '"\\\n\x01\x7f\u2028é'})
    expected = '{"a":"\\"\\\\\\n\\u0001\x7f\u2028é","\U0001f600":"y","\ufb33":"x"}'
    assert written == expected.encode()


@pytest.mark.parametrize("name", MESSAGES)
def test_the_messages_of_the_text_carry_their_signatures(name: str) -> None:
    path, body, signature = MESSAGES[name]
    key = key_of(KEY)
    request = request_of(path, body, headers={"x-request-sign": signature})
    assert SWIPE.authenticate([key_of(b"another-key-of-theirs", "k-0"), key], request, 300) == key
    assert SWIPE.authenticate([key_of(b"another-key-of-theirs")], request, 300) is None


def test_a_balance_question_is_signed_over_its_query() -> None:
    signature = "2eba0692c916eb174b9316155ef6c652f16d0a273700778b04fb6bdc8df5def8"
    key = key_of(KEY)
    assert SWIPE.authenticate([key], _signed_balance(BALANCE_QUERY, signature), 300) == key
    encoded = BALANCE_QUERY.replace("-", "%2D")
    assert SWIPE.authenticate([key], _signed_balance(encoded, signature), 300) == key


@pytest.mark.parametrize(
    "query",
    [
        f"{BALANCE_QUERY}&sessionID={SESSION}",
        f"{BALANCE_QUERY}&more=1",
        "sessionID",
        "%ff=1",
        "",
        "&".join(f"a{n}=1" for n in range(100)),
    ],
)
def test_another_query_than_the_signed_one_is_not_authentic(query: str) -> None:
    signature = "2eba0692c916eb174b9316155ef6c652f16d0a273700778b04fb6bdc8df5def8"
    assert SWIPE.authenticate([key_of(KEY)], _signed_balance(query, signature), 300) is None


def test_a_bet_is_a_stake_whose_money_the_session_explains() -> None:
    event = event_from("swipe", request_of("bet", BET))
    assert (event.operation, event.event_id, event.round_ref) == ("stake", BET_ID, ROUND)
    assert (event.session_ref, event.amount_text) == (SESSION, "1.50")
    assert (event.player_ref, event.currency, event.game_code) == ("", "", "")
    assert (event.bet_minor, event.win_minor) == (0, 0)
    assert event.needs_live_session
    assert not event.finalized
    assert not event.is_free
    assert event.occurred_at == RECEIVED_AT
    assert SESSION not in str(event.content)


def test_a_win_closes_its_round_and_needs_no_live_session() -> None:
    event = event_from("swipe", request_of("win", WIN))
    assert (event.operation, event.amount_text, event.finalized) == ("win", "4.20", True)
    assert not event.needs_live_session


def test_a_lost_round_is_closed_by_a_win_of_zero() -> None:
    event = event_from("swipe", request_of("win", _changed(WIN, amount="0")))
    assert (event.amount_text, event.finalized) == ("0", True)


def test_a_refund_names_the_bet_it_returns() -> None:
    event = event_from("swipe", request_of("refund", REFUND))
    assert (event.operation, event.reference_event_id) == ("rollback", BET_ID)
    assert (event.round_type, event.amount_text) == ("rollback", "1.50")
    assert not event.needs_live_session
    assert not event.finalized
    bare = event_from("swipe", request_of("refund", _changed(REFUND, amount="gone")))
    assert bare.amount_text == ""


@pytest.mark.parametrize("path", ["bet", "win"])
def test_a_free_round_is_tracked_and_moves_no_money(path: str) -> None:
    event = event_from("swipe", request_of(path, FREE_BET))
    assert event.is_free
    assert (event.bet_minor, event.win_minor, event.amount_text) == (0, 0, "")
    assert event.content["amount"] == "0.20"


def test_the_last_regular_win_of_free_rounds_pays_them() -> None:
    event = event_from("swipe", request_of("win", FREE_PAYOUT))
    assert (event.operation, event.amount_text, event.round_type) == ("win", "12.40", "free_spin")
    assert not event.is_free


def test_a_provider_that_pays_each_free_win_is_a_matter_of_policy() -> None:
    paying = Policy(free_rounds="per_spin")
    win = event_from("swipe", request_of("win", FREE_BET), policy=paying)
    assert (win.amount_text, win.is_free) == ("0.20", False)
    stake = event_from("swipe", request_of("bet", FREE_BET), policy=paying)
    assert (stake.amount_text, stake.is_free) == ("", True)


def test_a_retry_is_the_same_message_and_other_money_is_not() -> None:
    first = event_from("swipe", request_of("bet", BET)).fingerprint
    same: list[dict[str, Any]] = [{"sessionID": "another"}, {"amount": "1.5"}, {"unknown": 1}]
    other: list[dict[str, Any]] = [{"amount": "1.51"}, {"roundID": "r"}, {"txID": "t"}]
    for changes in same:
        again = event_from("swipe", request_of("bet", _changed(BET, **changes)))
        assert again.fingerprint == first, changes
    for changes in other:
        again = event_from("swipe", request_of("bet", _changed(BET, **changes)))
        assert again.fingerprint != first, changes


def test_a_question_too_long_to_be_stored_whole_is_refused_at_the_door() -> None:
    """Its query is what it asks: cut, a stored one could be read no more."""
    profile = replace(profile_of("swipe"), keys=(key_of(KEY),))
    for padding, is_taken in ((100, True), (200, False)):
        query = f"{BALANCE_QUERY}&a={'b' * padding}"
        signature = sign(KEY, canonical({"sessionID": SESSION, "a": "b" * padding}))
        request = _signed_balance(query, signature)
        with nullcontext() if is_taken else pytest.raises(EnvelopeError, match="query_too_long"):
            assert query in read_callback(profile, request, now=RECEIVED_AT).path
    assert SWIPE.refuse(None, "query_too_long").status == 400


def test_a_balance_question_names_only_a_session() -> None:
    query = query_from("swipe", request_of("balance", query=BALANCE_QUERY, method="GET"))
    assert (query.session_ref, query.player_ref) == (SESSION, "")
    assert not query.needs_live_session


@pytest.mark.parametrize("name", ["amount", "txID", "roundID", "sessionID", "type"])
@pytest.mark.parametrize("value", ["gone", None])
def test_a_missing_field_is_refused(name: str, value: object) -> None:
    refusal = refusal_from("swipe", request_of("bet", _changed(BET, **{name: value})))
    assert (refusal.code, refusal.detail) == ("missing_field", name)


@pytest.mark.parametrize(
    "amount",
    ["1e3", "+1", " 1", "01.0", "NaN", "-1", ".5", "1.", "1,5", "", "1" * 40, "١"],
)
def test_an_amount_beside_the_published_pattern_is_refused(amount: str) -> None:
    body = _changed(BET, amount=amount)
    assert refusal_from("swipe", request_of("bet", body)).code == "bad_amount"


@pytest.mark.parametrize("value", [1, 1.5, True, [], {}, [1]])
@pytest.mark.parametrize("name", ["amount", "txID", "roundID", "sessionID", "type", "frID"])
def test_a_field_of_another_type_is_refused(name: str, value: object) -> None:
    refusal = refusal_from("swipe", request_of("bet", _changed(BET, **{name: value})))
    assert (refusal.code, refusal.detail) == ("bad_field", name)


def test_a_free_round_without_its_campaign_is_refused() -> None:
    body = _changed(FREE_BET, frID="gone")
    assert refusal_from("swipe", request_of("bet", body)).detail == "frID"


def test_an_id_with_our_own_marks_is_refused() -> None:
    for mark in ("rollback:1", "correction@1"):
        assert refusal_from("swipe", request_of("bet", _changed(BET, txID=mark))).detail == "txID"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff", "not_utf8"),
        (b"{", "malformed_json"),
        (b'{"a":1,"a":1}', "malformed_json"),
        (b'{"a":NaN}', "malformed_json"),
        (b"[]", "not_an_object"),
        (b'{"a":"\\u0000"}', "unstorable_text"),
        (b'{"a":"\\ud800"}', "unstorable_text"),
    ],
)
def test_a_body_that_can_not_be_read_is_no_message(body: bytes, code: str) -> None:
    with pytest.raises(EnvelopeError) as raised:
        SWIPE.parse(profile_of("swipe"), request_of("bet", body))
    assert raised.value.code == code
    assert SWIPE.refuse(None, code).status == 400


@pytest.mark.parametrize("status", ["accepted", "tentative", "duplicate"])
def test_what_is_booked_is_answered_with_200(status: str) -> None:
    answer = answer_to("swipe", request_of("bet", BET), outcome_of(status))
    assert (answer.status, said(answer)) == (200, {"balance": "98.60", "txID": "123"})


def test_a_balance_is_answered_without_an_id() -> None:
    request = request_of("balance", query=BALANCE_QUERY, method="GET")
    answer = answer_to("swipe", request, outcome_of(balance=10_010, our_id=None))
    assert (answer.status, said(answer)) == (200, {"balance": "100.10"})


def test_money_is_written_with_the_decimals_of_its_currency() -> None:
    outcome = outcome_of(balance=1_500, currency="JPY")
    assert said(answer_to("swipe", request_of("bet", BET), outcome))["balance"] == "1500"


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        ("insufficient_funds", 400, "insufficient_funds"),
        ("player_blocked", 400, "account_blocked"),
        ("self_excluded", 400, "account_blocked"),
        ("time_out", 400, "account_blocked"),
        ("account_closed", 400, "account_blocked"),
        ("loss_limit", 400, "loss_limit"),
        ("wager_limit", 400, "bet_limit"),
        ("stake_cap", 400, "bet_limit"),
        ("max_bet", 400, "bet_limit"),
        ("time_limit", 400, "time_limit"),
        ("session_expired", 400, "session_expired"),
        ("unknown_session", 404, "session_not_found"),
        ("session_mismatch", 404, "session_not_found"),
        ("unknown_player", 404, "session_not_found"),
        ("wrong_currency", 400, "currency_not_supported"),
        ("unknown_game", 400, "game_not_found"),
    ],
)
def test_a_refusal_has_the_providers_code_and_is_not_refunded(
    code: str, status: int, word: str
) -> None:
    answer = answer_to("swipe", request_of("bet", BET), outcome_of("rejected", code))
    assert (answer.status, said(answer)["code"]) == (status, word)


@pytest.mark.parametrize(
    "code",
    [
        "bad_field",
        "missing_field",
        "bad_amount",
        "round_closed",
        "unknown_stake",
        "stake_rolled_back",
        "rolled_back",
        "already_settled",
        "not_refundable",
        "amount_mismatch",
    ],
)
def test_a_refusal_that_the_provider_has_no_code_for_says_ours_to_people(code: str) -> None:
    answer = answer_to("swipe", request_of("bet", BET), outcome_of("rejected", code))
    assert (answer.status, said(answer)["details"]) == (400, code)
    assert "code" not in said(answer)


def test_a_conflict_is_refused_for_good() -> None:
    assert answer_to("swipe", request_of("bet", BET), outcome_of("conflict")).status == 400


@pytest.mark.parametrize("code", sorted(UNDECIDED_CODES))
@pytest.mark.parametrize("status", ["parked", "rejected"])
def test_what_is_not_decided_is_answered_so_that_the_provider_refunds(
    status: str, code: str
) -> None:
    assert answer_to("swipe", request_of("bet", BET), outcome_of(status, code)).status == 500
    assert answer_to("swipe", request_of("bet", BET), outcome_of("parked")).status == 500


def test_the_refund_of_an_unknown_bet_is_answered_with_a_valid_body() -> None:
    outcome = outcome_of("accepted", "unknown_target", balance=None, currency="", our_id=None)
    answer = answer_to("swipe", request_of("refund", REFUND), outcome)
    assert (answer.status, said(answer)) == (200, {"balance": "0", "txID": "tx-1"})
    strict = Policy(unknown_rollback="not_found")
    assert answer_to("swipe", request_of("refund", REFUND), outcome, policy=strict).status == 400


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("unauthenticated", 401),
        ("too_large", 413),
        ("unavailable", 500),
        ("overloaded", 500),
        ("too_slow", 500),
        ("bad_query", 400),
    ],
)
def test_what_was_not_judged_has_its_status(code: str, status: int) -> None:
    answer = SWIPE.refuse(request_of("bet", BET), code)
    assert answer.status == status
    assert said(answer)["message"]


@pytest.mark.parametrize("text", ["", "short", " " * 20, "key with a space after ", "ключ" * 10])
def test_a_secret_that_can_not_be_one_is_refused(text: str) -> None:
    with pytest.raises(InvalidSecretError):
        read_secret(text)


def test_a_delivery_is_named_by_its_transaction() -> None:
    assert SWIPE.message_id(request_of("bet", BET)) == BET_ID
    assert len(SWIPE.message_id(request_of("bet", b"\xff{"))) == 32
