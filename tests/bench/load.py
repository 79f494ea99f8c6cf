"""The load generator: N keep-alive connections, each with players of its own, in their order.

Requests are built and signed before the clock starts, and each answer is looked for in the bytes
that came, so that what is measured is the server. It says how much of a core it took itself.
"""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import cast, override

import uvloop

from tests.bench.stage import OPENING, PATH, SECRET

PLAYERS_PER_CONNECTION = 8
BET, WIN = 100, 50

type Prepared = tuple[bytes, bytes]
"""A request, and what its right answer contains."""


@dataclass(frozen=True)
class Plan:
    """One run of the generator.

    ``most_per_second`` is how many events per second to prepare for. With ``one_player`` every
    event is the same player's and the connections share one queue, so that the balances are right
    in the order sent. With ``waits`` the clock starts when a line comes on standard input.
    """

    port: int
    run: str
    first_player: int
    connections: int
    seconds: float
    events_per_body: int = 1
    one_player: bool = False
    most_per_second: int = 12_000
    waits: bool = False
    is_checked: bool = True

    @property
    def players(self) -> int:
        return 1 if self.one_player else self.connections * PLAYERS_PER_CONNECTION


@dataclass
class Tally:
    """What came back; ``dry`` counts the connections that ran out of requests."""

    until: float
    events_per_body: int
    is_checked: bool
    seconds: list[float] = field(default_factory=list)
    bad: list[bytes] = field(default_factory=list)
    flagged: int = 0
    dry: int = 0

    def take(self, answer: bytes, expected: bytes, seconds: float) -> None:
        self.seconds.append(seconds)
        self.flagged += answer.count(b"mismatch")
        is_right = answer.count(b'"accepted"') == self.events_per_body and expected in answer
        if self.is_checked and not is_right:
            self.bad.append(answer[-300:])


class Connection(asyncio.Protocol):
    """Sends a request, waits for its answer, sends the next."""

    def __init__(self, requests: Iterator[Prepared], tally: Tally) -> None:
        self._requests = requests
        self._tally = tally
        self._buffer = b""
        self._wanted = 0
        self._expected = b""
        self._started = 0.0
        self._transport: asyncio.WriteTransport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.WriteTransport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._tally.bad.append(f"connection lost: {exc}".encode())
            self.done.set_result(None)

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._wanted:
            self._wanted = _length(self._buffer)
        if not self._wanted or len(self._buffer) < self._wanted:
            return
        self._tally.take(self._buffer, self._expected, time.perf_counter() - self._started)
        self._buffer, self._wanted = b"", 0
        self.send()

    def send(self) -> None:
        self._started = time.perf_counter()
        prepared = next(self._requests, None) if self._started < self._tally.until else None
        if prepared is None or self._transport is None:
            self._tally.dry += self._started < self._tally.until
            self.done.set_result(None)
            return
        request, self._expected = prepared
        self._transport.write(request)


