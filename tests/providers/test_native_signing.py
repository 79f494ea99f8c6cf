"""Who may speak for a provider: the Standard Webhooks envelope, strictly."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from apps.providers.adapters.native.signing import checksum, decode_secret, sign, verify
from apps.providers.contracts import WebhookKey
from apps.providers.errors import InvalidSecretError

NOW = datetime(2026, 11, 18, 10, tzinfo=UTC)
STAMP = int(NOW.timestamp())
BODY = b'{"event_id": "e-1"}'
SECRET = b"s" * 32
OTHER = b"o" * 32
ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)


def key(secret: bytes = SECRET, kid: str = "k-1") -> WebhookKey:
    return WebhookKey(kid=kid, secret=secret, not_before=ALWAYS, not_after=None)


def headers(
    *, message_id: str = "msg_1", stamp: str = str(STAMP), signature: str | None = None
) -> dict[str, str]:
    if signature is None:
        signature = sign(SECRET, message_id, stamp, BODY)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": signature,
    }


def signer(
    given_headers: dict[str, str], body: bytes = BODY, *keys: WebhookKey, now: datetime = NOW
) -> str | None:
    """Return the id of the key that the verifier recognised, if any."""
    found = verify(keys or (key(),), given_headers, body, now=now, tolerance_seconds=300)
    return None if found is None else found.kid


def test_the_published_vector_of_standard_webhooks_verifies() -> None:
    """The example of the specification and of its reference libraries."""
    secret = decode_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == signature
    sent = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": signature,
    }
    at = datetime.fromtimestamp(1614265330, UTC)
    assert signer(sent, body, key(secret), now=at) == "k-1"


@settings(max_examples=200, deadline=None)
@given(
    secret=st.binary(min_size=24, max_size=64),
    message_id=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    age=st.integers(-299, 299),
    text=st.text(st.characters(codec="utf-8"), max_size=200),
)
def test_we_agree_with_the_reference_library_on_every_valid_message(
    secret: bytes, message_id: str, age: int, text: str
) -> None:
    at = NOW + timedelta(seconds=age)
    reference = Webhook(base64.b64encode(secret).decode())
    signature = reference.sign(message_id, at, text)
    assert sign(secret, message_id, int(at.timestamp()), text.encode()) == signature
    sent = headers(message_id=message_id, stamp=str(int(at.timestamp())), signature=signature)
    assert signer(sent, text.encode(), key(secret)) == "k-1"
    assert signer(sent, text.encode() + b" ", key(secret)) is None


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_empty_or_repeated_header_proves_nothing(name: str) -> None:
    sent = headers()
    repeated = f"{sent[name]},{sent[name]}"
    assert signer({k: v for k, v in sent.items() if k != name}) is None
    assert signer(sent | {name: ""}) is None
    assert signer(sent | {name: repeated}) is None


@pytest.mark.parametrize(
    "stamp",
    [
        f"{STAMP}.9",
        f" {STAMP} ",
        f"{STAMP}\n",
        f"+{STAMP}",
        f"-{STAMP}",
        hex(STAMP),
        "1_795_000_000",
        "١٧٩٥٠٠٠٠٠٠",
        "nan",
        "1e9",
        "9" * 13,
        "9" * 40,
        "-1",
        "0",
    ],
)
def test_a_timestamp_is_plain_digits_near_our_clock_even_when_signed(stamp: str) -> None:
    assert signer(headers(stamp=stamp)) is None


@pytest.mark.parametrize(
    "signature",
    [
        "v1",
        "v1,",
        ",",
        "v1,,",
        " {good}",
        "{good} ",
        "{good}\n",
        "{good}=",
        "{short}",
        "{urlsafe}",
        "v1,{junk}",
        "v2,{bare}",
        "V1,{bare}",
        "{bare}",
        "{good},{good}",
        "v1,é" + "A" * 42 + "=",
        "v1," + "A" * 43 + "=",
        "{good} v1,!",
    ],
)
def test_a_signature_of_another_form_raises_nothing_and_proves_nothing(signature: str) -> None:
    good = headers()["webhook-signature"]
    text = signature.format(
        good=good,
        bare=good[3:],
        short=good[:-1],
        junk=good[3:20] + "\n" + good[20:],
        urlsafe="v1,"
        + good[3:].translate(str.maketrans("+/", "-_"))
        + ("" if {*good} & {*"+/"} else "_"),
    )
    expected = "k-1" if text.split(" ")[0] == good or text.split(" ")[-1] == good else None
    assert signer(headers(signature=text)) == expected


def test_more_than_eight_signatures_or_a_huge_header_are_not_even_compared() -> None:
    good = headers()["webhook-signature"]
    bad = "v1," + "A" * 43 + "="
    assert signer(headers(signature=" ".join([bad] * 7 + [good]))) == "k-1"
    assert signer(headers(signature=" ".join([bad] * 8 + [good]))) is None
    assert signer(headers(signature=good + " " + "x" * 65_536)) is None


@pytest.mark.parametrize(
    ("age", "is_accepted"),
    [(300, True), (301, False), (-300, True), (-301, False), (-31_536_000, False)],
)
def test_the_clock_may_be_off_by_the_tolerance_and_no_second_more_on_both_sides(
    age: int, *, is_accepted: bool
) -> None:
    sent = headers(stamp=str(STAMP - age))
    assert (signer(sent) is not None) == is_accepted


@pytest.mark.parametrize(
    "message_id", ["", "a.b", "msg 1", "msg_1\n", "é", "x" * 65, "msg/1", "msg,1"]
)
def test_a_message_id_that_could_move_the_dots_is_refused_even_when_signed(
    message_id: str,
) -> None:
    sent = headers(message_id=message_id)
    assert signer(sent) is None


def test_no_bit_of_body_id_or_timestamp_can_change_after_signing() -> None:
    sent = headers()
    for position in range(len(BODY) * 8):
        altered = bytearray(BODY)
        altered[position // 8] ^= 1 << (position % 8)
        assert signer(sent, bytes(altered)) is None
    assert signer(sent | {"webhook-id": "msg_2"}) is None
    assert signer(sent | {"webhook-timestamp": str(STAMP + 1)}) is None


def test_only_the_raw_bytes_count_not_equal_json() -> None:
    assert signer(headers(), BODY.replace(b": ", b":")) is None
    assert signer(headers(), BODY.replace(b"e-1", b"e\\u002d1")) is None


def test_any_of_several_keys_may_sign_and_the_one_that_did_is_named() -> None:
    old, new = key(SECRET, "k-old"), key(OTHER, "k-new")
    by_new = sign(OTHER, "msg_1", STAMP, BODY)
    by_old = sign(SECRET, "msg_1", STAMP, BODY)
    assert signer(headers(signature=by_new), BODY, old, new) == "k-new"
    assert signer(headers(signature=by_old), BODY, old, new) == "k-old"
    assert signer(headers(signature=f"{by_old} {by_new}"), BODY, new) == "k-new"
    assert signer(headers(signature=by_old), BODY, new) is None
    assert verify((), headers(), BODY, now=NOW, tolerance_seconds=300) is None


def test_a_key_counts_from_its_first_moment_until_just_before_its_end() -> None:
    end = NOW + timedelta(days=1)
    bounded = WebhookKey(kid="k", secret=SECRET, not_before=NOW, not_after=end)
    assert not bounded.is_active(NOW - timedelta(microseconds=1))
    assert bounded.is_active(NOW)
    assert bounded.is_active(end - timedelta(microseconds=1))
    assert not bounded.is_active(end)


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", "whsec_!!!!", "whsec_" + "A" * 28, "whsec_" + "A" * 88, "QUJD" * 8, "whsec_é"],
)
def test_a_secret_is_whsec_and_24_to_64_bytes_of_base64(text: str) -> None:
    with pytest.raises(InvalidSecretError):
        decode_secret(text)


def test_the_checksum_is_over_the_values_as_sent() -> None:
    event = {
        "event_id": "a1-000001",
        "player_id": "p-1001",
        "timestamp": "2026-11-20T10:15:30.123Z",
        "bet_amount": "2.00",
        "win_amount": "3.50",
        "currency": "AUD",
        "game_code": "aurora-reef",
        "round_type": "base",
        "balance_before": "100.00",
        "balance_after": "101.50",
        "finalized": True,
    }
    text = (
        "a1-000001|p-1001|2026-11-20T10:15:30.123Z|2.00|3.50|AUD|aurora-reef|base"
        "|100.00|101.50|true"
    )
    assert checksum(SECRET, event) == hmac.new(SECRET, text.encode(), hashlib.sha256).hexdigest()
    assert checksum(SECRET, event | {"finalized": False}) != checksum(SECRET, event)
    assert checksum(SECRET, event | {"bet_amount": "2.0"}) != checksum(SECRET, event)
