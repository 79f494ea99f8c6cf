"""A worker that is told to stop in the middle of a task gives the task back."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import redis
from django.conf import settings

from apps.core.embedded.programs import Ports, Program, stack_programs
from tests.architecture.layers import REPOSITORY
from tests.ground.test_server_checks import SAFE, broker

QUEUE = "default"


def _wait(holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what}: it did not happen in time"
        time.sleep(0.1)


def _worker() -> Program:
    """Return the worker as the supervisor runs it."""
    ports = Ports(host="127.0.0.1", web=1, gateway=2, provider=3)
    programs = stack_programs(ports, REPOSITORY, with_provider=False)
    return next(program for program in programs if program.name == "worker")


def _start(folder: Path, url: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "celery", "-A", "tests.core.slow_worker", "worker"]
    command += ["--concurrency=1", "--without-gossip", "--without-mingle"]
    with (folder / "worker.log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={
                **os.environ,
                **dict(_worker().environment),
                "SLOW_BROKER": url,
                "SLOW_DIARY": str(folder / "diary"),
            },
            stdout=log,
            stderr=log,
        )


def test_a_task_cut_short_by_sigterm_is_back_in_its_queue_and_starts_again(tmp_path: Path) -> None:
    with broker(tmp_path) as address:
        client = redis.Redis.from_url(address)
        socket = tmp_path / "v.sock"
        url = f"redis+socket://:{SAFE['requirepass']}@{socket}"
        diary = tmp_path / "diary"
        worker = _start(tmp_path, url)
        try:
            _send(url)
            _wait(lambda: diary.exists() and diary.read_text() == "started\n", "the first start")
            assert client.llen(QUEUE) == 0

            worker.send_signal(signal.SIGTERM)
            worker.wait(30)
            assert client.llen(QUEUE) == 1, (tmp_path / "worker.log").read_text()[-2_000:]

            worker = _start(tmp_path, url)
            _wait(lambda: diary.read_text() == "started\nstarted\n", "the second start")
        finally:
            worker.kill()
            worker.wait()


def _send(url: str) -> None:
    code = "from tests.core.slow_worker import work; work.delay()"
    environment = {**os.environ, "SLOW_BROKER": url}
    command = [sys.executable, "-c", code]
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)


def test_the_supervisor_kills_no_worker_that_is_still_giving_its_tasks_back() -> None:
    assert _worker().stop_seconds > settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT
