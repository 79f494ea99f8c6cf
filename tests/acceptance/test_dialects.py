"""The providers' side against the published vectors: what it signs is what a provider signs."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from apps.simulator.dialects.contract import (
    Move,
    Request,
    Seat,
    Step,
    Verdict,
    main_units,
    minor_units,
)
from apps.simulator.dialects.hub88 import Caleta, Hub88
from apps.simulator.dialects.iplaygames import IPlayGames
from apps.simulator.dialects.native import Native
from apps.simulator.dialects.registry import DIALECTS
from apps.simulator.dialects.swipe import Swipe

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
KEY = "pitboss-example-key"
SESSION = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
ROUND = "b78e42f8-2041-482d-9c4b-f2ca79fc75e3"
BET = "c27ccade-5a45-4157-a85f-7d023a689ea5"
SEAT = Seat("player_456", SESSION, "EUR", "123")


def swipe_signature(move: Move) -> tuple[str, Request]:
    dialect = Swipe()
    key = dialect.key_from(KEY)
    request = dialect.write(move, key=key, now=NOW)
    return dialect.sign(request, key, now=NOW)["x-request-sign"], request


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (
            Move(Step.BALANCE, SEAT),
            "2eba0692c916eb174b9316155ef6c652f16d0a273700778b04fb6bdc8df5def8",
        ),
        (
            Move(Step.STAKE, SEAT, tx_id=BET, round_id=ROUND, amount_minor=150),
            "3b6bfb188dd7e871a7c9895ebe8a8aa03afa2b9880c588f169c9320efa0969e1",
        ),
        (
            Move(
                Step.WIN,
                SEAT,
                tx_id="0d6b3f0e-2b0f-4f0f-9a3e-0f7a7f3f5b11",
                round_id=ROUND,
                amount_minor=420,
            ),
            "77e9e7853dc8937875e96b4ca60a0f0faec84f0a657cb6deb624a656f861c1b2",
        ),
        (
            Move(
                Step.ROLLBACK,
                SEAT,
                tx_id="5a1f0c55-7a3e-4a47-8a0e-1f2d3c4b5a69",
                round_id=ROUND,
                amount_minor=150,
                target_id=BET,
            ),
            "936eddc2e20d5ad85dfaeaf75d2f8b3866508bf9647c0dd4f5b49a190e8528a7",
        ),
        (
            Move(
                Step.STAKE,
                SEAT,
                tx_id="3f1e9a52-0f44-4a8e-b6a5-0a4be0a0c001",
                round_id=ROUND,
                amount_minor=20,
                is_free=True,
                campaign="fr_777",
            ),
            "c44d7361c9e825287a93c0fff747286a08799c3ca56cdc32f589dcc182f5f045",
        ),
        (
            Move(
                Step.WIN,
                SEAT,
                tx_id="3f1e9a52-0f44-4a8e-b6a5-0a4be0a0c002",
                round_id=ROUND,
                amount_minor=1_240,
                campaign="fr_777",
            ),
            "457fe4685b48bdaa8bc6c0f32efbf836d036e8e5565f45e892701a867cf39126",
        ),
    ],
)
def test_swipe_messages_carry_the_signatures_of_the_reference(move: Move, expected: str) -> None:
    assert swipe_signature(move)[0] == expected


def test_an_iplaygames_bet_has_the_bytes_and_the_signature_of_the_reference() -> None:
    dialect = IPlayGames()
    key = dialect.key_from(KEY)
    move = Move(
        Step.STAKE,
        Seat("player_456", "s_1", "USD", "123"),
        tx_id="900001",
        round_id="r_1",
        amount_minor=150,
    )
    ours = json.loads(dialect.write(move, key=key, now=NOW).body)
    reference = (
        b'{"type":"bet","player_id":"player_456","currency":"USD","game_id":123,'
        b'"game_type":"slot","transaction_id":900001,"amount":150,"session_id":"s_1",'
        b'"round_id":"r_1","timestamp":"2026-01-15T10:30:00Z"}'
    )
    assert ours == json.loads(reference)
    assert dialect.sign(Request("POST", "", reference), key, now=NOW) == {
        "x-signature": "42f62213b2249dd4aa4647a8b8bc8ba65a81c45aab1362dad4e97e809e58192e"
    }


@pytest.mark.parametrize("dialect", [Hub88(), Caleta()], ids=["hub88", "caleta"])
def test_hub88_signs_the_raw_bytes_with_a_key_whose_public_half_is_registered(
    dialect: Hub88,
) -> None:
    key = dialect.new_key()
    request = dialect.write(Move(Step.BALANCE, SEAT), key=key, now=NOW)
    signature = dialect.sign(request, key, now=NOW)[dialect.signature_header]
    public = serialization.load_pem_public_key(key.registered.encode())
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(base64.b64decode(signature), request.body, padding.PKCS1v15(), hashes.SHA256())


def test_a_native_event_carries_the_checksum_of_its_values_as_sent() -> None:
    dialect = Native()
    key = dialect.new_key()
    move = Move(
        Step.STAKE, SEAT, tx_id="a-1", round_id="r-1", amount_minor=150, before_minor=1_000, at=NOW
    )
    event = json.loads(dialect.write(move, key=key, now=NOW).body)
    text = "a-1|player_456|2026-01-15T10:30:00.000Z|1.50|0.00|EUR|123|base|10.00|8.50|false"
    assert event["checksum"] == hmac.new(key.signing, text.encode(), hashlib.sha256).hexdigest()


def test_a_repeated_native_event_is_the_same_to_the_byte() -> None:
    dialect = Native()
    key = dialect.new_key()
    move = Move(Step.STAKE, SEAT, tx_id="a-1", round_id="r-1", amount_minor=150, at=NOW)
    first = dialect.write(move, key=key, now=NOW)
    assert dialect.write(move, key=key, now=datetime.now(UTC)).body == first.body


def test_amounts_are_written_exactly() -> None:
    assert main_units(6_372_709_234, "EUR") == "63727092.34"
    assert main_units(1, "EUR") == "0.01"
    assert main_units(7, "JPY") == "7"
    assert main_units(1, "KWD") == "0.001"
    assert Hub88().amount(356, "EUR") == 356_000
    assert Hub88().amount(3, "JPY") == 300_000
    assert minor_units("19.99", "EUR") == 1_999
    assert minor_units("19.999", "EUR") is None
    assert minor_units("NaN", "EUR") is None
    assert minor_units(19.99, "EUR") is None


def answer_of(name: str, status: int, body: str) -> tuple[Verdict, str, int | None]:
    answer = DIALECTS[name]().read(Move(Step.STAKE, SEAT), status, body.encode())
    return answer.verdict, answer.code, answer.balance_minor


@pytest.mark.parametrize(
    ("name", "status", "body", "expected"),
    [
        ("swipe", 200, '{"balance":"98.60","txID":"pb-1"}', (Verdict.OK, "", 9_860)),
        ("swipe", 200, "{}", (Verdict.RETRYABLE, "no valid body", None)),
        (
            "swipe",
            400,
            '{"message":"no","code":"insufficient_funds"}',
            (Verdict.REFUSED, "insufficient_funds", None),
        ),
        ("swipe", 401, "{}", (Verdict.UNAUTHENTICATED, "", None)),
        ("swipe", 500, "{}", (Verdict.RETRYABLE, "", None)),
        ("hub88", 200, '{"status":"RS_OK","balance":9860000}', (Verdict.OK, "", 9_860)),
        (
            "hub88",
            200,
            '{"status":"RS_ERROR_UNKNOWN"}',
            (Verdict.RETRYABLE, "RS_ERROR_UNKNOWN", None),
        ),
        (
            "hub88",
            200,
            '{"status":"RS_ERROR_NOT_ENOUGH_MONEY","balance":100000}',
            (Verdict.REFUSED, "RS_ERROR_NOT_ENOUGH_MONEY", 100),
        ),
        ("hub88", 200, "<html>", (Verdict.RETRYABLE, "HTTP 200", None)),
        ("iplaygames", 200, '{"status":"success","balance":9850}', (Verdict.OK, "", 9_850)),
        (
            "iplaygames",
            200,
            '{"status":"success","balance":9850,"already_processed":true}',
            (Verdict.REPEAT, "", 9_850),
        ),
        ("iplaygames", 401, '{"error":"Invalid signature"}', (Verdict.UNAUTHENTICATED, "", None)),
        (
            "native",
            200,
            '{"results":[{"event_id":"a","status":"conflict","code":null,"balance":"1.00"}]}',
            (Verdict.REFUSED, "conflict", 100),
        ),
        ("native", 503, '{"error":"unavailable"}', (Verdict.RETRYABLE, "unavailable", None)),
    ],
)
def test_an_answer_is_understood_as_the_provider_would(
    name: str, status: int, body: str, expected: tuple[Verdict, str, int | None]
) -> None:
    assert answer_of(name, status, body) == expected
