"""Processes that hold a lease on a data directory's servers, as any command of ours does."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg

from apps.core.embedded.identity import Identity, launch_command
from apps.core.embedded.paths import DATABASE, EmbeddedPaths, embedded_paths
from apps.core.embedded.postgres import PostgresServer
from apps.core.embedded.process import processes_in
from apps.core.embedded.servers import exclusive_access, stop_all
from apps.core.embedded.valkey import ValkeyServer
from tests.architecture.layers import REPOSITORY

WAIT_SECONDS = 90


_started: list["Keeper"] = []


class Keeper:
    """One process with a lease; started at once, ready once both servers answer."""

    def __init__(self, data_dir: Path, identity: Identity | None = None) -> None:
        command = [sys.executable, "-m", "apps.core.embedded.keeper", str(data_dir)]
        command += ["postgres", "valkey"]
        if identity is not None:
            command = launch_command(identity, "wait", command, [Path(sys.executable), data_dir])
        self._log = data_dir.with_name(f"{data_dir.name[:20]}.{time.monotonic_ns()}.log")
        with self._log.open("w") as output:
            self.process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

        _started.append(self)

    @property
    def output(self) -> str:
        return self._log.read_text()

    def ready(self) -> None:
        wait_for(lambda: "servers.started" in self.output or self.process.poll() is not None)
        assert self.process.poll() is None, self.output

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(WAIT_SECONDS)


@contextlib.contextmanager
def data_dir(folder: Path) -> Iterator[EmbeddedPaths]:
    """A data directory whose servers and run directory are gone afterwards, whatever happened."""
    folder.mkdir(parents=True)
    paths = embedded_paths(folder)
    try:
        yield paths
    finally:
        while _started:  # a test that failed leaves some
            _started.pop().end(signal.SIGKILL)
        with exclusive_access(paths):
            stop_all(paths)
        for child in sorted(paths.run_dir.rglob("*"), reverse=True):
            child.rmdir() if child.is_dir() else child.unlink()
        with contextlib.suppress(FileNotFoundError):
            paths.run_dir.rmdir()


def answers(paths: EmbeddedPaths) -> tuple[bool, bool]:
    """Whether PostgreSQL and Valkey answer."""
    return PostgresServer(paths).answers(), ValkeyServer(paths).answers()


def server_processes(paths: EmbeddedPaths) -> list[psutil.Process]:
    return processes_in(paths.postgres_data) + processes_in(paths.valkey_data)


def main_processes(paths: EmbeddedPaths) -> set[int]:
    """The two servers themselves, without PostgreSQL's passing helpers."""
    postmaster = int((paths.postgres_data / "postmaster.pid").read_text().split()[0])
    return {postmaster, *(process.pid for process in processes_in(paths.valkey_data))}


def query(paths: EmbeddedPaths, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(
        host=str(paths.postgres_socket_dir), dbname=DATABASE, user=DATABASE
    ) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def wait_for(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
