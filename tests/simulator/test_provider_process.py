"""The reference provider as a process: killed without warning, it forgets nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, override

import httpx
import pytest
from django.conf import settings

from apps.gateway.services import game_transfers
from apps.gateway.services.game_transfers import (
    balance_at_provider,
    pursue_due_transfers,
    pursue_transfer,
    transfer_in,
)
from apps.gateway.services.sub_wallets import MoneyOrder
from apps.wallet.models import GameTransfer
from tests.gateway.builders import Casino, assert_ledger_holds, give_order_key, open_casino

PATIENCE_SECONDS = 90


class Taker(ThreadingHTTPServer):
    """A gateway that takes everything and remembers it."""

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _TakerHandler)
        self.message_ids: list[str] = []


class _TakerHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Taker

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.message_ids.append(self.headers["webhook-id"])
        events = body.get("events", [body])
        results = [{"event_id": one["event_id"], "status": "accepted"} for one in events]
        answer = json.dumps({"results": results}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(home: Path, port: int, gateway_port: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [
            *(sys.executable, str(settings.BASE_DIR / "manage.py"), "run_provider"),
            *("--home", str(home), "--port", str(port)),
            *("--gateway-url", f"http://127.0.0.1:{gateway_port}"),
        ],
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def processes() -> "Iterator[list[subprocess.Popen[bytes]]]":
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def _ask(port: int, home: Path, method: str, path: str, **options: Any) -> dict[str, Any]:
    """Ask the provider, waiting for it to serve."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            token = json.loads((home / "provider.json").read_text())["export_token"]
            answer = httpx.request(
                method,
                f"http://127.0.0.1:{port}{path}",
                headers={"authorization": f"Bearer {token}"},
                timeout=30,
                trust_env=False,
                **options,
            )
        except (OSError, httpx.TransportError):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            assert answer.is_success
            document: dict[str, Any] = answer.json()
            return document


@pytest.mark.django_db(transaction=True)
def test_an_order_answered_too_late_is_decided_by_the_providers_word(
    tmp_path: Path,
    processes: "list[subprocess.Popen[bytes]]",
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.PITBOSS_HTTP_ALLOWED_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr(game_transfers, "_TIMEOUT_SECONDS", 0.5)
    home, port = tmp_path / "home", _free_port()
    processes.append(_start(home, port, _free_port()))
    assert _ask(port, home, "POST", "/wallet/late", json={"answers": 1}) == {"answers": 1}
    casino = _played_from_the_wallet_of(home, port)
    now = datetime.now(UTC)
    went = transfer_in(MoneyOrder(casino.player.pk, "aurora", 3_000, "AUD", "in"), now=now)
    assert not pursue_transfer(went.id, now=now)
    asked = GameTransfer.objects.get()
    assert (asked.state, casino.pots()["cash"]) == ("unresolved", 7_000)
    assert "request_timed_out" in asked.last_error
    # It was obeyed all the same, and is asked for, not sent again.
    assert balance_at_provider("aurora", "p-1001", "AUD", now) == 3_000
    assert asked.next_attempt_at is not None
    assert pursue_due_transfers(now=asked.next_attempt_at) == 1
    asked.refresh_from_db()
    pots = casino.pots()
    assert (asked.state, pots["cash"], pots["transferred:aurora"]) == ("confirmed", 7_000, 3_000)
    assert balance_at_provider("aurora", "p-1001", "AUD", now) == 3_000
    assert_ledger_holds()


def _played_from_the_wallet_of(home: Path, port: int) -> Casino:
    casino = open_casino()
    casino.provider.wallet_model = "transfer"
    casino.provider.transfer_url = f"http://127.0.0.1:{port}/wallet"
    casino.provider.save()
    identity = json.loads((home / "wallet" / "provider.json").read_text())
    give_order_key(casino.provider, secret=identity["order_secret"])
    return casino


def test_a_killed_provider_delivers_everything_after_its_restart(
    tmp_path: Path, processes: "list[subprocess.Popen[bytes]]"
) -> None:
    home, port, gateway_port = tmp_path / "home", _free_port(), _free_port()
    processes.append(_start(home, port, gateway_port))
    order = {"rounds": 60, "day": "2026-11-01", "key": "once"}
    before = _ask(port, home, "POST", "/play", json=order)
    # Nobody takes callbacks yet, so all of them wait when the process is killed.
    os.kill(processes[0].pid, signal.SIGKILL)
    processes[0].wait()

    with Taker(gateway_port) as taker:
        thread = threading.Thread(target=taker.serve_forever)
        thread.start()
        processes.append(_start(home, port, gateway_port))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (after := _ask(port, home, "GET", f"/runs/{before['run']}"))["queued"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        taker.shutdown()
        thread.join()
    assert before["answered"] == 0
    assert after["answered"] == before["deliveries"] == len(taker.message_ids)
    assert _ask(port, home, "POST", "/play", json=order)["run"] == before["run"]
