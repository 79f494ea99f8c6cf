"""Start, share and stop the embedded PostgreSQL and Valkey.

Every process that uses them holds a lease: a shared ``flock`` on ``servers.lease`` in the data
directory. The kernel gives it back however the process ends. Whoever leaves tries to make the lock
exclusive, and only the last can; that one stops the servers. A second lock, the mutex, is held
while somebody starts, leaves or stops, so none of these meet.

After ``kill -9`` of every user the servers stay up; the next command shares them, and stops them
when it leaves.
"""

import atexit
import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from apps.core.embedded.folders import make_data_dir, make_socket_dirs, open_owned
from apps.core.embedded.identity import server_identity
from apps.core.embedded.paths import EmbeddedPaths, embedded_paths
from apps.core.embedded.postgres import PostgresServer
from apps.core.embedded.valkey import ValkeyServer

Server = PostgresServer | ValkeyServer


class ServerLease:
    """This process's share in the servers of one data directory."""

    def __init__(self, paths: EmbeddedPaths, kinds: tuple[type[Server], ...]) -> None:
        self._paths = paths
        self._kinds = kinds
        self._fd: int | None = None
        self._pid = 0
        # Seconds to wait, on leaving, for others that are about to leave too.
        self.patience = 0.0

    @property
    def held(self) -> bool:
        return self._fd is not None and self._pid == os.getpid()

    def acquire(self) -> None:
        """Share the servers that run, or start them. Idempotent.

        Raises:
            EmbeddedServerError: a server does not start; the message ends with its log.
        """
        if self.held:
            return
        make_data_dir(self._paths)
        with _mutex(self._paths):
            self._take()
            try:
                self._start_missing()
            except BaseException:
                self._leave()
                raise

    def keep_alive(self) -> bool:
        """Start again what was killed; whether anything was. Only for the holder of a lease.

        Raises:
            EmbeddedServerError: it does not come up.
        """
        if all(kind(self._paths).answers() for kind in self._kinds):
            return False
        with _mutex(self._paths):
            return self._start_missing()

    def release(self) -> None:
        """Give the share back; the last one stops the servers."""
        if not self.held:
            return
        with _mutex(self._paths):
            self._leave()

    def renew_after_fork(self) -> None:
        """In a forked child: hold a share of one's own instead of the parent's."""
        if self._fd is None:
            return
        os.close(self._fd)
        self._take()

    def _take(self) -> None:
        fd = open_owned(self._paths.lease, self._paths)
        fcntl.flock(fd, fcntl.LOCK_SH)
        self._fd, self._pid = fd, os.getpid()

    def _leave(self) -> None:
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        try:
            if _take_alone(fd, self.patience):
                stop_all(self._paths)
        finally:
            os.close(fd)

    def _start_missing(self) -> bool:
        servers = [kind(self._paths) for kind in self._kinds]
        missing = [server for server in servers if not server.answers()]
        if not missing:
            return False
        identity = server_identity(self._paths, PostgresServer(self._paths).program)
        make_socket_dirs(self._paths, identity)
        for server in missing:
            server.start(identity)
        return True


def ensure_servers() -> ServerLease | None:
    """Have the embedded servers that the settings ask for, for as long as this process lives.

    Each entry point calls it before Django first connects. None where the settings name servers
    from outside.

    Raises:
        EmbeddedServerError: a server does not start; the message ends with its log.
    """
    kinds = wanted_servers()
    if not kinds:
        return None
    return process_lease(embedded_paths(settings.PITBOSS_DATA_DIR), kinds)


def wanted_servers() -> tuple[type[Server], ...]:
    """The kinds of server that the settings leave to us."""
    kinds: list[type[Server]] = []
    if settings.PITBOSS_EMBEDDED_POSTGRES:
        kinds.append(PostgresServer)
    if settings.PITBOSS_EMBEDDED_VALKEY:
        kinds.append(ValkeyServer)
    return tuple(kinds)


def stop_all(paths: EmbeddedPaths) -> None:
    """Stop whatever of the two runs on this data directory. The caller holds the mutex."""
    for server in (ValkeyServer(paths), PostgresServer(paths)):
        server.stop()


@contextlib.contextmanager
def exclusive_access(paths: EmbeddedPaths) -> Iterator[bool]:
    """Hold the mutex; yields whether nobody holds a lease."""
    with _mutex(paths):
        fd = open_owned(paths.lease, paths)
        try:
            yield _take_alone(fd, 0)
        finally:
            os.close(fd)


def _take_alone(fd: int, patience: float) -> bool:
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)
        else:
            return True


_leases: dict[Path, ServerLease] = {}


def process_lease(paths: EmbeddedPaths, kinds: tuple[type[Server], ...]) -> ServerLease:
    """This process's one lease on that data directory, given back when it ends.

    Raises:
        EmbeddedServerError: a server does not start; the message ends with its log.
    """
    lease = _leases.get(paths.data_dir)
    if lease is None:
        lease = ServerLease(paths, kinds)
        lease.acquire()
        atexit.register(lease.release)
        os.register_at_fork(after_in_child=lease.renew_after_fork)
        _leases[paths.data_dir] = lease
    return lease


@contextlib.contextmanager
def _mutex(paths: EmbeddedPaths) -> Iterator[None]:
    fd = open_owned(paths.mutex, paths)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
