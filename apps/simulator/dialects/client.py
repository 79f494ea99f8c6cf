"""Sending a provider's messages over kept-alive connections, whole or damaged on purpose."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from apps.simulator.dialects.contract import Answer, Dialect, Move, Request, RunKey, Verdict

SECONDS: Final = 30
IDLE_SECONDS: Final = 2.0
"""A connection unused for longer is opened anew: servers close idle ones, some after five."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with a request on purpose; each part is done after or instead of signing."""

    key: RunKey | None = None
    without_signature: bool = False
    garbled_signature: bool = False
    change: Callable[[bytes], bytes] | None = None
    """Applied to the body, or to the query where there is no body, after it was signed."""
    signed_at: datetime | None = None


UNDAMAGED: Final = Damage()


class Client:
    """A provider that talks to one gateway. Any thread may use it; each has its own connection."""

    def __init__(self, dialect: Dialect, *, url: str, provider: str, key: RunKey) -> None:
        self.dialect = dialect
        self.key = key
        self._parts = urlsplit(url)
        self._prefix = f"{self._parts.path.rstrip('/')}/callbacks/{provider}"
        self._threads = threading.local()
        self._opened: list[HTTPConnection] = []

    def send(self, move: Move, damage: Damage = UNDAMAGED) -> Answer:
        """Send one message and return what a provider makes of the answer."""
        status, body = self.exchange(*self.prepared(move, damage))
        if status == 0:
            return Answer(Verdict.RETRYABLE, "no_answer", None, 0, "", body)
        return self.dialect.read(move, status, body)

    def prepared(self, move: Move, damage: Damage = UNDAMAGED) -> tuple[Request, dict[str, str]]:
        """Return a request with its headers, so that the very same bytes can be sent again."""
        now = _now()
        key = damage.key or self.key
        request = self.dialect.write(move, key=key, now=now)
        headers = self.dialect.sign(request, key, now=damage.signed_at or now)
        name = self.dialect.signature_header
        if damage.without_signature:
            del headers[name]
        if damage.garbled_signature:
            headers[name] = headers[name][:-4] + "%&$!"
        if damage.change is not None:
            request = _changed(request, damage.change)
        return request, {"content-type": "application/json", **request.headers, **headers}

    def exchange(self, request: Request, headers: dict[str, str]) -> tuple[int, bytes]:
        """Send prepared bytes and return status and body; status 0 where no answer came."""
        connection = self._connection()
        try:
            self._write(connection, request, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException) as error:
            connection.close()  # http.client opens it again by itself
            return 0, str(error).encode()

    def send_and_hang_up(self, move: Move) -> None:
        """Send a message and close the connection without reading what comes back."""
        request, headers = self.prepared(move)
        connection = self._connection()
        with suppress(OSError):
            self._write(connection, request, headers)
        connection.close()

    def close(self) -> None:
        """Close every thread's connection; call it when all threads are done."""
        for connection in self._opened:
            connection.close()

    def _write(self, connection: HTTPConnection, request: Request, headers: dict[str, str]) -> None:
        target = f"{self._prefix}/{request.path}".rstrip("/")
        if request.query:
            target += "?" + request.query
        connection.request(request.method, target, body=request.body or None, headers=headers)

    def _connection(self) -> HTTPConnection:
        known: HTTPConnection | None = getattr(self._threads, "connection", None)
        if known is None:
            kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
            known = kind(self._parts.hostname or "", self._parts.port, timeout=SECONDS)
            self._threads.connection = known
            self._opened.append(known)
        elif time.monotonic() - self._threads.used_at > IDLE_SECONDS:
            known.close()
        self._threads.used_at = time.monotonic()
        return known


def _changed(request: Request, change: Callable[[bytes], bytes]) -> Request:
    body, query = request.body, request.query
    if body:
        body = change(body)
    else:
        query = change(query.encode()).decode("latin-1")
    return Request(request.method, request.path, body, query, headers=request.headers)
