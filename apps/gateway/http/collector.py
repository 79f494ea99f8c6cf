"""Collects the callbacks that are in flight and applies them as one batch."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db import Error as DatabaseError
from django.db import OperationalError, connection

from apps.gateway.contracts import Inbound, Judged, Refused, ToJudge
from apps.gateway.http.directory import Directory
from apps.gateway.http.parking import (
    DRAIN_SECONDS,
    UNREACHABLE,
    Parking,
    may_be_kept,
    may_overtake,
)
from apps.gateway.services import intake
from apps.gateway.services.spool_reports import report_spool

logger = logging.getLogger(__name__)

MOST_EVENTS_PER_BATCH = 1_000
MOST_REFUSED_PER_BATCH = 10_000
"""Refusals that wait to be counted; the oldest go uncounted past this."""
MOST_UNREADABLE_PER_BATCH = 16
"""Bodies of up to 2 MiB each that wait in memory."""
DRAIN_EVERY_SECONDS = 2.0
"""How often the database is asked for while something waits on disk."""
REPORT_EVERY_SECONDS = 30.0
"""How often a gateway says what waits on its disk, whatever arrives meanwhile."""


@dataclass(slots=True)
class _Waiting:
    inbound: Inbound
    answer: asyncio.Future[Judged]


class Collector:
    """One batch is in the database at a time; what arrives meanwhile forms the next.

    No timer: a lone callback goes at once, and under load the batch grows by itself. Two batches
    at once would meet each other's locks, and measured slower.
    """

    def __init__(self, directory: Directory, parking: Parking) -> None:
        self._directory = directory
        self._parking = parking
        self._waiting: dict[int, deque[_Waiting]] = {}
        self._refused: deque[Refused] = deque(maxlen=MOST_REFUSED_PER_BATCH)
        self._unreadable_waiting = 0
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._task: asyncio.Task[None] | None = None
        self._report_at = time.monotonic()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._parking.try_open)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Apply what waits, then stop: an answer is owed for everything that was taken."""
        while self._waiting or self._refused:
            self._wake.set()
            await asyncio.sleep(0.02)
        if self._task is not None:
            self._task.cancel()
        self._thread.submit(self._parking.close).result()
        self._thread.submit(close_connection).result()
        self._thread.shutdown()

    async def apply(self, inbound: Inbound) -> Judged:
        """Return the answer once the delivery is durable and judged.

        Raises:
            DatabaseError: nothing could be stored.
        """
        future: asyncio.Future[Judged] = asyncio.get_running_loop().create_future()
        line = self._waiting.setdefault(inbound.provider.id, deque())
        line.append(_Waiting(inbound, future))
        self._wake.set()
        return await future

    def refuse(self, refused: Refused) -> None:
        """Count refused input with the next batch; the caller need not wait for it.

        Of what can't be read, so much is kept as fits between two batches; the rest is counted
        like any other.
        """
        if refused.unreadable is not None:
            if self._unreadable_waiting < MOST_UNREADABLE_PER_BATCH:
                self._unreadable_waiting += 1
            else:
                refused = replace(refused, unreadable=None)
        self._refused.append(refused)
        self._wake.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if time.monotonic() >= self._report_at:
                await loop.run_in_executor(self._thread, self._report_if_due)
            await self._woken()
            while self._waiting or self._refused:
                batch = self._next_batch()
                refused = self._next_refused()
                await loop.run_in_executor(self._thread, self._work, loop, batch, refused)
            if self._parking.depth:
                await loop.run_in_executor(self._thread, self._catch_up)

    async def _woken(self) -> None:
        """Wait for work; while something waits on disk, not for long."""
        patience = DRAIN_EVERY_SECONDS if self._parking.depth else REPORT_EVERY_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), patience)
        self._wake.clear()

    def _next_batch(self) -> list[_Waiting]:
        """Return what goes next; providers take turns, so that one can't keep others waiting."""
        batch: list[_Waiting] = []
        events = 0
        while self._waiting:
            provider_id, line = next(iter(self._waiting.items()))
            size = len(line[0].inbound.parsed)
            if batch and events + size > MOST_EVENTS_PER_BATCH:
                break
            batch.append(line.popleft())
            events += size
            del self._waiting[provider_id]
            if line:
                self._waiting[provider_id] = line
        return batch

    def _next_refused(self) -> list[Refused]:
        refused = list(self._refused)
        self._refused.clear()
        self._unreadable_waiting = 0
        return refused

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
        self._report_if_due()

    def _report_if_due(self) -> None:
        """Say what waits on disk, at most so often; nobody's answer waits for this."""
        if time.monotonic() < self._report_at:
            return
        self._report_at = time.monotonic() + REPORT_EVERY_SECONDS
        try:
            facts = self._parking.facts(datetime.now(UTC))
            if facts is not None:
                report_spool(facts)
        except UNREACHABLE:
            connection.close()
        except Exception:
            # A figure that is missing says so by its age; callbacks go on.
            logger.exception("gateway.spool.unreported")
            connection.close()

    def _apply(self, loop: asyncio.AbstractEventLoop, batch: Sequence[_Waiting]) -> None:
        if self._parking.depth and not self._catch_up():
            batch = self._hold_back(loop, batch)
        inbound = [waiting.inbound for waiting in batch]
        try:
            games = self._directory.games({one.provider.id for one in inbound})
            answers = intake.take_in(inbound, games, now=datetime.now(UTC)) if inbound else []
        except UNREACHABLE as error:
            connection.close()
            logger.warning("gateway.database.away", extra={"error": type(error).__name__})
            self._park(loop, batch, error)
            return
        for waiting, answer in zip(batch, answers, strict=True):
            loop.call_soon_threadsafe(_resolve, waiting.answer, answer)

    def _catch_up(self) -> bool:
        """Bring in what waits on disk, for a moment; return whether nothing waits any more."""
        try:
            return self._parking.drain(seconds=DRAIN_SECONDS)
        except UNREACHABLE:
            connection.close()
        except Exception:
            # What waits stays where it is, and live traffic is answered as while it waits.
            logger.exception("gateway.spool.failed")
            connection.close()
        return False

    def _hold_back(
        self, loop: asyncio.AbstractEventLoop, batch: Sequence[_Waiting]
    ) -> list[_Waiting]:
        """Keep in line what belongs behind the spool; return what may go past it."""
        passing = [waiting for waiting in batch if may_overtake(waiting.inbound)]
        behind = [waiting for waiting in batch if not may_overtake(waiting.inbound)]
        self._park(loop, behind, OperationalError("earlier deliveries wait on disk"))
        return passing

    def _park(
        self, loop: asyncio.AbstractEventLoop, batch: Sequence[_Waiting], error: Exception
    ) -> None:
        """Answer ``parked`` to what is safe on disk, and send everything else away."""
        parkable = [waiting for waiting in batch if may_be_kept(waiting.inbound)]
        kept = self._parking.keep([waiting.inbound for waiting in parkable])
        for waiting in parkable[:kept]:
            one = waiting.inbound
            to_judge = ToJudge(one.provider, one.received_at, None, one.parsed, one.request)
            answer = intake.answer_unavailable(to_judge)
            loop.call_soon_threadsafe(_resolve, waiting.answer, answer)
        refused = [waiting for waiting in batch if not may_be_kept(waiting.inbound)]
        self._fail(loop, [*parkable[kept:], *refused], error)

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
