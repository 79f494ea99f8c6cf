"""Sending a stream of deliveries over HTTP: in order, each until it is answered."""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

from apps.simulator.capture.reading import events_of, parsed
from apps.simulator.capture.redating import OutgoingDelivery
from apps.simulator.errors import UndeliveredError

# The gateway was reached but can't say yes or no now; anything else is its answer.
RETRIED_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 2.0
REQUEST_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Target:
    """Where deliveries go. ``replay_token`` is given only to a gateway that the replay started.

    With ``sets_clock`` it judges each by the moment at which the capture received it.
    """

    url: str
    replay_token: str | None = None
    sets_clock: bool = True
    patience_seconds: int = 120
    revive: Callable[[], None] | None = None
    """Called after a lost connection: brings the replay's own gateway back."""


@dataclass(slots=True)
class ReplayReport:
    """What was sent and answered. ``statuses`` and ``codes`` count events, ``http`` deliveries."""

    deliveries: int = 0
    events: int = 0
    retries: int = 0
    http: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    def count(self, answer: "Answer") -> None:
        self.deliveries += 1
        self.events += answer.events
        self.retries += answer.retries
        self.http[str(answer.http_status)] += 1
        for result in answer.results:
            self.statuses[str(result.get("status"))] += 1
            if result.get("code"):
                self.codes[str(result["code"])] += 1


@dataclass(frozen=True, slots=True)
class Answer:
    http_status: int
    results: list[dict[str, Any]]
    events: int
    retries: int


def send_all(
    deliveries: Iterator[OutgoingDelivery],
    target: Target,
    *,
    concurrency: int,
    on_answer: Callable[[Answer], None],
) -> ReplayReport:
    """Send every delivery and count the answers.

    With ``concurrency`` 1 a delivery is sent after the one before was answered. With more, they
    are started in order but may overtake each other, as a provider's parallel calls do.

    Raises:
        UndeliveredError: a delivery was not taken within the target's patience; later ones are
            not sent, so that a repeat of the replay loses nothing.
    """
    report = ReplayReport()

    def note(answer: Answer) -> None:
        report.count(answer)
        on_answer(answer)

    with closing(_Client(target)) as client:
        _send_each(client, deliveries, concurrency, note)
    return report


def _send_each(
    client: "_Client",
    deliveries: Iterator[OutgoingDelivery],
    concurrency: int,
    note: Callable[[Answer], None],
) -> None:
    if concurrency == 1:
        for delivery in deliveries:
            note(client.deliver(delivery))
        return
    with ThreadPoolExecutor(concurrency) as pool:
        in_flight: deque[Future[Answer]] = deque()
        try:
            for delivery in deliveries:
                in_flight.append(pool.submit(client.deliver, delivery))
                if len(in_flight) >= concurrency:
                    note(in_flight.popleft().result())
            while in_flight:
                note(in_flight.popleft().result())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _Client:
    """Keeps one connection per thread and repeats a delivery until it has an answer."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._parts = urlsplit(target.url)
        self._threads = threading.local()
        self._opened: list[HTTPConnection] = []
        self._reviving = threading.Lock()

    def deliver(self, delivery: OutgoingDelivery) -> Answer:
        deadline = time.monotonic() + self._target.patience_seconds
        pause, retries, why = FIRST_PAUSE_SECONDS, 0, ""
        while True:
            try:
                status, body = self._post(delivery)
            except (OSError, HTTPException) as error:
                why = f"{type(error).__name__}: {error}"
                self._forget_connection()
                self._revive()
            else:
                if status not in RETRIED_STATUSES:
                    return _answer(delivery, status, body, retries)
                why = f"HTTP {status}"
            if time.monotonic() > deadline:
                raise UndeliveredError(delivery.line_no, why)
            retries += 1
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _post(self, delivery: OutgoingDelivery) -> tuple[int, bytes]:
        connection = self._connection()
        headers = delivery.headers_at(int(time.time()))
        if self._target.replay_token is not None:
            headers = {**headers, "x-pitboss-replay-token": self._target.replay_token}
            if self._target.sets_clock:
                headers["x-pitboss-received-at"] = delivery.received_text
        path = self._parts.path.rstrip("/") + delivery.path
        connection.request("POST", path, body=delivery.body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()

    def _connection(self) -> HTTPConnection:
        known: HTTPConnection | None = getattr(self._threads, "connection", None)
        if known is None:
            kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
            known = kind(self._parts.hostname or "", self._parts.port, timeout=REQUEST_SECONDS)
            self._threads.connection = known
            self._opened.append(known)
        return known

    def close(self) -> None:
        """Close every thread's connection; call it when all threads are done."""
        for connection in self._opened:
            connection.close()

    def _forget_connection(self) -> None:
        # http.client opens a closed connection again by itself.
        self._connection().close()

    def _revive(self) -> None:
        if self._target.revive is not None:
            with self._reviving:
                self._target.revive()


def _answer(delivery: OutgoingDelivery, status: int, body: bytes, retries: int) -> Answer:
    results: list[dict[str, Any]] = []
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if isinstance(document, dict) and isinstance(document.get("results"), list):
        results = [result for result in document["results"] if isinstance(result, dict)]
    return Answer(status, results, len(events_of(parsed(delivery.body))), retries)
