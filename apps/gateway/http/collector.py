"""Collects the callbacks that are in flight and applies them as one batch."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import Error as DatabaseError
from django.db import connection

from apps.gateway.contracts import Inbound, Judged, Refused
from apps.gateway.http.directory import Directory
from apps.gateway.services import intake

logger = logging.getLogger(__name__)

MOST_EVENTS_PER_BATCH = 1_000
MOST_WAITING = 5_000
"""Callbacks waiting in memory; past this the gateway answers 503 and the provider comes again."""


class OverloadedError(Exception):
    """More callbacks wait than this process may hold."""


@dataclass(slots=True)
class _Waiting:
    inbound: Inbound
    answer: asyncio.Future[Judged]


class Collector:
    """One batch is in the database at a time; what arrives meanwhile forms the next.

    No timer: a lone callback goes at once, and under load the batch grows by itself. Two batches
    at once would meet each other's locks, and measured slower.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._waiting: deque[_Waiting] = deque()
        self._refused: deque[Refused] = deque(maxlen=10_000)
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Apply what waits, then stop: an answer is owed for everything that was taken."""
        while self._waiting or self._refused:
            self._wake.set()
            await asyncio.sleep(0.02)
        if self._task is not None:
            self._task.cancel()
        self._thread.submit(close_connection).result()
        self._thread.shutdown()

    async def apply(self, inbound: Inbound) -> Judged:
        """Return the answer once the delivery is durable and judged.

        Raises:
            OverloadedError: too much waits already.
            DatabaseError: nothing could be stored.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise OverloadedError
        future: asyncio.Future[Judged] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(inbound, future))
        self._wake.set()
        return await future

    def refuse(self, refused: Refused) -> None:
        """Count refused input with the next batch; the caller need not wait for it."""
        self._refused.append(refused)
        self._wake.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting or self._refused:
                batch = self._next_batch()
                refused = [self._refused.popleft() for _ in range(len(self._refused))]
                await loop.run_in_executor(self._thread, self._work, loop, batch, refused)

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        events = 0
        while self._waiting:
            size = len(self._waiting[0].inbound.parsed)
            if batch and events + size > MOST_EVENTS_PER_BATCH:
                break
            batch.append(self._waiting.popleft())
            events += size
        return batch

    def _work(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: Sequence[_Waiting],
        refused: Sequence[Refused],
    ) -> None:
        """Run in the ledger thread. Whatever goes wrong, every caller gets an answer."""
        try:
            if batch:
                self._apply(loop, batch)
            if refused:
                intake.record_refusals(refused)
        except Exception as error:
            logger.exception("gateway.collector.failed")
            self._fail(loop, batch, error)
            if isinstance(error, DatabaseError):
                connection.close()

    def _apply(self, loop: asyncio.AbstractEventLoop, batch: Sequence[_Waiting]) -> None:
        inbound = [waiting.inbound for waiting in batch]
        games = self._directory.games({one.provider.id for one in inbound})
        answers = intake.take_in(inbound, games, now=datetime.now(UTC))
        for waiting, answer in zip(batch, answers, strict=True):
            loop.call_soon_threadsafe(_resolve, waiting.answer, answer)

    def _fail(
        self, loop: asyncio.AbstractEventLoop, batch: Sequence[_Waiting], error: Exception
    ) -> None:
        for waiting in batch:
            loop.call_soon_threadsafe(_reject, waiting.answer, error)


def close_connection() -> None:
    """Close the calling thread's own connection; each thread of the gateway has one."""
    connection.close()


def _resolve(future: asyncio.Future[Judged], answer: Judged) -> None:
    if not future.done():
        future.set_result(answer)


def _reject(future: asyncio.Future[Judged], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
