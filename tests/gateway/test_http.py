"""The gateway over a real port: constant answers to strangers, and one to each callback."""

import asyncio
import gzip
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import uvicorn
from django.db import connection

from apps.core.answer_codes import answer_words
from apps.gateway.errors import DeliveryNotReadableError
from apps.gateway.http import application, directory
from apps.gateway.http.application import Gateway
from apps.gateway.models import Rejection
from apps.gateway.services import intake
from apps.providers.adapters.registry import ADAPTERS
from apps.rounds.models import Delivery, DeliveryVerdict
from tests.gateway.builders import Casino, lines, open_casino, signed_headers

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "replay-token"
PATH = "/callbacks/aurora/rounds"


@pytest.fixture
def casino(transactional_db: None) -> Casino:
    casino = open_casino()
    casino.now = datetime.now(UTC)
    return casino


@pytest.fixture
def port(transactional_db: None) -> Iterator[int]:
    """Run a gateway in a thread, on a port of its own, until the test is over."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
        config = uvicorn.Config(
            Gateway(replay_token=TOKEN), loop="asyncio", lifespan="on", log_config=None
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield port
        server.should_exit = True
        thread.join(timeout=20)


@pytest.fixture
def client(port: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        yield client


def post(client: httpx.Client, body: bytes, *, at: datetime, path: str = PATH) -> httpx.Response:
    return client.post(path, content=body, headers=signed_headers(body, at=at))


def rejections(code: str, *, at_least: int = 1) -> int:
    """Return how often a refusal was counted, once the gateway has written it."""
    for _ in range(100):
        count = sum(Rejection.objects.filter(code=code).values_list("count", flat=True))
        if count >= at_least:
            return count
        time.sleep(0.05)
    return 0


def test_a_callback_is_answered_in_the_order_sent(casino: Casino, client: httpx.Client) -> None:
    body = casino.body(casino.event("e-2"), casino.event("e-1", checksum="0" * 64))
    response = post(client, body, at=casino.now)
    assert response.status_code == 200
    assert response.json() == {
        "results": [
            {"event_id": "e-2", "status": "accepted", "code": None, "balance": "101.50"},
            {"event_id": "e-1", "status": "rejected", "code": "bad_checksum", "balance": None},
        ]
    }
    assert bytes(Delivery.objects.get().body) == body
    assert rejections("bad_checksum") == 1


def test_a_stranger_learns_nothing_and_leaves_only_a_count(
    casino: Casino, client: httpx.Client
) -> None:
    body = casino.body(casino.event("e-1"))
    wrong = signed_headers(body, at=casino.now, secret=b"x" * 32)
    stale = signed_headers(body, at=datetime(2026, 1, 1, tzinfo=UTC))
    answers = [
        client.post(PATH, content=body, headers=wrong),
        client.post(PATH, content=body, headers=stale),
        client.post(PATH, content=body),
        client.post(PATH, content=b"\xff" * 100),
        post(client, body, at=casino.now, path="/callbacks/nobody/rounds"),
    ]
    assert {(a.status_code, a.content) for a in answers} == {(401, b'{"error": "unauthorized"}')}
    assert rejections("unauthenticated", at_least=5) == 5
    assert not Delivery.objects.exists()
    assert lines("aurora:e-1") == []
    assert post(client, body, at=casino.now).json()["results"][0]["status"] == "accepted"


def test_no_path_tells_a_stranger_who_is_here_and_what_they_speak(
    casino: Casino, client: httpx.Client
) -> None:
    stale = signed_headers(b"", at=datetime(2026, 1, 1, tzinfo=UTC))
    for adapter in ADAPTERS.values():
        for path, methods in adapter.routes.items():
            for method in ("GET", "POST", "PUT"):
                answers = [
                    client.request(method, f"/callbacks/{code}/{path}", headers=stale)
                    for code in ("aurora", "nobody")
                ]
                known, unknown = ((one.status_code, one.content) for one in answers)
                assert known == unknown, (method, path)
                assert (unknown[0] == 405) == (method not in methods)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed_json"),
        (b"[]", 400, "not_an_object"),
        (b'{"events": []}', 400, "no_events"),
        (b'{"a": "\\u0000"}', 400, "unstorable_text"),
        (b'{"a": 1e99999999999999999999}', 400, "malformed_json"),
        (b"[" * 100_000, 400, "malformed_json"),
        (b'{"events": [' + b"{}," * 1_000 + b"{}]}", 413, "too_many_events"),
        (b" " * (2 * 1024 * 1024 + 1), 413, "too_large"),
    ],
    ids=["cut", "list", "none", "nul", "exponent", "deep", "too-many", "too-large"],
)
def test_an_authentic_body_that_is_no_callback_is_refused_by_name_and_kept(
    casino: Casino, client: httpx.Client, body: bytes, status: int, code: str
) -> None:
    response = post(client, body, at=casino.now)
    assert (response.status_code, response.json()) == (status, {"error": code})
    if code == "too_large":
        assert rejections("too_large", at_least=1) == 1
        assert not Delivery.objects.exists()
        return
    assert rejections(f"envelope_{code}", at_least=1) == 1
    kept = Delivery.objects.get()
    assert (kept.provider_id, bytes(kept.body)) == (casino.provider.pk, body)
    verdict = DeliveryVerdict.objects.get(delivery_id=kept.pk)
    told = [{"event_id": "", "status": "rejected", "code": code}]
    assert (verdict.http_status, verdict.results) == (status, told)
    with pytest.raises(DeliveryNotReadableError, match=re.escape(answer_words(code))):
        intake.reprocess_delivery(delivery_id=kept.pk, now=casino.now)
    assert intake.apply_unjudged(now=casino.now + timedelta(hours=1)) == 0
    assert lines("aurora:e-1") == []


def test_other_paths_and_methods_are_refused(casino: Casino, client: httpx.Client) -> None:
    for path in (
        "/",
        "/callbacks/aurora/other",
        "/callbacks/aurora/rounds/",
        "/callbacks/A/rounds",
    ):
        assert client.post(path).status_code == 404
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        response = client.request(method, PATH)
        assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_health_and_readiness_are_told(casino: Casino, client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_a_gateway_whose_database_lacks_a_migration_is_not_ready(
    casino: Casino, client: httpx.Client
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE app = 'rounds' AND name = '0001_initial'"
            " RETURNING applied"
        )
        (applied,) = cursor.fetchone()
        try:
            answer = client.get("/readyz")
        finally:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES"
                " ('rounds', '0001_initial', %s)",
                [applied],
            )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json() == {"error": "migrations_pending", "pending": ["rounds.0001_initial"]}
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_a_body_that_comes_too_slowly_is_given_up(
    casino: Casino, port: int, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "BODY_SECONDS", 0.3)
    headers = {"host": "x", "content-length": "1000"} | signed_headers(b"", at=casino.now)
    sent = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
        slow.sendall(f"POST {PATH} HTTP/1.1\r\n{sent}\r\n{{".encode())
        assert client.get("/healthz").status_code == 200
        assert slow.recv(100).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("token", [None, "", "wrong", "replay-token2", "é", "replay-tokén"])
def test_nobody_without_the_token_chooses_the_clock(
    casino: Casino, client: httpx.Client, token: str | None
) -> None:
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    body = casino.body(casino.event("e-1", timestamp=long_ago.isoformat()))
    headers = signed_headers(body, at=long_ago) | {"x-pitboss-received-at": long_ago.isoformat()}
    if token is not None:
        headers["x-pitboss-replay-token"] = token
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    assert client.post(PATH, content=body, headers=raw).status_code == 401
    raw[b"x-pitboss-replay-token"] = TOKEN.encode()
    response = client.post(PATH, content=body, headers=raw)
    assert response.json()["results"][0]["status"] == "accepted"


def test_a_key_revoked_in_traffic_is_refused_everywhere_within_seconds(
    casino: Casino, client: httpx.Client
) -> None:
    body = casino.body(casino.event("e-1"))
    assert post(client, body, at=casino.now).status_code == 200
    casino.provider.keys.update(state="revoked")
    assert directory.FRESH_SECONDS < 5
    # As long as a busy machine may need; without a look at the keys it would be ten minutes.
    deadline = time.monotonic() + 60
    while post(client, body, at=casino.now).status_code != 401:
        assert time.monotonic() < deadline, "the revoked key is still taken"
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("path", "status"), [("rounds", 503), ("bet", 500), ("transaction/bet", 200), ("webhook", 503)]
)
def test_a_provider_hears_its_own_words_even_when_its_profile_is_out_of_reach(
    client: httpx.Client, path: str, status: int
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE providers_provider RENAME TO providers_away")
    try:
        answer = client.post(f"/callbacks/anybody/{path}", content=b"{}")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE providers_away RENAME TO providers_provider")
    assert answer.status_code == status


def test_no_two_protocols_share_a_path() -> None:
    paths = [path for adapter in ADAPTERS.values() for path in adapter.routes]
    assert len(paths) == len(set(paths))


def _raw(port: int, request: bytes) -> bytes:
    """Send bytes as they are, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as caller:
        caller.sendall(request)
        caller.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := caller.recv(65_536):
            answer += chunk
    return answer


def _hidden(casino: Casino) -> bytes:
    """Return a whole, authentic request, as a smuggler would hide it in another's body."""
    body = casino.body(casino.event("hidden-1"))
    headers = signed_headers(body, at=casino.now) | {"content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {PATH} HTTP/1.1\r\nhost: x\r\n{head}\r\n".encode() + body


@pytest.mark.parametrize(
    "lengths",
    [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
        "content-length: 0\r\ncontent-length: 4\r\n",
        "content-length: 4, 4\r\n",
        "content-length: +4\r\n",
        "content-length: 0x4\r\n",
        "content-length: -1\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding:\x0bchunked\r\n",
        " transfer-encoding: chunked\r\n",
    ],
)
def test_a_request_of_two_lengths_brings_in_no_hidden_one(
    casino: Casino,
    port: int,
    lengths: str,
) -> None:
    request = f"POST {PATH} HTTP/1.1\r\nhost: x\r\n{lengths}\r\n0\r\n\r\n".encode()

    answer = _raw(port, request + _hidden(casino))

    assert b" 200 " not in answer, answer
    assert not Delivery.objects.exists()
    assert lines("aurora:hidden-1") == []


def test_a_compressed_body_is_judged_as_the_bytes_it_is_and_never_unpacked(
    casino: Casino,
    client: httpx.Client,
) -> None:
    body = gzip.compress(casino.body(casino.event("e-1")))
    headers = {**signed_headers(body, at=casino.now), "content-encoding": "gzip"}

    answer = client.post(PATH, content=body, headers=headers)

    assert (answer.status_code, answer.json()["error"]) == (400, "not_utf8")
    assert not Delivery.objects.exists()
