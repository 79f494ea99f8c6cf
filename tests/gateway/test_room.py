"""How much of the process callbacks may take, and who is turned away when it is full."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import httpx
import psycopg
import pytest
import uvicorn
from django.db import connection

from apps.gateway.http import application
from apps.gateway.http.application import Gateway
from apps.gateway.http.room import NoRoomError, Room, RoomLimits
from apps.gateway.models import Rejection
from apps.rounds.models import Delivery, RoundEvent
from tests.factories import make_game, make_provider
from tests.gateway.builders import Casino, give_key, open_casino, signed_headers

KIB = 1024
LIMITS = RoomLimits(
    most_bytes=64 * KIB, most_callbacks=6, provider_bytes=32 * KIB, provider_callbacks=3
)


def refusal(room: Room, provider_id: int, *, size: int = 0) -> str:
    """Return why a callback of this size finds no room, or an empty string."""
    with room.entered(provider_id) as place:
        try:
            place.grow(size)
            place.wait()
        except NoRoomError as error:
            return error.code
    return ""


def test_bytes_are_counted_per_provider_and_altogether() -> None:
    room = Room(LIMITS)
    with room.entered(1) as first, room.entered(2) as second:
        first.grow(32 * KIB)
        assert refusal(room, 1, size=1) == "flooding"
        second.grow(32 * KIB)
        assert refusal(room, 3, size=1) == "overloaded"
        assert room.bytes_taken == 64 * KIB
    assert room.bytes_taken == 0
    assert refusal(room, 1, size=32 * KIB) == ""
    assert refusal(room, 1, size=32 * KIB + 1) == "flooding"


def test_callbacks_are_counted_per_provider_and_altogether() -> None:
    room = Room(LIMITS)
    with room.entered(1) as a, room.entered(1) as b, room.entered(1) as c:
        for place in (a, b, c):
            place.wait()
        assert refusal(room, 1) == "flooding"
        with room.entered(2) as d, room.entered(2) as e, room.entered(2) as f:
            for place in (d, e, f):
                place.wait()
            assert refusal(room, 3) == "overloaded"
        assert refusal(room, 3) == ""
    assert (room.callbacks_waiting, room.bytes_taken) == (0, 0)


def test_what_failed_gives_its_room_back() -> None:
    room = Room(LIMITS)

    def fail() -> None:
        with room.entered(1) as place:
            place.grow(10)
            place.wait()
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert (room.callbacks_waiting, room.bytes_taken) == (0, 0)


@pytest.fixture
def casino(transactional_db: None) -> Casino:
    casino = open_casino()
    casino.now = datetime.now(UTC)
    other = make_provider("boreas")
    give_key(other)
    make_game(other, "reef")
    return casino


@pytest.fixture
def port(transactional_db: None) -> Iterator[int]:
    """Run a small gateway in a thread, on a port of its own, until the test is over."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            Gateway(limits=LIMITS), loop="asyncio", lifespan="on", log_config=None
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield int(listener.getsockname()[1])
        server.should_exit = True
        thread.join(timeout=20)


def send(port: int, body: bytes, provider: str = "aurora") -> httpx.Response:
    headers = signed_headers(body, at=datetime.now(UTC))
    url = f"http://127.0.0.1:{port}/callbacks/{provider}/rounds"
    return httpx.post(url, content=body, headers=headers, timeout=30)


@contextmanager
def ledger_held() -> Iterator[None]:
    """Hold every pot, as a long transaction would: nothing is judged meanwhile."""
    settings = connection.settings_dict
    with closing(
        psycopg.connect(
            dbname=settings["NAME"],
            host=settings["HOST"],
            port=settings["PORT"] or None,
            user=settings["USER"],
            password=settings["PASSWORD"] or None,
        )
    ) as holder:
        holder.execute("SELECT id FROM wallet_account FOR UPDATE")
        yield
        holder.rollback()


