"""One client of the transfer bench, in a process of its own.

``plain`` calls the SQL function once per transfer; ``ours`` posts batches through the ledger's
service. Both choose their accounts before the clock starts, and start when told to.
"""

import json
import os
import random
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import cycle, islice

import psycopg

from tests.bench.transfers_sql import MOVE

AMOUNT = 5


@dataclass(frozen=True)
class Client:
    """``batch`` is how many transfers of ours go at once; ``hot`` puts one account in all."""

    side: str
    name: str
    seconds: float
    accounts: int
    batch: int
    hot: bool
    dsn: str = ""

    def as_argument(self) -> str:
        return json.dumps(asdict(self))


def pairs(client: Client, count: int) -> list[tuple[int, int]]:
    """Return pairs of account numbers from 1 on; the hot account pays and is paid by turns."""
    chance = random.Random(client.name)
    if not client.hot:
        return [
            (a, b if b != a else a % client.accounts + 1)
            for a, b in (
                (chance.randint(1, client.accounts), chance.randint(1, client.accounts))
                for _ in range(count)
            )
        ]
    others = (chance.randint(2, client.accounts) for _ in range(count))
    return [(1, other) if n % 2 else (other, 1) for n, other in enumerate(others)]


def plain(client: Client) -> tuple[int, float, list[float]]:
    """Call the function once per transfer, prepared, each its own durable transaction."""
    wanted = cycle(pairs(client, 20_000))
    with psycopg.connect(client.dsn, autocommit=True, prepare_threshold=0) as connection:
        cursor = connection.cursor()
        cursor.execute(MOVE, (*next(wanted), AMOUNT))
        _wait()
        started = now = time.perf_counter()
        took = []
        while now < started + client.seconds:
            cursor.execute(MOVE, (*next(wanted), AMOUNT))
            before, now = now, time.perf_counter()
            took.append(now - before)
    return len(took), now - started, took


def ours(client: Client) -> tuple[int, float, list[float]]:
    """Post batches through the service, each its own durable transaction."""
    os.environ["PITBOSS_PROCESS_ROLE"] = "gateway"
    import django

    django.setup()
    from apps.players.models import Player
    from apps.wallet.contracts import PlayerPot, TransferRequest
    from apps.wallet.enums import Pot, TransferKind
    from apps.wallet.services.ledger import post_transfers

    pots = [
        PlayerPot(pk, Pot.CASH)
        for pk in Player.objects.order_by("pk").values_list("pk", flat=True)[: client.accounts]
    ]
    moment = datetime.now(UTC)
    wanted = cycle(pairs(client, 20_000))
    number = 0

    def requests() -> list[TransferRequest]:
        nonlocal number
        made = []
        for payer, payee in islice(wanted, client.batch):
            number += 1
            subject = f"bench:{client.name}-{number}"
            made.append(
                TransferRequest(
                    idempotency_key=f"{subject}:deposit",
                    debit=pots[payer - 1],
                    credit=pots[payee - 1],
                    amount_minor=AMOUNT,
                    currency="AUD",
                    kind=TransferKind.DEPOSIT,
                    subject=subject,
                    occurred_at=moment,
                )
            )
        return made

    post_transfers(requests(), now=moment)
    _wait()
    started = now = time.perf_counter()
    took: list[float] = []
    posted = 0
    while now < started + client.seconds:
        posted += post_transfers(requests(), now=moment)
        before, now = now, time.perf_counter()
        took.append(now - before)
    return posted, now - started, took


def _wait() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def main() -> None:
    client = Client(**json.loads(sys.argv[1]))
    done, elapsed, took = (plain if client.side == "plain" else ours)(client)
    took.sort()
    figures = {
        "transfers": done,
        "per_second": done / elapsed,
        "p99_ms": round(1000 * took[len(took) * 99 // 100], 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
