"""Watching a run from outside: readiness, memory, and the ledger's sums while it is under fire."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final

import psutil
import psycopg

from apps.core.embedded.paths import DATABASE, POSTGRES_PORT, EmbeddedPaths
from apps.core.embedded.supervisor import Stack
from tests.soak.contracts import Sample
from tests.soak.wire import Wire

_APPEND_ONLY: Final = ("wallet_transfer", "wallet_ledgerseal", "core_auditentry")
_SAMPLE_SECONDS: Final = 2.0

_NEGATIVE: Final = """
SELECT p.player_ref, a.pot, a.balance_minor FROM wallet_account a
JOIN players_player p ON p.id = a.player_id WHERE a.balance_minor < 0
"""
# One currency's money is nowhere lost: what the players' pots say is what the transfers made.
_SUMS: Final = """
SELECT currency, sum(pots)::bigint, sum(folded)::bigint FROM (
    SELECT currency, balance_minor AS pots, 0 AS folded FROM wallet_account
    UNION ALL
    SELECT t.currency, 0, (CASE WHEN c.player_id IS NULL THEN 0 ELSE t.amount_minor END)
        - (CASE WHEN d.player_id IS NULL THEN 0 ELSE t.amount_minor END)
    FROM wallet_transfer t
    JOIN wallet_account c ON c.id = t.credit_account_id
    JOIN wallet_account d ON d.id = t.debit_account_id
) both_sides GROUP BY currency HAVING sum(pots) <> sum(folded)
"""
_CHANGED: Final = """
SELECT coalesce(sum(n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_user_tables
WHERE relname = ANY(%s)
"""


def connect(paths: EmbeddedPaths) -> psycopg.Connection:
    """Connect to the run's own database beside the product."""
    return psycopg.connect(
        host=str(paths.postgres_socket_dir),
        port=POSTGRES_PORT,
        dbname=DATABASE,
        user="postgres",
        connect_timeout=3,
    )


class Sampler:
    """A thread that looks at the ledger every two seconds in one snapshot, and at the memory."""

    def __init__(self, stack: Stack, paths: EmbeddedPaths, clock: Callable[[], float]) -> None:
        self.samples: list[Sample] = []
        self.memory: dict[str, list[tuple[float, int, float]]] = {}
        self._stack = stack
        self._paths = paths
        self._clock = clock
        self._connection: psycopg.Connection | None = None
        self._next_fold = 0.0
        self._stop = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sampler")
        self._running: Future[None] | None = None

    def start(self) -> None:
        self._running = self._thread.submit(self._run)

    def stop(self) -> None:
        self._stop.set()
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()
        if self._running is not None:
            self._running.result()

    def _run(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            self._look_at_memory()
            try:
                self.samples.append(self._look_at_ledger())
            except psycopg.Error:
                self._connection = None  # it was killed; the next look opens another

    def _look_at_ledger(self) -> Sample:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._paths)
            self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._connection.read_only = True
        with self._connection.transaction(), self._connection.cursor() as cursor:
            found = [
                f"{player} {pot} is {balance}"
                for player, pot, balance in cursor.execute(_NEGATIVE).fetchall()
            ]
            if self._is_time_to_fold():
                began = time.monotonic()
                for currency, pots, folded in cursor.execute(_SUMS).fetchall():
                    found.append(f"{currency}: pots hold {pots}, transfers made {folded}")
                # A fold over a large ledger must not become the load itself.
                self._next_fold = time.monotonic() + 20 * (time.monotonic() - began)
            row = cursor.execute(_CHANGED, [list(_APPEND_ONLY)]).fetchone()
        return Sample(self._clock(), tuple(found), int(row[0]) if row else 0)

    def _is_time_to_fold(self) -> bool:
        return time.monotonic() >= self._next_fold

    def _look_at_memory(self) -> None:
        for name in ("gateway", "worker", "relay"):
            with suppress(KeyError, psutil.Error):
                pid = self._stack.pid(name)
                size = psutil.Process(pid).memory_info().rss / 2**20
                self.memory.setdefault(name, []).append((self._clock(), pid, round(size, 1)))


class Prober:
    """Asks the gateway four times a second whether it is ready; notes when it was not."""

    def __init__(self, wire: Wire, clock: Callable[[], float]) -> None:
        self.down: list[tuple[float, float]] = []
        self._wire = wire
        self._clock = clock
        self._since: float | None = None

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            status, _ = await self._wire.exchange("GET", "/readyz", {}, b"", seconds=2)
            self._note(is_ready=status == 200)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.25)
        if self._since is not None:
            self.down.append((self._since, self._clock()))

    def _note(self, *, is_ready: bool) -> None:
        if is_ready and self._since is not None:
            self.down.append((self._since, self._clock()))
            self._since = None
        elif not is_ready and self._since is None:
            self._since = self._clock()
