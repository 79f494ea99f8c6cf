"""Replaying over HTTP: through the real gateway, and against one that fails."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any, override

import psutil
import pytest
import uvicorn
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.gateway.http.application import Gateway
from apps.providers.services.standing import take_live
from apps.rounds.models import Delivery, RoundEvent
from apps.simulator.capture.own_gateway import OwnGateway
from apps.simulator.capture.reading import read_capture
from apps.simulator.capture.redating import as_recorded
from apps.simulator.capture.sending import ReplayReport, Target, send_all
from apps.simulator.errors import UndeliveredError
from tests.simulator.test_replay_capture import event, line, small_capture, write_capture

TOKEN = "only-this-run"
DEAD_PORT = 9  # discard; nothing listens there


@pytest.fixture
def aurora(transactional_db: None, tmp_path: Path) -> None:
    folder = tmp_path / "aurora"
    folder.mkdir()
    (folder / "provider.json").write_text(
        json.dumps(
            {
                "code": "aurora",
                "name": "Aurora Studios",
                "protocol": "native",
                "webhook_secret": "whsec_jFGct6mhPlJUsYdLhJjI15hQdderLIXxqDROAYVzeoE=",
                "wallet_model": "hold",
                "reporting_timezone": "UTC",
                "clock_tolerance": {"future_seconds": 300, "past_seconds": 172800},
                "retention_months": 12,
                "settlement_hours": 48,
            }
        )
    )
    (folder / "games.csv").write_text(
        "game_code,name,category,theoretical_rtp,offered_in\naurora-slot-09,Slot,slot,0.9400,MT\n"
    )
    (folder / "players.csv").write_text(
        "player_id,currency,opening_balance,kyc_status,jurisdiction\np-1,AUD,1000.00,verified,MT\n"
    )
    call_command("load_provider", str(folder), stdout=StringIO())
    take_live("aurora", reason="Rehearsed.", now=datetime.now(UTC))


@pytest.fixture
def gateway_url(aurora: None) -> Iterator[str]:
    config = uvicorn.Config(
        Gateway(replay_token=TOKEN), port=0, lifespan="on", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.02)
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def _replay(capture: Path, url: str, *flags: str) -> dict[str, Any]:
    out = StringIO()
    call_command(
        "replay", str(capture), "--provider", "aurora", "--to", url, *flags, "--json", stdout=out
    )
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def _send(capture: Path, target: Target, concurrency: int = 1) -> ReplayReport:
    deliveries = map(as_recorded, read_capture(capture, "aurora"))
    return send_all(deliveries, target, concurrency=concurrency, on_answer=lambda _: None)


def _mixed_capture(path: Path) -> Path:
    """Six deliveries: two good, a forged one, a wrong checksum, a conflict, a duplicate."""
    good = json.dumps(event("e-1"))
    return write_capture(
        path,
        [
            line(1, good),
            line(2, json.dumps({"events": [event("e-2"), event("e-3")]})),
            line(3, json.dumps(event("e-4")), secret=b"x" * 32),
            line(4, json.dumps({**event("e-5"), "checksum": "0" * 64})),
            line(5, json.dumps(event("e-1", win_amount="5.00", balance_after="14.00"))),
            line(1, good),
        ],
    )


MIXED_STATUSES = {"accepted": 3, "conflict": 1, "duplicate": 1, "rejected": 1}


def test_a_shifted_capture_is_judged_like_the_recorded_one(
    gateway_url: str, tmp_path: Path
) -> None:
    capture = _mixed_capture(tmp_path / "capture.ndjson")
    shifted = _replay(capture, gateway_url, "--shift", "now")
    recorded = _send(capture, Target(gateway_url, replay_token=TOKEN))
    assert shifted["statuses"] == MIXED_STATUSES == dict(recorded.statuses)
    assert shifted["http"] == {"200": 5, "401": 1} == dict(recorded.http)
    assert (shifted["deliveries"], shifted["events"]) == (6, 7)
    # Both are there, under ids that never meet.
    assert RoundEvent.objects.count() == 6


def test_the_same_shift_again_changes_nothing_and_now_plays_anew(
    gateway_url: str, tmp_path: Path
) -> None:
    capture = small_capture(tmp_path / "capture.ndjson", 5)
    first = _replay(capture, gateway_url, "--shift", "now")
    again = _replay(capture, gateway_url, "--shift", first["shift_to"])
    assert (again["statuses"], again["id_suffix"]) == ({"duplicate": 5}, first["id_suffix"])
    moved = datetime.fromisoformat(first["shift_to"]) - timedelta(seconds=2)
    other = _replay(capture, gateway_url, "--shift", moved.isoformat())
    assert other["statuses"] == {"accepted": 5}
    assert RoundEvent.objects.count() == 10


def test_as_recorded_is_judged_and_kept_at_the_recorded_time(
    gateway_url: str, tmp_path: Path
) -> None:
    capture = small_capture(tmp_path / "capture.ndjson", 3)
    report = _send(capture, Target(gateway_url, replay_token=TOKEN))
    assert dict(report.statuses) == {"accepted": 3}
    received = Delivery.objects.order_by("received_at").values_list("received_at", flat=True)
    assert next(iter(received)) == datetime(2026, 11, 18, 0, 1, 20, 231_000, UTC)


@pytest.mark.parametrize("token", [None, "", "a-guess", TOKEN + "x", TOKEN[:-1]])
def test_nobody_without_the_token_of_the_run_sets_the_gateways_clock(
    gateway_url: str, tmp_path: Path, token: str | None
) -> None:
    capture = small_capture(tmp_path / "capture.ndjson", 3)
    report = _send(capture, Target(gateway_url, replay_token=token))
    assert dict(report.http) == {"401": 3}
    assert not RoundEvent.objects.exists()
    assert not Delivery.objects.filter(received_at__lt=datetime(2026, 11, 20, tzinfo=UTC)).exists()


def test_as_recorded_can_not_be_aimed_at_another_gateway(aurora: None, tmp_path: Path) -> None:
    capture = small_capture(tmp_path / "capture.ndjson", 1)
    with pytest.raises(CommandError, match="leave out --to"):
        _replay(capture, "http://127.0.0.1:9", "--as-recorded")


def test_duplicates_are_answered_as_duplicates(gateway_url: str, tmp_path: Path) -> None:
    capture = small_capture(tmp_path / "capture.ndjson", 10)
    result = _replay(capture, gateway_url, "--shift", "now", "--duplicate", "1")
    assert result["statuses"] == {"accepted": 10, "duplicate": 10}
    assert (result["deliveries"], result["duplicated"]) == (20, 10)


def test_dropped_deliveries_are_counted_and_a_full_replay_brings_the_rest(
    gateway_url: str, tmp_path: Path
) -> None:
    capture = small_capture(tmp_path / "capture.ndjson", 20)
    part = _replay(capture, gateway_url, "--shift", "now", "--drop", "0.4", "--seed", "5")
    assert part["dropped"] == 20 - part["deliveries"] > 0
    whole = _replay(capture, gateway_url, "--shift", part["shift_to"])
    assert whole["statuses"] == {"accepted": part["dropped"], "duplicate": part["deliveries"]}


def test_reordered_and_parallel_deliveries_all_arrive(gateway_url: str, tmp_path: Path) -> None:
    capture = small_capture(tmp_path / "capture.ndjson", 30)
    flags = ("--shift", "now", "--reorder", "10", "--concurrency", "4")
    result = _replay(capture, gateway_url, *flags)
    assert result["statuses"] == {"accepted": 30}


def test_an_unknown_provider_and_a_bad_capture_are_refused_before_sending(
    aurora: None, tmp_path: Path
) -> None:
    capture = small_capture(tmp_path / "capture.ndjson", 1)
    with pytest.raises(CommandError):
        call_command("replay", str(capture), "--provider", "nobody", "--shift", "now")
    bad = write_capture(tmp_path / "bad.ndjson", [line(1, "{}"), "junk"])
    with pytest.raises(CommandError, match="line 2"):
        _replay(bad, "http://127.0.0.1:9", "--shift", "now")


class Flaky(ThreadingHTTPServer):
    """Fails every delivery in turn: no answer, 503, 500, then takes it; remembers what it took."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _FlakyHandler)
        self.tries = 0
        self.taken: list[bytes] = []