def _length(answer: bytes) -> int:
    """Return the length of head and body, or nothing where the head has not come whole."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return 0
    head = answer[:end].lower()
    _, found, rest = head.partition(b"content-length:")
    return end + 4 + (int(rest.split(b"\r\n", 1)[0]) if found else 0)


def _event(name: str, player: str, balance: int, moment: str) -> str:
    """Return one event as JSON; its ids are spread as random ids are."""
    event_id = hashlib.sha256(name.encode()).hexdigest()[:32]
    before = f"{balance // 100}.{balance % 100:02d}"
    after = balance - BET + WIN
    left = f"{after // 100}.{after % 100:02d}"
    values = f"{event_id}|{player}|{moment}|1.00|0.50|AUD|bench-slot|base|{before}|{left}|true"
    checksum = hmac.digest(SECRET, values.encode(), "sha256").hex()
    return (
        f'{{"event_id":"{event_id}","round_id":"r-{event_id}","player_id":"{player}",'
        f'"timestamp":"{moment}","bet_amount":"1.00","win_amount":"0.50","currency":"AUD",'
        f'"game_code":"bench-slot","round_type":"base","balance_before":"{before}",'
        f'"balance_after":"{left}","finalized":true,"checksum":"{checksum}"}}'
    )


def requests_of(plan: Plan, first_player: int, count: int) -> Iterator[Prepared]:
    """Return ``count`` signed requests over the players from ``first_player`` on."""
    now = datetime.now(UTC)
    moment = now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    seats = 1 if plan.one_player else PLAYERS_PER_CONNECTION
    balances = [OPENING] * seats
    number = 0
    for _ in range(count):
        events = []
        for _ in range(plan.events_per_body):
            seat = number % seats
            name = f"{plan.run}-{first_player}-{number}"
            events.append(_event(name, f"b-{first_player + seat}", balances[seat], moment))
            balances[seat] += WIN - BET
            number += 1
        body = events[0] if plan.events_per_body == 1 else f'{{"events":[{",".join(events)}]}}'
        last = balances[(number - 1) % seats]
        expected = b"" if plan.one_player else f'"{last // 100}.{last % 100:02d}"'.encode()
        yield _signed(f"{plan.run}-{first_player}-{number}", body.encode(), now), expected


def _signed(name: str, body: bytes, now: datetime) -> bytes:
    message_id = hashlib.sha256(name.encode()).hexdigest()[:32]
    moment = int(now.timestamp())
    digest = hmac.digest(SECRET, f"{message_id}.{moment}.".encode() + body, "sha256")
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"webhook-id: {message_id}\r\nwebhook-timestamp: {moment}\r\n"
        f"webhook-signature: v1,{base64.b64encode(digest).decode()}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _queues(plan: Plan) -> list[Iterator[Prepared]]:
    total = int(plan.most_per_second * plan.seconds) // plan.events_per_body
    if plan.one_player:
        shared = iter(list(requests_of(plan, plan.first_player, total)))
        return [shared] * plan.connections
    each = max(20, total // plan.connections)
    firsts = (
        plan.first_player + index * PLAYERS_PER_CONNECTION for index in range(plan.connections)
    )
    prepared = (list(requests_of(plan, first, each)) for first in firsts)
    # A server that does nothing takes a request any number of times, faster than we can sign.
    return [iter(batch) if plan.is_checked else itertools.cycle(batch) for batch in prepared]


async def drive(plan: Plan) -> dict[str, object]:
    """Drive one run and return its figures."""
    queues = _queues(plan)
    if plan.waits:
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    loop = asyncio.get_running_loop()
    tally = Tally(time.perf_counter() + plan.seconds, plan.events_per_body, plan.is_checked)
    made = [
        await loop.create_connection(
            partial(Connection, queue, tally),
            "127.0.0.1",
            plan.port,
        )
        for queue in queues
    ]
    started, worked = time.perf_counter(), time.process_time()
    tally.until = started + plan.seconds
    for _, connection in made:
        connection.send()
    await asyncio.gather(*(connection.done for _, connection in made))
    elapsed = time.perf_counter() - started
    for transport, _ in made:
        transport.close()
    return _figures(plan, tally, elapsed, time.process_time() - worked)


def _figures(plan: Plan, tally: Tally, elapsed: float, worked: float) -> dict[str, object]:
    seconds = sorted(tally.seconds) or [0.0]
    answers = len(tally.seconds)
    return {
        "per_second": round(answers * plan.events_per_body / elapsed, 1),
        "p50_ms": round(1000 * seconds[len(seconds) // 2], 2),
        "p99_ms": round(1000 * seconds[len(seconds) * 99 // 100], 2),
        "answers": answers,
        "events": answers * plan.events_per_body,
        "flagged": tally.flagged,
        "dry": tally.dry,
        "generator_cores": round(worked / elapsed, 2),
        "bad": len(tally.bad),
        "first_bad": tally.bad[0].decode(errors="replace") if tally.bad else "",
    }


def as_argument(plan: Plan) -> str:
    return json.dumps(asdict(plan))


if __name__ == "__main__":
    print(json.dumps(uvloop.run(drive(Plan(**json.loads(sys.argv[1]))))))
