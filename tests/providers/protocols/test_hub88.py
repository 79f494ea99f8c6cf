"""Hub88-compatible and Caleta-compatible: RSA signatures, units of 1/100,000, RS words."""

import base64
import json
import shutil
import subprocess
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from apps.providers.adapters.contract import CallbackRequest
from apps.providers.adapters.hub88.adapter import HUB88
from apps.providers.adapters.hub88.signing import read_secret
from apps.providers.adapters.hub88.units import from_units, to_units
from apps.providers.contracts import Policy, WebhookKey
from apps.providers.errors import InvalidSecretError
from tests.providers.protocols.messages import (
    EVERY_CODE,
    RECEIVED_AT,
    answer_to,
    event_from,
    key_of,
    outcome_of,
    query_from,
    refusal_from,
    request_of,
    said,
)

TOKEN = "55b7518e-b89e-11e7-81be-58404eea6d16"
BET_ID = "16d2dcfe-b89e-11e7-854a-58404eea6d16"
REQUEST_ID = "583c985f-fee6-4c0e-bbf5-308aad6265af"
BET: dict[str, Any] = {
    "user": "player_1",
    "token": TOKEN,
    "request_uuid": REQUEST_ID,
    "transaction_uuid": BET_ID,
    "supplier_transaction_id": "41ecc3ad-b181-4235-bf9d-acf0a7ad9730",
    "supplier_user": "hub88_player_1",
    "round": "rNEMwgzJAOZ6eR3V",
    "round_closed": False,
    "game_code": "clt_dragonrising",
    "amount": 150_000,
    "currency": "EUR",
    "is_free": False,
    "is_aggregated": False,
    "bet": "zero",
}
WIN = {
    **BET,
    "transaction_uuid": "8d3ce1a0-0000-11e7-81be-58404eea6d16",
    "reference_transaction_uuid": BET_ID,
    "round_closed": True,
}
ROLLBACK: dict[str, Any] = {
    "user": "player_1",
    "token": TOKEN,
    "request_uuid": "f562a685-a160-4d17-876d-ab3363db331c",
    "transaction_uuid": "8d3ce1a0-b8a0-11e7-81be-58404eea6d16",
    "reference_transaction_uuid": BET_ID,
    "round": "rNEMwgzJAOZ6eR3V",
    "round_closed": True,
    "game_code": "clt_dragonrising",
}


def _request(path: str, content: dict[str, Any], **changes: Any) -> CallbackRequest:
    changed = {k: v for k, v in {**content, **changes}.items() if v != "gone"}
    return request_of(path, json.dumps(changed).encode())


@cache
def _private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def _pem(public: Any) -> str:
    encoded: bytes = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded.decode()


def rsa_key(kid: str = "k-1") -> WebhookKey:
    return key_of(read_secret(_pem(_private().public_key())), kid)


def rsa_sign(body: bytes) -> str:
    signature = _private().sign(body, padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


BODY = json.dumps(BET).encode()


@pytest.mark.parametrize(
    ("path", "header"),
    [("transaction/bet", "x-hub88-signature"), ("wallet/bet", "x-auth-signature")],
)
def test_a_body_signed_with_the_providers_key_is_authentic(path: str, header: str) -> None:
    request = request_of(path, BODY, headers={header: rsa_sign(BODY)})
    key = rsa_key()
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2_048).public_key()
    other = key_of(read_secret(_pem(stranger)), "k-0")
    assert HUB88.authenticate([other, key], request, 300) == key
    assert HUB88.authenticate([other], request, 300) is None
    assert HUB88.authenticate([], request, 300) is None


@pytest.mark.parametrize("path", ["transaction/bet", "wallet/bet"])
def test_the_other_dialects_header_signs_nothing(path: str) -> None:
    header = "x-auth-signature" if path.startswith("transaction") else "x-hub88-signature"
    request = request_of(path, BODY, headers={header: rsa_sign(BODY)})
    assert HUB88.authenticate([rsa_key()], request, 300) is None


