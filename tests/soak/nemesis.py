"""Kills, in a seeded order, only what this run started: each by the process id it has recorded."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from random import Random
from typing import Final

import psutil

from apps.core.embedded.paths import EmbeddedPaths
from apps.core.embedded.process import processes_in
from apps.core.embedded.supervisor import Stack
from tests.soak.contracts import Kill

_SHORTEST_GAP: Final = 1.0
_PROGRAMS: Final = ("gateway", "worker", "relay", "beat", "servers")
_FIRST: Final = ("gateway", "postgres", "worker", "valkey", "relay", "beat")
"""Even a short run kills each of these once, in a seeded order, before any comes again.

Before them all PostgreSQL is away for longer than a restart takes.
"""
_DECK: Final = (
    *("gateway",) * 7,
    *("postgres",) * 4,
    *("postgres-away",) * 2,
    *("worker",) * 3,
    *("worker-child",) * 2,
    *("worker-stopped",) * 2,
    *("relay",) * 3,
    *("beat",) * 2,
    *("valkey",) * 3,
    *("valkey-wiped",) * 2,
    "servers",
)


class Nemesis:
    """A thread that kills something every few seconds until told to stop."""

    def __init__(
        self,
        stack: Stack,
        paths: EmbeddedPaths,
        *,
        seed: int,
        mean_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self.kills: list[Kill] = []
        self._stack = stack
        self._paths = paths
        self._rng = Random(f"nemesis:{seed}")
        self._mean = mean_seconds
        self._clock = clock
        self._stop = threading.Event()
        self._stopped: list[psutil.Process] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nemesis")
        self._running: Future[None] | None = None

    def start(self) -> None:
        self._running = self._thread.submit(self._run)

    def stop(self) -> None:
        """End the killing; whatever was stopped goes on. A mistake of its own comes up here."""
        self._stop.set()
        self._thread.shutdown()
        self._wake()
        if self._running is not None:
            self._running.result()

    def _run(self) -> None:
        for kind in self._kinds():
            pause = _SHORTEST_GAP + self._rng.expovariate(1 / (self._mean - _SHORTEST_GAP))
            if self._stop.wait(min(pause, 5 * self._mean)):
                return
            self._wake()
            self._strike(kind)

    def _kinds(self) -> Iterator[str]:
        first = list(_FIRST)
        self._rng.shuffle(first)
        yield "postgres-away"
        yield from first
        while True:
            deck = list(_DECK)
            self._rng.shuffle(deck)
            yield from deck

    def _strike(self, kind: str) -> None:
        at = self._clock()
        try:
            pids = self._victims(kind)
        except (LookupError, OSError, ValueError, psutil.Error):
            return  # it is down already
        if kind == "worker-stopped":
            self._freeze(pids)
        else:
            self._keep_away(kind)
            _kill(pids)
        if kind == "valkey-wiped":
            self._wipe_valkey()
        self.kills.append(Kill(at, kind, tuple(pids)))
        if kind == "postgres-away":
            self._stop.wait(self._rng.uniform(5, 9))
            self._wake()

    def _victims(self, kind: str) -> list[int]:
        if kind in _PROGRAMS:
            return [self._stack.pid(kind)]
        if kind.startswith("postgres"):
            return self._postgres()
        if kind.startswith("valkey"):
            return [process.pid for process in self._valkey()]
        return self._worker(kind)

    def _worker(self, kind: str) -> list[int]:
        worker = psutil.Process(self._stack.pid("worker"))
        children = worker.children()
        if kind == "worker-child":
            return [self._rng.choice(sorted(child.pid for child in children))]
        return [worker.pid, *(child.pid for child in children)]

    def _postgres(self) -> list[int]:
        """The postmaster first, so that it can't clean up after its children."""
        lines = (self._paths.postgres_data / "postmaster.pid").read_text().splitlines()
        postmaster = psutil.Process(int(lines[0]))
        if postmaster.cwd() != str(self._paths.postgres_data):
            raise ValueError("a stranger has this process id by now")
        children = postmaster.children(recursive=True)
        return [postmaster.pid, *(child.pid for child in children)]

    def _valkey(self) -> list[psutil.Process]:
        found = processes_in(self._paths.valkey_data)
        if not found:
            raise KeyError("valkey")
        return found

    def _wipe_valkey(self) -> None:
        """Take the broker's data away in one step, before it is started again."""
        with suppress(OSError):
            wiped = self._paths.data_dir / f"valkey.wiped.{time.monotonic_ns()}"
            self._paths.valkey_data.rename(wiped)

    def _keep_away(self, kind: str) -> None:
        """Where a server is to stay away, freeze who would start it again at once."""
        if kind == "postgres-away":
            with suppress(LookupError):
                self._suspend([self._stack.pid("servers")])

    def _suspend(self, pids: list[int]) -> None:
        for pid in pids:
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                process.suspend()
                self._stopped.append(process)

    def _freeze(self, pids: list[int]) -> None:
        self._suspend(pids)
        self._stop.wait(self._rng.uniform(2, 5))
        self._wake()

    def _wake(self) -> None:
        for process in self._stopped:
            with suppress(psutil.Error):
                process.resume()
        self._stopped.clear()


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