class _FlakyHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Flaky

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.tries += 1
        step = self.server.tries % 4
        if step == 1:
            self.close_connection = True
            return
        answer = b'{"results": [{"event_id": "e", "status": "accepted"}]}'
        if step == 0:
            self.server.taken.append(body)
        self.send_response({2: 503, 3: 500, 0: 200}[step])
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def flaky() -> Iterator[Flaky]:
    with Flaky() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_each_delivery_is_repeated_until_it_is_taken_and_none_is_skipped(
    flaky: Flaky, tmp_path: Path
) -> None:
    capture = small_capture(tmp_path / "capture.ndjson", 4)
    revived: list[int] = []
    url = f"http://127.0.0.1:{flaky.server_address[1]}"
    report = _send(capture, Target(url, revive=lambda: revived.append(1)))
    assert [json.loads(body)["event_id"] for body in flaky.taken] == ["e-0", "e-1", "e-2", "e-3"]
    assert (report.deliveries, report.retries, len(revived)) == (4, 12, 4)
    assert dict(report.http) == {"200": 4}


def test_an_unreachable_gateway_is_named_with_the_line_and_later_ones_stay_unsent(
    tmp_path: Path,
) -> None:
    capture = small_capture(tmp_path / "capture.ndjson", 4)
    with pytest.raises(UndeliveredError, match="line 1 could not be delivered"):
        _send(capture, Target(f"http://127.0.0.1:{DEAD_PORT}", patience_seconds=0))


def test_a_replays_own_gateway_comes_back_after_a_kill_and_hides_its_token() -> None:
    with OwnGateway(settings.BASE_DIR / "manage.py", is_replay_mode=True) as gateway:
        assert gateway.token is not None
        assert gateway._process is not None
        first = gateway._process.pid
        assert gateway.token not in " ".join(psutil.Process(first).cmdline())
        assert psutil.Process(first).environ()["PITBOSS_REPLAY_TOKEN"] == gateway.token
        os.kill(first, signal.SIGKILL)
        gateway._process.wait()
        gateway.ensure_running()
        assert gateway._process.pid != first
        last = gateway._process
    assert last.poll() is not None


def test_a_gateway_outside_replay_mode_gets_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITBOSS_REPLAY_TOKEN", "left-over")
    with OwnGateway(settings.BASE_DIR / "manage.py", is_replay_mode=False) as gateway:
        assert gateway._process is not None
        assert "PITBOSS_REPLAY_TOKEN" not in psutil.Process(gateway._process.pid).environ()
