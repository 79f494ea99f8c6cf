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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, override

import httpx
import pytest
from django.conf import settings

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
    return subprocess.Popen(  # noqa: S603 - our own command
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
