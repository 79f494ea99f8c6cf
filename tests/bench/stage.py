"""A database of the bench's own, with players enough that no run meets another's."""

import atexit
import base64
import contextlib
import csv
import functools
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from apps.core.embedded.paths import DATABASE, POSTGRES_PORT, embedded_paths

REPOSITORY = Path(__file__).resolve().parents[2]
SECRET = hashlib.sha256(b"bench").digest()
OPENING = 1_000_000_00
PATH = "/callbacks/bench/rounds"


class Stage:
    """Runs commands and servers on one data directory; everything ends with the context."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = os.environ | {
            "PITBOSS_DATA_DIR": str(directory / "data"),
            "PITBOSS_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "PYTHONPATH": str(REPOSITORY),
        }

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, str(REPOSITORY / "manage.py"), *arguments],
            env=self.environment,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"manage.py {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def connect(self) -> psycopg.Connection:
        """Connect to the stage's own database as its superuser, in autocommit."""
        return psycopg.connect(
            host=str(
                embedded_paths(Path(self.environment["PITBOSS_DATA_DIR"])).postgres_socket_dir
            ),
            port=POSTGRES_PORT,
            dbname=DATABASE,
            user="postgres",
            autocommit=True,
        )

    def count_events(self) -> int:
        with self.connect() as connection:
            row = connection.execute("SELECT count(*) FROM rounds_roundevent").fetchone()
        return int(row[0]) if row else 0

    def load(self, players: int) -> None:
        """Load one provider with a game and ``players`` players of 1,000,000.00 AUD each."""
        folder = self.directory / "provider"
        folder.mkdir()
        secret = "whsec_" + base64.b64encode(SECRET).decode()
        profile = {
            "code": "bench",
            "name": "Bench",
            "protocol": "native",
            "wallet_model": "hold",
            "webhook_secret": secret,
        }
        (folder / "provider.json").write_text(json.dumps(profile))
        with (folder / "games.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["game_code", "name", "category", "theoretical_rtp", "offered_in"])
            rows.writerow(["bench-slot", "Bench Slot", "slot", "0.9500", "MT"])
        with (folder / "players.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(
                ["player_id", "currency", "opening_balance", "kyc_status", "jurisdiction"]
            )
            for number in range(players):
                rows.writerow([f"b-{number}", "AUD", f"{OPENING // 100}.00", "verified", "MT"])
        self.manage("load_provider", str(folder))
        with self.connect() as connection:
            # As after go-live: its players are real ones.
            connection.execute("UPDATE providers_provider SET stage = 'live'")

    @contextlib.contextmanager
    def serving(self, command: Sequence[str], port: int, ready: str) -> Iterator[int]:
        """Run a server until the context ends; yields its pid once it answers."""
        process = subprocess.Popen(
            [sys.executable, *command],
            env=self.environment,
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(port, ready, process)
            yield process.pid
        finally:
            process.terminate()
            process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, path: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(900):
        if process.poll() is not None:
            raise SystemExit(f"a server ended with status {process.returncode}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("a server did not answer within 90 s")


@functools.cache
def _migrated() -> Path:
    """Migrate once per run: every stage begins as a copy of this one."""
    directory = Path(tempfile.mkdtemp(prefix="pitboss-bench-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    stage = Stage(directory)
    with _kept(stage):
        stage.manage("migrate", "--verbosity", "0")
    return directory


@contextlib.contextmanager
def _kept(stage: Stage) -> Iterator[None]:
    keeper = _keeper(stage)
    try:
        yield
    finally:
        keeper.terminate()
        keeper.wait(timeout=60)


@contextlib.contextmanager
def staged(
    players: int, *, has_database: bool = True, sizes: Mapping[LiteralString, str] | None = None
) -> Iterator[Stage]:
    """Yield a migrated, loaded stage whose database servers stay up until the end.

    ``sizes`` are settings of PostgreSQL in place of those for a small machine.
    """
    directory = Path(tempfile.mkdtemp(prefix="pitboss-bench-"))
    try:
        stage = Stage(directory)
        if not has_database:
            yield stage
            return
        # With -a the files keep their owner, who is not us where we are root.
        copy = ["cp", "-a", str(_migrated() / "data"), str(directory)]
        subprocess.run(copy, check=True)
        if sizes:
            with _kept(stage), stage.connect() as connection:
                for name, value in sizes.items():
                    change = sql.SQL("ALTER SYSTEM SET {} = {}")
                    connection.execute(change.format(sql.SQL(name), sql.Literal(value)))
        with _kept(stage):
            stage.load(players)
            yield stage
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _keeper(stage: Stage) -> "subprocess.Popen[bytes]":
    """Hold a lease on the embedded servers, so that they aren't stopped between commands."""
    code = (
        "import signal, sys\n"
        "import config.settings\n"
        "from apps.core.embedded.servers import ensure_servers\n"
        "ensure_servers()\n"
        "print('up', flush=True)\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "signal.pause()\n"
    )
    keeper = subprocess.Popen(
        [sys.executable, "-c", code],
        env=stage.environment,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
    )
    if keeper.stdout is None or keeper.stdout.readline().strip() != b"up":
        raise SystemExit("the embedded servers did not start")
    return keeper
