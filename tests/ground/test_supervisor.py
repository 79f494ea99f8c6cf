import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from apps.core.embedded.errors import AlreadyRunningError, NotReadyError, PortInUseError
from apps.core.embedded.paths import embedded_paths
from apps.core.embedded.programs import Ports, Program, supervisor_config
from apps.core.embedded.supervisor import Stack
from tests.architecture.layers import REPOSITORY
from tests.ground.keepers import wait_for
from tests.ground.light_stack import light_stack


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    data_dir = tmp_path / "data with a space"
    data_dir.mkdir()
    yield data_dir
    run_dir = embedded_paths(data_dir).run_dir
    for left in run_dir.glob("*"):
        left.unlink()
    run_dir.rmdir()


def _start_owner(folder: Path, port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.ground.light_stack", str(folder), str(port)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _ready(owner: subprocess.Popen[str]) -> None:
    assert owner.stdout is not None
    assert owner.stdout.readline() == "ready\n", owner.communicate()[1]


def _close(owner: subprocess.Popen[str]) -> None:
    if owner.poll() is None:
        owner.send_signal(signal.SIGTERM)
    owner.communicate(timeout=60)


def _serves(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _running(folder: Path) -> list[psutil.Process]:
    """Everything the stack started, found by the folder in its command line."""
    marks = (str(folder), str(embedded_paths(folder).supervisor_config))
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        lives = process.info["status"] != psutil.STATUS_ZOMBIE
        if lives and process.pid != os.getpid() and any(mark in line for mark in marks):
            found.append(process)
    return found


def test_a_stack_starts_restarts_what_dies_and_stops_everything(folder: Path, port: int) -> None:
    with light_stack(folder, port) as stack:
        stack.wait_ready(60)
        assert set(stack.states()) == {"worker", "web"}
        first = stack.pid("web")

        os.kill(first, signal.SIGKILL)
        wait_for(lambda: stack.states().get("web") == "RUNNING" and _is_new(stack, first))
        wait_for(lambda: _serves(port))

    assert not _serves(port)
    assert _running(folder) == []


def _is_new(stack: Stack, first: int) -> bool:
    """Tell whether web runs as another process; between two, it may be none at all."""
    try:
        return stack.pid("web") != first
    except KeyError:
        return False


def test_a_second_start_says_who_runs_and_touches_nothing(folder: Path, port: int) -> None:
    with light_stack(folder, port) as stack:
        stack.wait_ready(60)

        with pytest.raises(AlreadyRunningError, match=rf"already runs.*process {os.getpid()}"):
            light_stack(folder, port).start()
        assert _serves(port)


def test_a_taken_port_is_named_with_its_setting_and_its_owner(folder: Path, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()

        with pytest.raises(PortInUseError, match=rf"Port {port} for the web.*PITBOSS_WEB_PORT"):
            light_stack(folder, port).start()
    assert _running(folder) == []


def test_a_program_that_gives_up_is_reported_with_its_log(folder: Path, port: int) -> None:
    broken = Program("worker", (sys.executable, "-c", "raise SystemExit('no luck')"), priority=1)
    ports = Ports("127.0.0.1", port, port, port)
    with (
        Stack(embedded_paths(folder), ports, REPOSITORY, [broken]) as stack,
        pytest.raises(NotReadyError, match=r"The worker does not serve.*\n(.*\n)*no luck"),
    ):
        stack.wait_ready(4)


def test_a_killed_owner_takes_everything_along_and_a_fresh_start_works(
    folder: Path, port: int
) -> None:
    owner = _start_owner(folder, port)
    _ready(owner)
    owner.kill()
    owner.communicate()

    again = _start_owner(folder, port)
    _ready(again)
    assert _serves(port)
    _close(again)
    assert again.returncode == 0
    assert _running(folder) == []


def test_a_killed_supervisor_takes_its_programs_along(folder: Path, port: int) -> None:
    owner = _start_owner(folder, port)
    _ready(owner)
    (supervisor,) = [p for p in _running(folder) if "supervisor.supervisord" in p.cmdline()]

    supervisor.kill()

    wait_for(lambda: _running(folder) == [])
    _close(owner)
    assert not _serves(port)


def test_after_a_kill_of_everything_a_fresh_start_works(folder: Path, port: int) -> None:
    owner = _start_owner(folder, port)
    _ready(owner)
    for process in _running(folder):
        process.kill()
    owner.communicate()

    again = _start_owner(folder, port)
    _ready(again)
    assert _serves(port)
    _close(again)


def test_percent_signs_and_spaces_reach_the_programs_unharmed(tmp_path: Path) -> None:
    paths = embedded_paths(tmp_path / "100% odd")
    text = supervisor_config([Program("worker", ("a b", "%x"), 1)], paths, tmp_path)

    assert "'a b' %%x" in text
    assert "100%% odd/logs/worker.log" in text