@pytest.mark.django_db(transaction=True)
def test_a_provider_that_floods_is_told_so_and_the_others_are_taken(
    casino: Casino, port: int
) -> None:
    bodies = [casino.body(casino.event(f"e-{n}")) for n in range(12)]
    calm = casino.body(casino.event("b-1", game_code="reef"))
    assert send(port, casino.body(casino.event("first"))).status_code == 200
    with ThreadPoolExecutor(max_workers=16) as pool:
        with ledger_held():
            flood = [pool.submit(send, port, body) for body in bodies]
            while sum(future.done() for future in flood) < 9:
                time.sleep(0.02)
            turned_away = [future.result() for future in flood if future.done()]
            other = pool.submit(send, port, calm, "boreas")
            time.sleep(0.3)
            assert not other.done()
        answers = [future.result() for future in flood]
        assert other.result().json()["results"][0]["status"] == "accepted"
    assert [answer.status_code for answer in turned_away] == [429] * 9
    assert {answer.headers["retry-after"] for answer in turned_away} == {"5"}
    assert turned_away[0].json() == {"error": "too_many_requests"}
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 9
    assert RoundEvent.objects.count() == 5

    # What was turned away is taken when it comes again, and what was taken is a repeat.
    again = [send(port, body).json()["results"][0]["status"] for body in bodies]
    assert sorted(again) == ["accepted"] * 9 + ["duplicate"] * 3


@pytest.mark.django_db(transaction=True)
def test_a_body_without_room_is_turned_away_while_it_comes(casino: Casino, port: int) -> None:
    body = casino.body(casino.event("e-1")).ljust(40 * KIB)
    answer = send(port, body)
    assert (answer.status_code, answer.json()) == (429, {"error": "too_many_requests"})
    assert not Delivery.objects.exists()
    assert send(port, body.strip()).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("provider", ["aurora", "nobody"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-length": "1000", "webhook-signature": "v1,short"}, 401),
        ({"content-length": "1000", "webhook-id": "with.dot"}, 401),
        ({"content-length": "2097153"}, 413),
        ({"content-length": "9" * 18}, 413),
    ],
    ids=["no-signature", "no-id", "large", "huge"],
)
def test_what_path_and_headers_refuse_is_answered_before_the_body_comes(
    casino: Casino, port: int, provider: str, headers: dict[str, str], status: int
) -> None:
    sent = signed_headers(b"", at=casino.now) | headers
    lines = [f"POST /callbacks/{provider}/rounds HTTP/1.1", "host: x"]
    lines += [f"{name}: {value}" for name, value in sent.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=5) as caller:
        caller.sendall("\r\n".join([*lines, "", ""]).encode())
        # Not one byte of the body was sent: what is answered now was judged without it.
        assert caller.recv(100).startswith(f"HTTP/1.1 {status}".encode())
    assert not Delivery.objects.exists()
    code = {401: "unauthenticated", 413: "too_large"}[status]
    for _ in range(100):
        if Rejection.objects.filter(code=code, count=1).exists():
            return
        time.sleep(0.05)
    raise AssertionError("the refusal was not counted")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("provider", ["aurora", "nobody"])
def test_what_may_be_signed_is_refused_after_its_body_whoever_it_names(
    casino: Casino, port: int, provider: str
) -> None:
    body = b"x" * 100
    sent = signed_headers(b"another body", at=casino.now) | {"content-length": str(len(body))}
    lines = [f"POST /callbacks/{provider}/rounds HTTP/1.1", "host: x"]
    lines += [f"{name}: {value}" for name, value in sent.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as caller:
        caller.sendall("\r\n".join([*lines, "", ""]).encode() + body[1:])
        with pytest.raises(TimeoutError):
            caller.recv(100)
        caller.settimeout(5)
        caller.sendall(body[:1])
        assert caller.recv(100).startswith(b"HTTP/1.1 401")
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_body_without_end_is_given_up_at_its_limit(
    casino: Casino, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "MOST_BYTES", 20 * KIB)
    headers = signed_headers(b"", at=casino.now) | {"transfer-encoding": "chunked"}
    lines = ["POST /callbacks/aurora/rounds HTTP/1.1", "host: x"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as caller:
        caller.sendall("\r\n".join([*lines, "", ""]).encode() + chunk * 6)
        assert caller.recv(100).startswith(b"HTTP/1.1 413")