def test_openssl_makes_signatures_that_we_take(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    private = tmp_path / "key.pem"
    private.write_bytes(
        _private().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    body = tmp_path / "body.json"
    body.write_bytes(BODY)
    made = subprocess.run(
        [openssl, "dgst", "-sha256", "-sign", str(private), str(body)],
        capture_output=True,
        check=True,
    )
    headers = {"x-hub88-signature": base64.b64encode(made.stdout).decode()}
    assert HUB88.authenticate(
        [rsa_key()], request_of("transaction/bet", BODY, headers=headers), 300
    )


def test_another_padding_or_digest_is_no_signature() -> None:
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    made = [
        _private().sign(BODY, pss, hashes.SHA256()),
        _private().sign(BODY, padding.PKCS1v15(), hashes.SHA1()),  # noqa: S303 - it must fail
        b"",
        b"\x00" * 256,
        b"\x01" * 255,
    ]
    for signature in made:
        headers = {"x-hub88-signature": base64.b64encode(signature).decode()}
        request = request_of("transaction/bet", BODY, headers=headers)
        assert HUB88.authenticate([rsa_key()], request, 300) is None


def test_a_secret_must_be_an_rsa_public_key_of_2048_bits() -> None:
    short = rsa.generate_private_key(public_exponent=65_537, key_size=1_024).public_key()  # noqa: S505 - it must be refused
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    private = _private().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for text in ("", "whsec_abc", _pem(short), _pem(curve), private.decode(), "ключ"):
        with pytest.raises(InvalidSecretError):
            read_secret(text)


def test_a_key_that_is_none_signs_nothing() -> None:
    request = request_of("transaction/bet", BODY, headers={"x-hub88-signature": rsa_sign(BODY)})
    broken = WebhookKey("k", b"not a key", RECEIVED_AT - timedelta(days=1), None)
    assert HUB88.authenticate([broken], request, 300) is None


def test_a_bet_is_a_stake_of_minor_units() -> None:
    event = event_from("hub88", _request("transaction/bet", BET))
    assert (event.operation, event.event_id, event.round_ref) == (
        "stake",
        BET_ID,
        "rNEMwgzJAOZ6eR3V",
    )
    assert (event.player_ref, event.currency, event.game_code) == (
        "player_1",
        "EUR",
        "clt_dragonrising",
    )
    assert (event.bet_minor, event.win_minor, event.session_ref) == (150, 0, TOKEN)
    assert event.needs_live_session
    assert not event.finalized
    assert TOKEN not in str(event.content)


def test_a_win_refers_to_its_bet_and_closes_the_round_where_it_says_so() -> None:
    event = event_from("hub88", _request("transaction/win", WIN))
    assert (event.operation, event.win_minor, event.bet_minor) == ("win", 150, 0)
    assert (event.reference_event_id, event.finalized) == (BET_ID, True)
    assert not event.needs_live_session
    open_round = event_from("hub88", _request("transaction/win", WIN, round_closed=False))
    assert not open_round.finalized


def test_a_rollback_has_neither_amount_nor_currency() -> None:
    event = event_from("hub88", _request("transaction/rollback", ROLLBACK))
    assert (event.operation, event.reference_event_id) == ("rollback", BET_ID)
    assert (event.currency, event.bet_minor, event.refund_minor) == ("", 0, None)
    assert (event.finalized, event.needs_live_session) == (True, False)
    stating = _request("transaction/rollback", ROLLBACK, amount=150_000, currency="EUR")
    assert event_from("hub88", stating).refund_minor == 150


def test_caletas_player_is_the_one_of_the_token() -> None:
    event = event_from("hub88", _request("wallet/bet", BET, user="gone"))
    assert (event.player_ref, event.session_ref) == ("", TOKEN)
    back = event_from("hub88", _request("wallet/rollback", ROLLBACK, user="gone"))
    assert (back.player_ref, back.session_ref, back.currency) == ("", TOKEN, "")


def test_a_jackpot_is_part_of_the_win() -> None:
    event = event_from("hub88", _request("wallet/win", WIN, jackpot_win=100_000))
    assert (event.win_minor, event.jackpot_minor) == (150, 100)
    more = _request("wallet/win", WIN, jackpot_win=151_000)
    assert refusal_from("hub88", more).detail == "jackpot_win"


def test_a_promotions_bet_may_outlast_its_session_and_must_name_one() -> None:
    for is_promo in (True, False):
        request = _request("transaction/bet", BET, is_supplier_promo=is_promo)
        stake = event_from("hub88", request)
        asked = (stake.operation, stake.needs_live_session, stake.may_outlast_session)
        assert asked == ("stake", True, is_promo)
    nowhere = _request("transaction/bet", BET, is_supplier_promo=True, token="gone")
    assert refusal_from("hub88", nowhere).code == "missing_field"


def test_a_promotions_payout_is_a_reward_and_needs_no_session() -> None:
    payout = _request(
        "transaction/win",
        WIN,
        is_supplier_promo=True,
        reference_transaction_uuid="gone",
        token="gone",
    )
    event = event_from("hub88", payout)
    assert (event.operation, event.win_minor, event.session_ref) == ("reward", 150, "")


def test_a_free_bet_costs_nothing_and_its_win_is_paid() -> None:
    stake = event_from("hub88", _request("transaction/bet", BET, is_free=True))
    assert (stake.is_free, stake.bet_minor) == (True, 0)
    assert stake.content["amount"] == 150_000
    win = event_from("hub88", _request("transaction/win", WIN, reward_uuid="r-1"))
    assert (win.is_free, win.win_minor) == (True, 150)
    paid = event_from("hub88", _request("transaction/bet", BET, reward_uuid="r-1"))
    assert (paid.is_free, paid.bet_minor) == (False, 150)


@pytest.mark.parametrize("amount", [150_001, 1, 999])
def test_money_finer_than_the_currency_is_refused_and_never_rounded(amount: int) -> None:
    request = _request("transaction/bet", BET, amount=amount)
    assert refusal_from("hub88", request).code == "bad_amount"


@pytest.mark.parametrize(
    ("units", "currency", "minor"),
    [(356_000, "EUR", 356), (1_500_000, "JPY", 15), (1_100, "KWD", 11), (1, "EUR", None)],
)
def test_units_become_minor_units_and_back(units: int, currency: str, minor: int | None) -> None:
    assert from_units(units, currency) == minor
    if minor is not None:
        assert to_units(minor, currency) == units


@pytest.mark.parametrize("amount", [-1, -150_000, 10**18 + 100_000])
def test_an_amount_that_is_negative_or_beyond_all_money_is_refused(amount: int) -> None:
    request = _request("transaction/bet", BET, amount=amount)
    assert refusal_from("hub88", request).code == "bad_amount"


@pytest.mark.parametrize("amount", ["150000", 150000.5, "1.50", True, [1], {}, 2**63])
def test_an_amount_of_another_type_has_the_wrong_type(amount: object) -> None:
    request = _request("transaction/bet", BET, amount=amount)
    assert refusal_from("hub88", request).code == "bad_field"
    told = said(answer_to("hub88", request, outcome_of("rejected", "bad_field", balance=None)))
    assert told["status"] == "RS_ERROR_WRONG_TYPES"


@pytest.mark.parametrize(
    "name", ["amount", "currency", "transaction_uuid", "round", "game_code", "token",
             "request_uuid"],
)  # fmt: skip
def test_a_missing_field_is_refused(name: str) -> None:
    refusal = refusal_from("hub88", _request("transaction/bet", BET, **{name: "gone"}))
    assert (refusal.code, refusal.detail) == ("missing_field", name)


@pytest.mark.parametrize("path", ["transaction/rollback", "wallet/rollback"])
def test_a_rollback_must_name_its_target(path: str) -> None:
    request = _request(path, ROLLBACK, reference_transaction_uuid="gone")
    assert refusal_from("hub88", request).detail == "reference_transaction_uuid"


def test_demo_play_is_refused() -> None:
    demo = _request("transaction/bet", BET, currency="XXX", token="gone", user="gone")
    assert refusal_from("hub88", demo).code == "wrong_currency"


@pytest.mark.parametrize(
    ("path", "needs_live", "player"),
    [
        ("user/info", True, "player_1"),
        ("user/balance", False, "player_1"),
        ("wallet/check", True, ""),
        ("wallet/balance", False, ""),
    ],
)
def test_a_question_moves_nothing(path: str, needs_live: bool, player: str) -> None:
    query = query_from("hub88", _request(path, BET))
    assert (query.session_ref, query.player_ref) == (TOKEN, player)
    assert query.needs_live_session is needs_live


def test_a_retry_is_the_same_message_and_other_money_is_not() -> None:
    first = event_from("hub88", _request("transaction/bet", BET)).fingerprint
    for changes in ({"token": "t" * 20}, {"request_uuid": "r-2"}, {"unknown": [1]}):
        again = event_from("hub88", _request("transaction/bet", BET, **changes))
        assert again.fingerprint == first, changes
    others: list[dict[str, Any]] = [
        {"amount": 151_000},
        {"currency": "USD"},
        {"round": "r"},
        {"user": "p"},
        {"game_code": "g"},
    ]
    for changes in others:
        again = event_from("hub88", _request("transaction/bet", BET, **changes))
        assert again.fingerprint != first, changes


def test_a_success_echoes_the_request_and_states_the_balance() -> None:
    answer = answer_to("hub88", _request("transaction/bet", BET), outcome_of())
    assert answer.status == 200
    assert said(answer) == {
        "user": "player_1",
        "status": "RS_OK",
        "request_uuid": REQUEST_ID,
        "currency": "EUR",
        "balance": 9_860_000,
    }


def test_a_check_hands_the_token_back() -> None:
    answer = answer_to("hub88", _request("wallet/check", BET), outcome_of())
    assert said(answer)["token"] == TOKEN
    refused = answer_to(
        "hub88", _request("wallet/check", BET), outcome_of("rejected", "session_expired")
    )
    assert "token" not in said(refused)


def test_missing_funds_come_with_the_actual_balance() -> None:
    outcome = outcome_of("rejected", "insufficient_funds", balance=100)
    told = said(answer_to("hub88", _request("transaction/bet", BET), outcome))
    assert (told["status"], told["balance"]) == ("RS_ERROR_NOT_ENOUGH_MONEY", 100_000)


WORDS = {
    "missing_field": "WRONG_SYNTAX",
    "bad_field": "WRONG_TYPES",
    "bad_amount": "WRONG_SYNTAX",
    "unknown_player": "INVALID_TOKEN",
    "unknown_session": "INVALID_TOKEN",
    "session_mismatch": "INVALID_TOKEN",
    "session_missing": "INVALID_TOKEN",
    "session_expired": "TOKEN_EXPIRED",
    "player_blocked": "USER_DISABLED",
    "self_excluded": "USER_DISABLED",
    "time_out": "USER_DISABLED",
    "account_closed": "USER_DISABLED",
    "loss_limit": "LIMIT_REACHED",
    "wager_limit": "LIMIT_REACHED",
    "time_limit": "LIMIT_REACHED",
    "stake_cap": "LIMIT_REACHED",
    "max_bet": "LIMIT_REACHED",
    "insufficient_funds": "NOT_ENOUGH_MONEY",
    "round_closed": "WRONG_SYNTAX",
    "wrong_currency": "WRONG_CURRENCY",
    "unknown_game": "INVALID_GAME",
    "game_not_served": "INVALID_GAME",
    "provider_off": "INVALID_GAME",
    "provider_not_live": "INVALID_GAME",
    "unknown_stake": "TRANSACTION_DOES_NOT_EXIST",
    "stake_rolled_back": "TRANSACTION_DOES_NOT_EXIST",
    "rolled_back": "TRANSACTION_DOES_NOT_EXIST",
    "already_settled": "TRANSACTION_DOES_NOT_EXIST",
    "not_refundable": "TRANSACTION_DOES_NOT_EXIST",
    "amount_mismatch": "DUPLICATE_TRANSACTION",
    "ledger_unavailable": "UNKNOWN",
    "clock_skew": "UNKNOWN",
}
CALETA = {
    "stake_rolled_back": "TRANSACTION_ROLLED_BACK",
    "rolled_back": "TRANSACTION_ROLLED_BACK",
    **dict.fromkeys(
        ("loss_limit", "wager_limit", "time_limit", "stake_cap", "max_bet"), "BET_LIMIT_EXCEEDED"
    ),
}


@pytest.mark.parametrize("code", WORDS)
def test_each_refusal_has_its_word_in_both_dialects(code: str) -> None:
    outcome = outcome_of("rejected", code)
    hub88 = answer_to("hub88", _request("transaction/bet", BET), outcome)
    assert (hub88.status, said(hub88)["status"]) == (200, f"RS_ERROR_{WORDS[code]}")
    caleta = said(answer_to("hub88", _request("wallet/bet", BET), outcome))
    assert caleta["status"] == f"RS_ERROR_{CALETA.get(code, WORDS[code])}"


def test_every_refusal_is_in_the_table() -> None:
    assert set(EVERY_CODE) - {"late", "unknown_target"} == set(WORDS)


def test_a_conflict_is_a_duplicate_with_other_data() -> None:
    told = said(answer_to("hub88", _request("transaction/bet", BET), outcome_of("conflict")))
    assert told["status"] == "RS_ERROR_DUPLICATE_TRANSACTION"


@pytest.mark.parametrize("status", ["accepted", "tentative", "duplicate"])
@pytest.mark.parametrize("code", ["", "late", "unknown_target"])
def test_what_is_booked_is_ok(status: str, code: str) -> None:
    told = said(answer_to("hub88", _request("transaction/win", WIN), outcome_of(status, code)))
    assert told["status"] == "RS_OK"


def test_a_parked_message_makes_the_provider_come_again() -> None:
    for code in ("", "unknown_player", "ledger_unavailable"):
        outcome = outcome_of("parked", code, balance=None)
        told = said(answer_to("hub88", _request("transaction/win", WIN), outcome))
        assert told["status"] == "RS_ERROR_UNKNOWN"


def test_the_rollback_of_an_unknown_bet_is_ok_unless_the_contract_says_otherwise() -> None:
    request = _request("transaction/rollback", ROLLBACK)
    outcome = outcome_of("accepted", "unknown_target", balance=None, currency="")
    assert said(answer_to("hub88", request, outcome))["status"] == "RS_OK"
    strict = Policy(unknown_rollback="not_found")
    told = said(answer_to("hub88", request, outcome, policy=strict))
    assert told["status"] == "RS_ERROR_TRANSACTION_DOES_NOT_EXIST"


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("unauthenticated", "RS_ERROR_INVALID_SIGNATURE"),
        ("unavailable", "RS_ERROR_UNKNOWN"),
        ("overloaded", "RS_ERROR_UNKNOWN"),
        ("too_slow", "RS_ERROR_UNKNOWN"),
        ("too_large", "RS_ERROR_WRONG_SYNTAX"),
        ("malformed_json", "RS_ERROR_WRONG_SYNTAX"),
    ],
)
def test_what_was_not_judged_has_its_word_and_200(code: str, word: str) -> None:
    answer = HUB88.refuse(None, code)
    assert (answer.status, said(answer)) == (200, {"status": word})
