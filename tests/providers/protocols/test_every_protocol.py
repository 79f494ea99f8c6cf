"""What every protocol but our own must keep, whatever is sent to it."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.providers.adapters.contract import Adapter, CallbackRequest, EnvelopeError
from apps.providers.adapters.hmac_hex import sign
from apps.providers.adapters.registry import ADAPTERS, adapter_for
from apps.providers.adapters.strict import ID
from apps.providers.contracts import CanonicalEvent, CanonicalQuery, EventRefusal, Policy
from apps.providers.enums import Protocol
from tests.providers.protocols.messages import (
    EVERY_CODE,
    EVERY_STATUS,
    UNDECIDED_CODES,
    key_of,
    outcome_of,
    profile_of,
    request_of,
    said,
)
from tests.providers.protocols.test_hub88 import BET as HUB88_BET
from tests.providers.protocols.test_hub88 import ROLLBACK as HUB88_ROLLBACK
from tests.providers.protocols.test_hub88 import WIN as HUB88_WIN
from tests.providers.protocols.test_hub88 import rsa_key, rsa_sign
from tests.providers.protocols.test_iplaygames import BET as IPLAYGAMES_BET
from tests.providers.protocols.test_swipe import BALANCE_QUERY
from tests.providers.protocols.test_swipe import BET as SWIPE_BET
from tests.providers.protocols.test_swipe import REFUND as SWIPE_REFUND
from tests.providers.protocols.test_swipe import WIN as SWIPE_WIN

KEY = key_of(b"pitboss-example-key")


def _hub88(path: str, content: dict[str, Any]) -> CallbackRequest:
    return request_of(path, json.dumps(content).encode())


def _iplaygames(kind: str) -> CallbackRequest:
    return request_of("", json.dumps({**json.loads(IPLAYGAMES_BET), "type": kind}).encode())


GOOD = [
    ("swipe", request_of("balance", query=BALANCE_QUERY, method="GET")),
    ("swipe", request_of("bet", SWIPE_BET)),
    ("swipe", request_of("win", SWIPE_WIN)),
    ("swipe", request_of("refund", SWIPE_REFUND)),
    *[
        ("hub88", _hub88(path, content))
        for path, content in {
            "user/info": HUB88_BET,
            "user/balance": HUB88_BET,
            "transaction/bet": HUB88_BET,
            "transaction/win": HUB88_WIN,
            "transaction/rollback": HUB88_ROLLBACK,
            "wallet/check": HUB88_BET,
            "wallet/balance": HUB88_BET,
            "wallet/bet": HUB88_BET,
            "wallet/win": HUB88_WIN,
            "wallet/rollback": HUB88_ROLLBACK,
        }.items()
    ],
    *[
        ("iplaygames", _iplaygames(kind))
        for kind in ("authenticate", "balance_check", "bet", "win", "rollback", "reward")
    ],
]
IDS = [f"{name} {request.path} {index}" for index, (name, request) in enumerate(GOOD)]
_EVERY = st.sampled_from(GOOD)

_TEXT = st.text(st.sampled_from('aZ09-_.:~@ +/%&={}[]"\\,\x00\x7fé١\ud800\U0001f600'), max_size=12)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | _TEXT
    | st.sampled_from(["0", "1.5", "-1", "1e9", "NaN", 2**63, 2**63 - 1, -1, "EUR", "XXX", "\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)

_FIELDS = [
    "amount",
    "txID",
    "roundID",
    "sessionID",
    "type",
    "frID",
    "origTxID",
    "user",
    "token",
    "request_uuid",
    "round",
    "transaction_uuid",
    "reference_transaction_uuid",
    "round_closed",
    "game_code",
    "currency",
    "is_free",
    "is_supplier_promo",
    "jackpot_win",
    "reward_uuid",
    "player_id",
    "game_id",
    "transaction_id",
    "round_id",
    "session_id",
    "timestamp",
    "is_freespin",
    "is_freespin_round",
    "extra",
]


def _parsed(adapter: Adapter, request: CallbackRequest) -> tuple[Any, ...] | None:
    try:
        return adapter.parse(profile_of(adapter.protocol), request)
    except EnvelopeError:
        return None


def _with_body(request: CallbackRequest, body: bytes) -> CallbackRequest:
    return request_of(request.path, body, query=request.query, method=request.method)


def test_every_protocol_that_can_be_chosen_has_an_adapter() -> None:
    assert set(ADAPTERS) == set(Protocol.values)
    for protocol, adapter in ADAPTERS.items():
        assert adapter.protocol == protocol


@pytest.mark.parametrize(("protocol", "request_"), GOOD, ids=IDS)
def test_every_route_takes_its_message(protocol: str, request_: CallbackRequest) -> None:
    adapter = adapter_for(protocol)
    assert request_.method in adapter.routes[request_.path]
    (message,) = adapter.parse(profile_of(protocol), request_)
    assert isinstance(message, (CanonicalEvent, CanonicalQuery))
    assert len(adapter.message_id(request_)) <= 64
    if isinstance(message, CanonicalEvent):
        assert len(message.fingerprint) == 64
        assert message.reference_event_id or message.round_type != "rollback"


@pytest.mark.parametrize(("protocol", "request_"), GOOD, ids=IDS)
def test_every_outcome_can_be_rendered(protocol: str, request_: CallbackRequest) -> None:
    adapter, profile = adapter_for(protocol), profile_of(protocol)
    parsed = adapter.parse(profile, request_)
    outcomes = [
        outcome
        for status in EVERY_STATUS
        for code in ("", *EVERY_CODE, "never_heard_of")
        for outcome in (
            outcome_of(status, code),
            outcome_of(status, code, balance=None, currency="", our_id=None, player_ref=""),
            outcome_of(status, code, balance=10**15, currency="JPY"),
            outcome_of(status, code, balance=0, currency="ZZZ"),
        )
    ]
    for outcome in outcomes:
        answer = adapter.render(profile, request_, parsed, [outcome])
        assert isinstance(said(answer), dict)


@pytest.mark.parametrize(("protocol", "request_"), GOOD, ids=IDS)
@pytest.mark.parametrize("status", ["accepted", "tentative", "duplicate"])
def test_what_is_committed_is_never_answered_with_a_refusal(
    protocol: str, request_: CallbackRequest, status: str
) -> None:
    adapter, profile = adapter_for(protocol), profile_of(protocol)
    parsed = adapter.parse(profile, request_)
    for code in ("", "late", "overdrawn", "balance_mismatch", "rolled_back"):
        answer = adapter.render(profile, request_, parsed, [outcome_of(status, code)])
        assert answer.status == 200
        assert said(answer).get("status", "RS_OK") in {"RS_OK", "success"}


@pytest.mark.parametrize(("protocol", "request_"), GOOD, ids=IDS)
@pytest.mark.parametrize("code", sorted(UNDECIDED_CODES))
def test_what_is_not_decided_is_never_a_definite_refusal(
    protocol: str, request_: CallbackRequest, code: str
) -> None:
    adapter, profile = adapter_for(protocol), profile_of(protocol)
    parsed = adapter.parse(profile, request_)
    for status in ("parked", "rejected"):
        answer = adapter.render(profile, request_, parsed, [outcome_of(status, code)])
        assert answer.status >= 500 or said(answer)["status"] == "RS_ERROR_UNKNOWN"


@given(case=_EVERY, body=st.binary(max_size=200))
def test_no_bytes_make_parsing_fail_but_as_it_may(
    case: tuple[str, CallbackRequest], body: bytes
) -> None:
    protocol, request = case
    adapter = adapter_for(protocol)
    changed = _with_body(request, body)
    _parsed(adapter, changed)
    assert len(adapter.message_id(changed)) <= 64
    assert adapter.authenticate([KEY], changed, 300) is None


@given(
    case=_EVERY,
    changes=st.dictionaries(
        st.sampled_from(_FIELDS),
        _JSON,
        max_size=4,
    ),
)
def test_no_field_makes_parsing_fail_but_as_it_may(
    case: tuple[str, CallbackRequest], changes: dict[str, Any]
) -> None:
    protocol, request = case
    if request.method == "GET":
        return
    adapter = adapter_for(protocol)
    content = {**json.loads(request.body), **changes}
    changed = _with_body(request, json.dumps(content).encode())
    parsed = _parsed(adapter, changed)
    for message in parsed or ():
        if isinstance(message, EventRefusal):
            assert message.code in {"missing_field", "bad_field", "bad_amount", "wrong_currency"}
            assert message.event_id == "" or ID.fullmatch(message.event_id)
        elif isinstance(message, CanonicalEvent):
            assert 0 <= message.bet_minor <= 10**15
            assert 0 <= message.win_minor <= 10**15
            assert 0 <= message.jackpot_minor <= message.win_minor
            assert "\x00" not in json.dumps(message.content, default=str, ensure_ascii=False)
    if parsed:
        outcome = outcome_of("rejected", "bad_field", balance=None, currency="")
        adapter.render(profile_of(protocol), changed, parsed, [outcome])


@given(query=_TEXT)
def test_no_query_makes_a_balance_fail_but_as_it_may(query: str) -> None:
    adapter = adapter_for("swipe")
    request = request_of("balance", query=query, method="GET")
    _parsed(adapter, request)
    assert adapter.authenticate([KEY], request, 300) is None


@given(
    case=_EVERY,
    header=_TEXT | st.binary(max_size=300).map(lambda raw: base64.b64encode(raw).decode()),
)
def test_no_header_makes_authentication_fail(
    case: tuple[str, CallbackRequest], header: str
) -> None:
    protocol, request = case
    names = ("x-request-sign", "x-hub88-signature", "x-auth-signature", "x-signature")
    changed = request_of(
        request.path,
        request.body,
        query=request.query,
        method=request.method,
        headers=dict.fromkeys(names, header),
    )
    for key in (KEY, rsa_key()):
        assert adapter_for(protocol).authenticate([key], changed, 300) is None


@pytest.mark.parametrize(("protocol", "request_"), GOOD, ids=IDS)
def test_a_request_without_a_signature_is_not_authentic(
    protocol: str, request_: CallbackRequest
) -> None:
    adapter = adapter_for(protocol)
    assert adapter.authenticate([KEY, rsa_key()], request_, 300) is None
    told = adapter.refuse(request_, "unauthenticated")
    assert told.status == 401 or said(told) == {"status": "RS_ERROR_INVALID_SIGNATURE"}


@pytest.mark.parametrize(
    ("protocol", "request_", "header", "signature"),
    [
        ("swipe", GOOD[1][1], "x-request-sign", sign(KEY.secret, SWIPE_BET)),
        ("iplaygames", GOOD[16][1], "x-signature", sign(KEY.secret, GOOD[16][1].body)),
        ("hub88", GOOD[6][1], "x-hub88-signature", rsa_sign(GOOD[6][1].body)),
        ("hub88", GOOD[11][1], "x-auth-signature", rsa_sign(GOOD[11][1].body)),
    ],
)  # fmt: skip
def test_one_changed_byte_is_not_authentic(
    protocol: str, request_: CallbackRequest, header: str, signature: str
) -> None:
    adapter, keys = adapter_for(protocol), [KEY, rsa_key()]

    def signed(body: bytes, given: str) -> CallbackRequest:
        return request_of(request_.path, body, headers={header: given})

    body = request_.body
    assert adapter.authenticate(keys, signed(body, signature), 300) is not None
    for index in range(0, len(body), 7):
        changed = body[:index] + bytes([body[index] ^ 1]) + body[index + 1 :]
        assert adapter.authenticate(keys, signed(changed, signature), 300) is None
    reordered = json.dumps(json.loads(body), indent=1).encode()
    for other in (body + b" ", b" " + body, reordered, b""):
        assert adapter.authenticate(keys, signed(other, signature), 300) is None
    for given_ in (signature + ",", f"{signature}, {signature}", signature.swapcase(), ""):
        assert adapter.authenticate(keys, signed(body, given_), 300) is None


@pytest.mark.parametrize("protocol", [name for name in ADAPTERS if name != "native"])
@pytest.mark.parametrize(
    "code", ["unauthenticated", "too_large", "unavailable", "overloaded", "flooding", "whatever"]
)
def test_every_protocol_answers_what_was_not_judged(protocol: str, code: str) -> None:
    answer = adapter_for(protocol).refuse(None, code)
    assert 200 <= answer.status < 600
    assert isinstance(said(answer), dict)


@pytest.mark.parametrize("protocol", list(ADAPTERS))
def test_a_provider_that_floods_is_told_so_and_to_come_again(protocol: str) -> None:
    answer = adapter_for(protocol).refuse(None, "flooding")
    assert (answer.status, answer.headers["retry-after"]) == (429, "5")


@pytest.mark.parametrize(("name", "request_"), GOOD, ids=IDS)
def test_headers_alone_tell_what_nobody_can_have_signed(
    name: str, request_: CallbackRequest
) -> None:
    adapter = adapter_for(name)
    header = {
        "swipe": "x-request-sign",
        "iplaygames": "x-signature",
        "hub88": "x-auth-signature" if "wallet" in request_.path else "x-hub88-signature",
    }[name]
    good = base64.b64encode(b"s" * 256).decode() if name == "hub88" else "a" * 64

    def may_be(headers: dict[str, str]) -> bool:
        return adapter.may_be_signed(replace(request_, headers=headers))

    assert may_be({header: good})
    assert not any(may_be(headers) for headers in ({}, {header: ""}, {header: good + "!"}))


def test_defaults_never_pay_without_a_stake_nor_answer_a_late_stake_with_success() -> None:
    for protocol in ("swipe", "hub88", "iplaygames"):
        policy = adapter_for(protocol).default_policy
        assert policy.late_stake == "refuse"
        assert policy.win_without_stake != "allow"
        assert policy.stake_after_close == Policy().stake_after_close
