"""Start, share and stop the embedded PostgreSQL and Valkey.

Every process that uses them holds a lease: a shared ``flock`` on ``servers.lease`` in the data directory. The
kernel gives it back however the process ends. Whoever leaves tries to make the lock exclusive, and only the
last can; that one stops the servers. A second lock, the mutex, is held while somebody starts, leaves or stops,
so none of these meet.

After ``kill -9`` of every user the servers stay up; the next command shares them, and stops them when it leaves.
"""

import atexit
import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from apps.core.embedded.errors import EmbeddedServerError
from apps.core.embedded.identity import Identity, server_identity
from apps.core.embedded.paths import EmbeddedPaths, embedded_paths
from apps.core.embedded.postgres import PostgresServer
from apps.core.embedded.valkey import ValkeyServer

Server = PostgresServer | ValkeyServer


class ServerLease:
    """This process's share in the servers of one data directory; survives ``fork`` as a share of the child's own."""

    def __init__(self, paths: EmbeddedPaths, kinds: tuple[type[Server], ...]) -> None:
        self._paths = paths
        self._kinds = kinds
        self._fd: int | None = None
        self._pid = 0

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
        _make_data_dir(self._paths)
        with _mutex(self._paths):
            self._take()
            try:
                self._start_missing()
            except BaseException:
                self._leave()
                raise

    def keep_alive(self) -> bool:
        """Start again what was killed; whether anything was. Only for the holder of a lease."""
        with _mutex(self._paths):
            return self._start_missing()

    def release(self) -> None:
        """Give the share back; the last one stops the servers. Does nothing in a forked child of the holder."""
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
        fd = _open_owned(self._paths.lease, self._paths)
        fcntl.flock(fd, fcntl.LOCK_SH)
        self._fd, self._pid = fd, os.getpid()

    def _leave(self) -> None:
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            stop_all(self._paths)
        finally:
            os.close(fd)

    def _start_missing(self) -> bool:
        servers = [kind(self._paths) for kind in self._kinds]
        missing = [server for server in servers if not server.answers()]
        if not missing:
            return False
        identity = server_identity(self._paths, PostgresServer(self._paths).program)
        _make_run_dir(self._paths, identity)
        for server in missing:
            server.start(identity)
        return True


def ensure_servers() -> ServerLease | None:
    """Make the embedded servers that the settings ask for answer, for as long as this process lives.

    Called by each entry point before Django first connects; None where the settings name servers from outside.
    """
    from django.conf import settings  # noqa: PLC0415 - entry points choose the settings before this runs

    kinds: list[type[Server]] = []
    if settings.PITBOSS_EMBEDDED_POSTGRES:
        kinds.append(PostgresServer)
    if settings.PITBOSS_EMBEDDED_VALKEY:
        kinds.append(ValkeyServer)
    if not kinds:
        return None
    return _process_lease(embedded_paths(settings.PITBOSS_DATA_DIR), tuple(kinds))


def stop_all(paths: EmbeddedPaths) -> None:
    """Stop whatever of the two runs on this data directory. The caller holds the mutex."""
    for server in (ValkeyServer(paths), PostgresServer(paths)):
        server.stop()


@contextlib.contextmanager
def exclusive_access(paths: EmbeddedPaths) -> Iterator[bool]:
    """Hold the mutex; yields whether nobody holds a lease."""
    with _mutex(paths):
        fd = _open_owned(paths.lease, paths)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(fd)


_leases: dict[Path, ServerLease] = {}


def _process_lease(paths: EmbeddedPaths, kinds: tuple[type[Server], ...]) -> ServerLease:
    lease = _leases.get(paths.data_dir)
    if lease is None:
        lease = ServerLease(paths, kinds)
        lease.acquire()
        atexit.register(lease.release)
        os.register_at_fork(after_in_child=lease.renew_after_fork)
        _leases[paths.data_dir] = lease
    return lease


def _make_data_dir(paths: EmbeddedPaths) -> None:
    try:
        paths.data_dir.mkdir(parents=True, exist_ok=True)
        paths.log_dir.mkdir(exist_ok=True)
        if os.geteuid() == 0 and paths.owner_uid != 0:
            os.chown(paths.log_dir, paths.owner_uid, -1)
    except OSError as error:
        raise EmbeddedServerError(
            f"{paths.data_dir} cannot be used as the data directory ({error.strerror}); set PITBOSS_DATA_DIR."
        ) from error


def _make_run_dir(paths: EmbeddedPaths, identity: Identity) -> None:
    """Make the folder of the sockets, or check that the one there is ours: anybody may write in ``/tmp``."""
    with contextlib.suppress(FileExistsError):
        paths.run_dir.mkdir(mode=0o700)
        identity.own(paths.run_dir)
    status = paths.run_dir.lstat()
    ours = {identity.uid, os.geteuid()}
    if not paths.run_dir.is_dir() or paths.run_dir.is_symlink() or status.st_uid not in ours:
        raise EmbeddedServerError(
            f"{paths.run_dir} is needed for the sockets of the embedded servers but belongs to uid "
            f"{status.st_uid}. Remove it, or set PITBOSS_DATA_DIR to another folder."
        )
    identity.own(paths.run_dir)
    paths.run_dir.chmod(0o700)
    paths.postgres_socket_dir.mkdir(mode=0o700, exist_ok=True)
    identity.own(paths.postgres_socket_dir)


@contextlib.contextmanager
def _mutex(paths: EmbeddedPaths) -> Iterator[None]:
    fd = _open_owned(paths.mutex, paths)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _open_owned(path: Path, paths: EmbeddedPaths) -> int:
    """Open a lock file; made by root in somebody's folder, it becomes that person's."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise EmbeddedServerError(
            f"{paths.data_dir} belongs to another user (uid {paths.owner_uid}); "
            "set PITBOSS_DATA_DIR to a folder of your own."
        ) from error
    if os.geteuid() == 0 and os.fstat(fd).st_uid != paths.owner_uid:
        os.fchown(fd, paths.owner_uid, -1)
    return fd
