"""The load generator: N keep-alive connections, each with players of its own, in their order.

Requests are built and signed before the clock starts, so that what is measured is the server.
"""

import asyncio
import hashlib
import hmac
import json
import sys
import time
from datetime import UTC, datetime

from apps.providers.adapters.native.signing import CHECKSUM_FIELDS, sign
from tests.bench.stage import OPENING, SECRET

PLAYERS_PER_CONNECTION = 8


def _event(name: str, player: str, balance: int, moment: str) -> dict[str, object]:
    after = balance - 100 + 50
    event: dict[str, object] = {
        "event_id": name,
        "round_id": f"r-{name}",
        "player_id": player,
        "timestamp": moment,
        "bet_amount": "1.00",
        "win_amount": "0.50",
        "currency": "AUD",
        "game_code": "bench-slot",
        "round_type": "base",
        "balance_before": f"{balance // 100}.{balance % 100:02d}",
        "balance_after": f"{after // 100}.{after % 100:02d}",
        "finalized": True,
    }
    text = "|".join([str(event[field]) for field in CHECKSUM_FIELDS] + ["true"])
    event["checksum"] = hmac.new(SECRET, text.encode(), hashlib.sha256).hexdigest()
    return event


def requests_of(run: str, first_player: int, count: int) -> list[bytes]:
    """Return ``count`` signed requests over this connection's players, ready to be written."""
    now = datetime.now(UTC)
    moment = now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    balances = [OPENING] * PLAYERS_PER_CONNECTION
    requests = []
    for number in range(count):
        seat = number % PLAYERS_PER_CONNECTION
        name = f"{run}-{first_player}-{number}"
        event = _event(name, f"b-{first_player + seat}", balances[seat], moment)
        balances[seat] -= 50
        body = json.dumps(event).encode()
        message_id = hashlib.sha256(name.encode()).hexdigest()[:32]
        signature = sign(SECRET, message_id, int(now.timestamp()), body)
        head = (
            "POST /callbacks/bench/rounds HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Type: application/json\r\n"
            f"webhook-id: {message_id}\r\nwebhook-timestamp: {int(now.timestamp())}\r\n"
            f"webhook-signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests


async def _connection(
    port: int, requests: list[bytes], until: float, seconds: list[float], bad: list[bytes]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in requests:
        started = time.perf_counter()
        if started > until:
            break
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        seconds.append(time.perf_counter() - started)
        if b'"accepted"' not in body or b"mismatch" in body:
            bad.append(body[:200])
    writer.close()


async def drive(
    port: int, run: str, first_player: int, connections: int, for_seconds: float
) -> str:
    """Drive one run and return its figures as JSON."""
    each = max(200, int(12_000 * for_seconds) // connections)
    prepared = [
        requests_of(run, first_player + index * PLAYERS_PER_CONNECTION, each)
        for index in range(connections)
    ]
    seconds: list[float] = []
    bad: list[bytes] = []
    started = time.perf_counter()
    until = started + for_seconds
    await asyncio.gather(
        *(_connection(port, requests, until, seconds, bad) for requests in prepared)
    )
    elapsed = time.perf_counter() - started
    seconds.sort()
    return json.dumps(
        {
            "per_second": round(len(seconds) / elapsed, 1),
            "p50_ms": round(1000 * seconds[len(seconds) // 2], 2),
            "p99_ms": round(1000 * seconds[len(seconds) * 99 // 100], 2),
            "answers": len(seconds),
            "bad": len(bad),
            "first_bad": bad[0].decode() if bad else "",
        }
    )


if __name__ == "__main__":
    _port, _run, _first, _connections, _seconds = sys.argv[1:]
    print(  # noqa: T201 - the figures are this program's output
        asyncio.run(drive(int(_port), _run, int(_first), int(_connections), float(_seconds)))
    )
