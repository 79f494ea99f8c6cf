"""PostgreSQL goes away under a real gateway: played rounds wait on disk, stakes are sent away."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from django.conf import settings
from django.db import connection

from apps.core.embedded.folders import make_data_dir, make_socket_dirs
from apps.core.embedded.identity import server_identity
from apps.core.embedded.paths import DATABASE, EmbeddedPaths
from apps.core.embedded.postgres import PostgresServer
from apps.gateway.http.spool import Limits, Spool
from apps.providers.enums import WhenUnavailable
from apps.providers.models import ProviderPolicy
from tests.architecture.layers import REPOSITORY
from tests.gateway.builders import Casino, Event, open_casino, signed_headers
from tests.ground.keepers import data_dir, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/callbacks/aurora/rounds"


@pytest.fixture
def casino(transactional_db: None) -> Casino:
    """The provider aurora, whose played rounds may wait on disk, and a player with 100.00 AUD."""
    casino = open_casino()
    casino.now = datetime.now(UTC)
    ProviderPolicy.objects.update_or_create(
        provider=casino.provider, defaults={"when_unavailable": WhenUnavailable.SPOOL}
    )
    return casino


class Product:
    """A database server and a gateway of one's own, with the casino in them."""

    def __init__(self, paths: EmbeddedPaths) -> None:
        self.paths = paths
        self._server = PostgresServer(paths)
        self._port = _free_port()
        self._gateway: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=20)

    def start_database(self) -> None:
        make_data_dir(self.paths)
        identity = server_identity(self.paths, self._server.program)
        make_socket_dirs(self.paths, identity)
        self._server.start(identity)

    def stop_database(self) -> None:
        self._server.stop()
        assert not self._server.answers()

    def copy_of_the_tests_database(self) -> None:
        """Fill the server with what the test has made, schema and rows."""
        programs = self._server.program.parent
        source = connection.settings_dict
        dump = subprocess.run(
            [programs / "pg_dump", "--no-owner", "--no-acl", *_address(source), source["NAME"]],
            capture_output=True,
            check=True,
        )
        target = {"HOST": self.paths.postgres_socket_dir, "PORT": "5432", "USER": DATABASE}
        restore = [
            str(programs / "psql"),
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            *_address(target),
            DATABASE,
        ]
        subprocess.run(restore, input=dump.stdout, capture_output=True, check=True)
        secrets = settings.PITBOSS_DATA_DIR / "secrets.json"
        (self.paths.data_dir / "secrets.json").write_bytes(secrets.read_bytes())

    def start_gateway(self) -> None:
        self._gateway = self._command("run_gateway", "--port", str(self._port))
        wait_for(lambda: self._status("/healthz") == 200)

    def kill_gateway(self) -> None:
        assert self._gateway is not None
        self._gateway.send_signal(signal.SIGKILL)
        self._gateway.wait()

    def drain(self) -> int:
        """Run the command and return its exit status."""
        return self._command("drain_spool").wait(120)

    def close(self) -> None:
        self._client.close()
        if self._gateway is not None and self._gateway.poll() is None:
            self.kill_gateway()

    def ready(self) -> bool:
        return self._status("/readyz") == 200

    def post(self, casino: Casino, *events: Event) -> httpx.Response:
        body = casino.body(*events)
        headers = signed_headers(body, at=datetime.now(UTC))
        return self._client.post(PATH, content=body, headers=headers)

    def results(self, casino: Casino, *events: Event) -> list[tuple[str, str]]:
        response = self.post(casino, *events)
        assert response.status_code == 200, response.text
        return [(one["status"], one["code"] or "") for one in response.json()["results"]]

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        host = str(self.paths.postgres_socket_dir)
        with psycopg.connect(host=host, dbname=DATABASE, user=DATABASE) as link:
            return link.execute(statement.encode()).fetchall()

    def applied(self) -> list[str]:
        """Return the events in the order in which they were booked."""
        return [row[0] for row in self.ask("SELECT event_id FROM rounds_roundevent ORDER BY id")]

    def cash(self) -> int:
        [row] = self.ask(
            "SELECT balance_minor FROM wallet_account WHERE player_id IS NOT NULL AND pot = 'cash'"
        )
        return int(row[0])

    def segments(self) -> list[Path]:
        return sorted((self.paths.data_dir / "spool").glob("*.seg"))

    def _status(self, path: str) -> int:
        with suppress(httpx.TransportError):
            return self._client.get(path).status_code
        return 0

    def _command(self, *arguments: str) -> "subprocess.Popen[bytes]":
        host = self.paths.postgres_socket_dir
        environment = {
            **os.environ,
            "PITBOSS_DATA_DIR": str(self.paths.data_dir),
            "DATABASE_URL": f"postgresql://{DATABASE}@/{DATABASE}?host={host}",
            "REDIS_URL": "redis://127.0.0.1:9",
        }
        environment.pop("PITBOSS_PROCESS_ROLE", None)
        with (self.paths.data_dir / "commands.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, str(REPOSITORY / "manage.py"), *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


def _address(database: dict[str, Any]) -> list[str]:
    return [
        "-h",
        str(database["HOST"]),
        "-p",
        str(database["PORT"] or "5432"),
        "-U",
        str(database["USER"]),
    ]


@pytest.fixture
def product(casino: Casino, tmp_path: Path) -> Iterator[Product]:
    with data_dir(tmp_path / "own") as paths:
        product = Product(paths)
        try:
            product.start_database()
            product.copy_of_the_tests_database()
            product.start_gateway()
            yield product
        finally:
            product.close()


def test_played_rounds_wait_on_disk_while_the_database_is_away_and_are_booked_once_in_order(
    casino: Casino, product: Product
) -> None:
    assert product.results(casino, casino.event("e-0")) == [("accepted", "")]
    assert product.ready()

    product.stop_database()
    assert not product.ready()
    parked = [("parked", "ledger_unavailable")]
    assert product.results(casino, casino.event("e-1")) == parked
    assert product.results(casino, casino.event("e-2"), casino.event("e-3")) == parked * 2
    assert product.results(casino, casino.rollback("e-4", "e-0")) == parked
    assert product.results(casino, casino.event("e-1")) == parked  # the provider tries again
    stake = product.post(casino, casino.tentative("e-5"))
    mixed = product.post(casino, casino.event("e-6"), casino.tentative("e-7"))
    for refused in (stake, mixed):
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0

    product.kill_gateway()
    product.start_gateway()  # it knows nobody now, and so can't take anything in
    assert product.post(casino, casino.event("e-8")).status_code == 503

    product.start_database()
    wait_for(lambda: not product.segments())
    assert product.applied() == ["e-0", "e-1", "e-2", "e-3", "e-4"]
    assert product.cash() == 10_000 + 3 * 150  # three rounds won 1.50 each; e-0 was rolled back
    assert not any((product.paths.data_dir / "spool" / "quarantine").iterdir())

    again = product.results(casino, casino.event("e-3"), casino.tentative("e-5"))
    assert [status for status, _ in again] == ["duplicate", "tentative"]


def test_a_gateway_killed_while_it_drains_and_a_command_after_it_book_everything_once(
    casino: Casino, product: Product
) -> None:
    assert product.results(casino, casino.event("e-0")) == [("accepted", "")]
    product.stop_database()
    names = [f"e-{number}" for number in range(1, 41)]
    for name in names:
        [(status, _)] = product.results(casino, casino.event(name))
        assert status == "parked"
    [segment] = product.segments()
    content = segment.read_bytes()

    product.start_database()
    wait_for(lambda: len(product.applied()) > 1)
    product.kill_gateway()
    segment.write_bytes(content)  # as if the kill had come before the segment was deleted
    assert [product.drain(), product.drain()] == [0, 0]
    assert product.applied() == ["e-0", *names]
    assert product.cash() == 10_000 + 41 * 150
    assert product.segments() == []


def test_a_delivery_that_can_not_be_brought_in_waits_for_a_person_and_holds_up_nobody(
    casino: Casino, product: Product
) -> None:
    assert product.results(casino, casino.event("e-0")) == [("accepted", "")]
    product.stop_database()
    for name in ("e-1", "e-2"):
        product.results(casino, casino.event(name))
    product.kill_gateway()
    folder = product.paths.data_dir / "spool"
    spool = Spool(folder, Limits(10_000_000, 100))
    found = spool.first()
    assert found is not None
    path, content = found
    first, second = content.records
    spool.append([type(first)({**first.header, "provider_id": 10**6}, first.body), second])
    spool.remove(path)
    spool.close()

    product.start_database()
    assert product.drain() == 1  # it says that something waits for a person
    assert product.applied() == ["e-0", "e-2"]
    [page] = (folder / "quarantine").iterdir()
    assert json.loads(page.read_text())["reason"] == "unknown_provider"
    assert product.segments() == []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
