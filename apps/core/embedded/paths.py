"""Where the embedded servers keep their files and sockets. Pure: nothing is created here."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

POSTGRES_PORT = 5432  # only names the socket file; no TCP port is opened
DATABASE = "pitboss"  # its owner has the same name
APP_ROLE = "pitboss_app"  # what the serving processes connect as


@dataclass(frozen=True)
class EmbeddedPaths:
    """The files of one data directory's servers.

    Sockets live in a short run directory outside the data directory, because a Unix socket's path
    may have 107 bytes at most. Its name holds the owner of the data directory, not the user of this
    process, so that root and the owner find the same servers.
    """

    data_dir: Path
    run_dir: Path
    owner_uid: int

    @property
    def runs_as_root(self) -> bool:
        return os.geteuid() == 0

    @property
    def postgres_data(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def postgres_socket_dir(self) -> Path:
        return self.run_dir / "pg"

    @property
    def postgres_socket(self) -> Path:
        return self.postgres_socket_dir / f".s.PGSQL.{POSTGRES_PORT}"

    @property
    def postgres_log(self) -> Path:
        return self.log_dir / "postgres.log"

    @property
    def valkey_data(self) -> Path:
        return self.data_dir / "valkey"

    @property
    def valkey_socket_dir(self) -> Path:
        return self.run_dir / "valkey"

    @property
    def valkey_socket(self) -> Path:
        return self.valkey_socket_dir / "valkey.sock"

    @property
    def valkey_log(self) -> Path:
        return self.log_dir / "valkey.log"

    @property
    def lease(self) -> Path:
        return self.data_dir / "servers.lease"

    @property
    def mutex(self) -> Path:
        return self.data_dir / "servers.lock"

    @property
    def supervisor_socket(self) -> Path:
        return self.run_dir / "supervisor.sock"

    @property
    def supervisor_config(self) -> Path:
        return self.data_dir / "supervisord.conf"

    @property
    def stack_lock(self) -> Path:
        return self.data_dir / "up.lock"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "logs"


def embedded_paths(data_dir: Path) -> EmbeddedPaths:
    """Work out every path from the data directory alone, so that all processes agree."""
    data_dir = data_dir.resolve()
    owner_uid = _owner_uid(data_dir)
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return EmbeddedPaths(
        data_dir=data_dir,
        run_dir=_temporary_dir() / f"pitboss-{owner_uid}-{digest}",
        owner_uid=owner_uid,
    )


def _owner_uid(data_dir: Path) -> int:
    try:
        return data_dir.stat().st_uid
    except FileNotFoundError:
        return os.geteuid()  # we are about to make it


def _temporary_dir() -> Path:
    # Not TMPDIR: it differs between a login shell and cron, and both must find the same sockets.
    shared = Path("/tmp")  # noqa: S108 - the run directory inside is 0700 and its owner is checked
    return shared if shared.is_dir() else Path(tempfile.gettempdir()).resolve()
