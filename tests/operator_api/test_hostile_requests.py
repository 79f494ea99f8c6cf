"""Whatever a client sends is answered by what the API says: never a 500, never a silent yes."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.operator_api.api.authentication import PerClient
from apps.operator_api.models import IdempotentRequest
from apps.play.models import GameSession
from apps.wallet.models import Transfer
from tests.operator_api.builders import Api, make_api, make_casino

pytestmark = pytest.mark.django_db

CORPUS: list[Any] = [
    *("", " ", "\x00", "a\x00b", "\ud800", "\uffff", "é" * 200, "x" * 50_000, "' OR 1=1 --"),
    *("../../etc/passwd", "{{7*7}}", "<script>", "%00", "NaN", "-0", "1e999", "null", "٣"),
    *(0, -1, 2**63, -(2**63) - 1, 10**400, 1.5, 1e308, True, False, None),
    *([], {}, [[]], [{}], {"a": {"b": {}}}, ["x"] * 100),
    *("9999-12-31T23:59:59Z", "0000-00-00", "2026-02-30", "2026-11-22T10:15:30+99:99"),
]
BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "sessions": ("POST", {"player_id": "p-1001", "provider": "aurora", "game": "aurora-reef"}),
    "transfers": (
        "POST",
        {
            "player_id": "p-1001",
            "kind": "deposit",
            "amount": "1.00",
            "currency": "EUR",
            "reference": "x",
        },
    ),
    "cash-outs": ("POST", {"player_id": "p-1001", "provider": "aurora", "reference": "x"}),
    "players/p-1001": (
        "PUT",
        {
            "currency": "EUR",
            "jurisdiction": "MT",
            "kyc_status": "verified",
            "status": "active",
            "date_of_birth": "1990-05-17",
            "limits": [{"kind": "deposit_24h", "amount": "10.00"}],
            "exclusion": None,
        },
    ),
}
KEY: dict[str, Any] = {"Idempotency-Key": "k-1"}
FIELDS = [(path, name) for path, (_, body) in BODIES.items() for name in body]
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)
_slow = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def _as_often_as_one_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PerClient, "THROTTLE_RATES", {"operator_api": "1000000/min"})


@pytest.fixture
def api() -> Api:
    make_casino()
    return make_api()


def _send(api: Api, path: str, body: Any, method: str = "") -> tuple[int, Any]:
    status, answer = api.call(method or BODIES[path][0], path, body, **KEY)
    if status >= 400:
        assert answer.keys() >= {"code", "detail", "errors"}, (status, answer)
    return status, answer


@pytest.mark.parametrize(("path", "name"), FIELDS)
def test_each_field_takes_any_value_without_an_error_of_ours(
    api: Api, path: str, name: str
) -> None:
    for value in CORPUS:
        body = {**BODIES[path][1], name: value}
        status, answer = _send(api, path, body)
        assert status < 500, (value, answer)
        if isinstance(value, (dict, float)) or (isinstance(value, str) and "\x00" in value):
            assert status in {400, 422}, (name, value, answer)


@pytest.mark.parametrize("path", BODIES)
def test_a_body_is_a_json_object_with_the_named_fields(api: Api, path: str) -> None:
    method, body = BODIES[path]
    good = json.dumps(body)
    raw = [
        *(b"", b"null", b"[]", b"1", b'"x"', b"{", b"[" * 60_000, b'{"a":' * 10_000, b"\xff\xfe"),
        *(b'{"a": NaN}', b'{"a": Infinity}', b"1" * 5_000, b"{}", b'{"a": 1e400}'),
        (good[:-1] + ', "admin": true}').encode(),
        (good[:-1] + r', "\ud800": true}').encode(),
        (good[:-1] + r', "\u0000": true}').encode(),
        (good[:-1] + f', "{next(iter(body))}": "twice"}}').encode(),
        good.encode("utf-16"),
    ]
    for content in raw:
        status, answer = api.call(method, path, raw=content, **KEY)
        assert (status, answer["code"]) in {(400, "malformed"), (400, "invalid")}, content[:60]
    status, answer = api.call(method, path, raw=b" " * 70_000 + good.encode(), **KEY)
    assert (status, answer["code"]) == (413, "body_too_large")
    assert not GameSession.objects.exists()
    assert not IdempotentRequest.objects.exists()


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/xml", "multipart/form-data"]
)
def test_a_body_of_another_type_is_not_read(api: Api, content_type: str) -> None:
    answer = Client().generic(
        "POST",
        "/api/v1/sessions",
        b"{}",
        content_type=content_type,
        headers={"Authorization": f"Bearer {api.token}"},
    )
    assert answer.status_code == 415
    assert answer.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD"])
def test_a_method_that_is_not_offered_is_refused(api: Api, method: str) -> None:
    answer = Client().generic(
        method, "/api/v1/sessions", headers={"Authorization": f"Bearer {api.token}"}
    )
    assert answer.status_code == 405


def test_the_client_may_accept_what_it_likes(api: Api) -> None:
    for accept in ("text/html", "application/xml;q=0.1", "*/*", "nonsense", "a" * 5_000):
        answer = Client().get(
            "/api/v1/players/p-1001/balance?format=xml",
            headers={"Authorization": f"Bearer {api.token}", "Accept": accept},
        )
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")


def test_strange_paths_are_unknown(api: Api) -> None:
    for value in CORPUS:
        segment = quote(str(value).encode("utf-8", "surrogatepass")[:2_000], safe="")
        if not segment:
            continue
        for path in (f"players/{segment}/balance", f"players/{segment}", f"rounds/x/{segment}"):
            status, answer = api.get(path)
            assert (status, answer["code"]) in {
                (404, "not_found"),
                (405, "method_not_allowed"),
            }, path


@_slow
@given(path=st.sampled_from(sorted(BODIES)), body=_json)
def test_any_json_is_answered(api: Api, path: str, body: Any) -> None:
    assert _send(api, path, body)[0] == 400


@_slow
@given(data=st.data(), path=st.sampled_from(sorted(BODIES)))
def test_any_json_in_any_field_is_answered(api: Api, data: st.DataObject, path: str) -> None:
    body = dict(BODIES[path][1])
    for name in data.draw(st.lists(st.sampled_from(sorted(body)), min_size=1, unique=True)):
        body[name] = data.draw(_json)
    assert _send(api, path, body)[0] < 500


@_slow
@given(raw=st.binary(max_size=400))
def test_any_bytes_are_answered(api: Api, raw: bytes) -> None:
    status, _ = api.call("POST", "transfers", raw=raw, **KEY)
    assert status == 400


def test_after_all_refusals_nothing_has_moved(api: Api) -> None:
    before = Transfer.objects.count()
    for value in CORPUS:
        _send(api, "transfers", {**BODIES["transfers"][1], "amount": value})
    assert Transfer.objects.count() == before
    assert not IdempotentRequest.objects.exists()


def test_who_calls_too_often_is_told_when_to_come_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PerClient, "THROTTLE_RATES", {"operator_api": "2/min"})
    other = make_api(name="Other")
    answers = [api.get("players/p-1001/balance") for _ in range(3)]
    assert [status for status, _ in answers] == [200, 200, 429]
    assert answers[2][1]["code"] == "too_many_requests"
    assert other.get("players/p-1001/balance")[0] == 200
    answer = Client().get(
        "/api/v1/players/p-1001/balance", headers={"Authorization": f"Bearer {api.token}"}
    )
    assert int(answer.headers["Retry-After"]) > 0
