"""A gateway process that lives as long as one replay."""

import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from apps.core.embedded import lifeline
from apps.simulator.errors import GatewayNotStartedError

REPLAY_TOKEN_VARIABLE: Final = "PITBOSS_REPLAY_TOKEN"  # noqa: S105 - the variable's name
START_SECONDS: Final = 60
STOP_SECONDS: Final = 15


class OwnGateway:
    """Starts ``manage.py run_gateway`` on a free port; stops it on leaving the context.

    In replay mode the process gets a random token through its environment, never through its
    arguments, which every user of the machine can read. Only requests that carry this token may be
    judged by the capture's clock, and as a live provider's, so nobody else can choose either.
    """

    def __init__(self, manage: Path, *, is_replay_mode: bool) -> None:
        self._manage = manage
        self.token = secrets.token_urlsafe(32) if is_replay_mode else None
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        try:
            self.ensure_running()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def ensure_running(self) -> None:
        """Start the process where it isn't running, and wait until it answers.

        Raises:
            GatewayNotStartedError: it ended by itself or didn't answer in time.
        """
        if self._process is not None and self._process.poll() is None and self._answers():
            return
        if self._process is None or self._process.poll() is not None:
            self._process = self._start()
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                raise GatewayNotStartedError(
                    f"The gateway ended with status {self._process.returncode}; "
                    "its output above says why."
                )
            if time.monotonic() > deadline:
                raise GatewayNotStartedError(f"The gateway gave no answer on port {self.port}.")
            time.sleep(0.05)

    def _start(self) -> subprocess.Popen[bytes]:
        environment = dict(os.environ)
        # The role belongs to the process: the gateway's is not this command's.
        environment.pop("PITBOSS_PROCESS_ROLE", None)
        environment.pop(REPLAY_TOKEN_VARIABLE, None)
        if self.token is not None:
            environment[REPLAY_TOKEN_VARIABLE] = self.token
        # The lifeline ends the gateway even when this process is killed with SIGKILL.
        command = [sys.executable, lifeline.__file__, "supervisor", str(os.getpid())]
        command += [sys.executable, str(self._manage), "run_gateway", "--port", str(self.port)]
        return subprocess.Popen(  # noqa: S603 - our own command, no shell
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=2)
        with closing(connection), suppress(OSError, HTTPException):
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        return False

    def _stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
