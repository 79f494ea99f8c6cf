import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpcore
import pytest

from apps.core import http
from apps.core.errors import (
    AddressNotAllowedError,
    ConnectionFailedError,
    RequestTimedOutError,
    ResponseTooLargeError,
    UnexpectedStatusError,
)


class Server:
    """A server on loopback that answers each connection with bytes, dripped if asked."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.pause_seconds = 0.0
        self.seen: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.seen.append(connection.recv(65536))
                try:
                    for piece in self.pieces:
                        connection.sendall(piece)
                        time.sleep(self.pause_seconds)
                except OSError:
                    pass

    def answer(self, head: str, body: bytes = b"") -> None:
        self.pieces = [f"HTTP/1.1 {head}\r\nConnection: close\r\n\r\n".encode() + body]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/rounds?day=1"


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    settings.PITBOSS_HTTP_ALLOWED_HOSTS = ["127.0.0.1"]
    server = Server()
    yield server
    server.listener.close()


def fetch(url: str, *, timeout_seconds: float = 5, max_bytes: int = 1000) -> http.Response:
    return http.get(url, timeout_seconds=timeout_seconds, max_bytes=max_bytes)


def test_an_answer_comes_back_whole_with_headers(server: Server) -> None:
    server.answer("200 OK\r\nContent-Length: 5\r\nX-Next: 2", b"hello")
    answer = http.get(
        server.url, headers={"Authorization": "Bearer x"}, timeout_seconds=5, max_bytes=5
    )
    assert (answer.status, answer.body, answer.headers["x-next"]) == (200, b"hello", "2")
    assert b"GET /rounds?day=1 HTTP/1.1" in server.seen[0]
    assert b"Authorization: Bearer x" in server.seen[0]


def test_content_is_posted(server: Server) -> None:
    server.answer("201 Created\r\nContent-Length: 0")
    assert http.post(server.url, content=b"{}", timeout_seconds=5, max_bytes=5).status == 201
    assert server.seen[0].startswith(b"POST ")


def test_a_body_over_the_limit_is_refused(server: Server) -> None:
    server.answer("200 OK\r\nContent-Length: 1001", b"x" * 1001)
    with pytest.raises(ResponseTooLargeError):
        fetch(server.url)


def test_a_body_that_unpacks_over_the_limit_is_refused(server: Server) -> None:
    packed = gzip.compress(b"0" * 5_000_000)
    server.answer(f"200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}", packed)
    with pytest.raises(ResponseTooLargeError):
        fetch(server.url, max_bytes=100_000)


def test_an_endless_drip_ends_at_the_deadline(server: Server) -> None:
    server.pieces = [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 600]
    server.pause_seconds = 0.1
    begun = time.monotonic()
    with pytest.raises(RequestTimedOutError):
        fetch(server.url, timeout_seconds=0.5)
    assert time.monotonic() - begun < 30  # all of it takes a minute


def test_dripped_headers_end_at_the_deadline_too(server: Server) -> None:
    server.pieces = [b"HTTP/1.1 200 OK\r\n", *[b"X-A: 1\r\n"] * 100]
    server.pause_seconds = 0.1
    with pytest.raises(RequestTimedOutError):
        fetch(server.url, timeout_seconds=0.5)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(server: Server, status: int) -> None:
    server.answer(f"{status} Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0")
    with pytest.raises(UnexpectedStatusError) as refusal:
        fetch(server.url)
    assert refusal.value.status == status
    assert len(server.seen) == 1


def test_a_refused_request_keeps_the_wait_it_was_told(server: Server) -> None:
    server.answer("429 Slow\r\nRetry-After: 30\r\nContent-Length: 0")
    with pytest.raises(UnexpectedStatusError) as refusal:
        fetch(server.url)
    assert refusal.value.retry_after == "30"


@pytest.mark.parametrize(
    "answer", [b"", b"not http at all\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]
)
def test_half_an_answer_is_a_failed_connection(server: Server, answer: bytes) -> None:
    server.pieces = [answer]
    with pytest.raises(ConnectionFailedError):
        fetch(server.url)


@pytest.mark.usefixtures("server")
def test_nobody_listening_is_a_failed_connection() -> None:
    with pytest.raises(ConnectionFailedError):
        fetch("http://127.0.0.1:1/")


HOSTILE = [
    *("http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/"),
    *("https://user@example.com/", "https://user:pass@example.com/", "https:///path", "https://"),
    *("https://example.com:22/", "https://example.com:5432/", "https://example.com:6379/"),
    *("https://example.com:99999/", "https://example.com:x/", "example.com", "", "//example.com/"),
    *(
        "https://127.0.0.2/",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/",
    ),
    *("https://0.0.0.0/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://[fd00::1]/"),
    *(
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://[2001::1]/",
        "https://[::]/",
    ),
    *("https://[fe80::1]/", "https://224.0.0.1/", "https://100.64.0.1/", "https://[ff02::1]/"),
    *("https://exam\tple.com/", "https://example.com/\r\nX: 1", "https://ex\u0430mple.com/"),
    *(" https://example.com/", "https:\\\\example.com\\", "https://[::1/", "https://exam ple.com/"),
]


@pytest.mark.parametrize("url", HOSTILE, ids=range(len(HOSTILE)))
def test_an_address_that_may_not_be_called_is_refused_before_any_look_up(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("looked up")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    with pytest.raises(AddressNotAllowedError):
        http.require_allowed_url(url)
    with pytest.raises(AddressNotAllowedError):
        fetch(url)


def resolver(*addresses: str) -> Callable[..., Any]:
    def look_up(_host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_UNSPEC, 1, 6, "", (address, port)) for address in addresses]

    return look_up


@pytest.mark.parametrize(
    "addresses",
    [
        *(("127.0.0.1",), ("10.1.2.3",), ("169.254.169.254",), ("::1",), ("::ffff:127.0.0.1",)),
        *(("93.184.216.34", "127.0.0.1"), ("2606:2800:220:1::1", "fd00::5"), ("0.0.0.0",)),  # noqa: S104 - refused, not bound
    ],
    ids="+".join,
)
@pytest.mark.parametrize("host", ["rebind.example.com", "2130706433", "0x7f.1", "localhost."])
def test_a_name_with_any_inside_address_is_refused_at_connection(
    monkeypatch: pytest.MonkeyPatch, host: str, addresses: tuple[str, ...]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolver(*addresses))
    with pytest.raises(AddressNotAllowedError):
        fetch(f"https://{host}/")


def test_the_address_that_was_vetted_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([("93.184.216.34",), ("127.0.0.1",)])
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, **_: resolver(*next(answers))(host, port)
    )
    connected: list[str] = []

    def connect(_self: Any, host: str, *_: Any, **__: Any) -> Any:
        connected.append(host)
        raise httpcore.ConnectError("not from a test")

    monkeypatch.setattr("httpcore.SyncBackend.connect_tcp", connect)
    with pytest.raises(ConnectionFailedError):
        fetch("https://rebind.example.com/")
    assert connected == ["93.184.216.34"]


def test_loopback_is_refused_where_the_settings_do_not_name_it(
    server: Server, settings: Any
) -> None:
    settings.PITBOSS_HTTP_ALLOWED_HOSTS = []
    with pytest.raises(AddressNotAllowedError):
        fetch(server.url)
    assert server.seen == []


def test_proxies_of_the_environment_are_not_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.answer("200 OK\r\nContent-Length: 2", b"ok")
    assert fetch(server.url).body == b"ok"
