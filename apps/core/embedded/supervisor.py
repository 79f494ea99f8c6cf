"""Run the whole product in the background of this process, as ``manage.py up`` does.

    stack = Stack.from_settings(with_provider=True)
    stack.start()             # AlreadyRunningError, PortInUseError, EmbeddedServerError
    stack.wait_ready(60)      # NotReadyError names the process that failed and ends with its log
    ...                       # stack.states() -> {"web": "RUNNING", ...}; stack.pid("worker")
    stack.stop()              # every process; the embedded servers stop when this process ends

``Stack`` is a context manager too: entering starts, leaving stops. Call ``start`` from the main
thread: the supervisor ends when the thread that started it does. Should this process die by
SIGKILL, the kernel tells the supervisor to stop everything; should the supervisor die by SIGKILL,
the kernel kills its processes.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from xmlrpc.client import Fault, ServerProxy

import httpx
import psutil
from django.conf import settings
from supervisor.xmlrpc import SupervisorTransport

from apps.core.embedded import lifeline
from apps.core.embedded.errors import AlreadyRunningError, NotReadyError, PortInUseError
from apps.core.embedded.folders import make_data_dir, make_run_dir, open_owned
from apps.core.embedded.keeper import KINDS
from apps.core.embedded.paths import EmbeddedPaths, embedded_paths
from apps.core.embedded.process import alive, log_tail
from apps.core.embedded.programs import (
    Ports,
    Program,
    keeper_program,
    stack_programs,
    supervisor_config,
)
from apps.core.embedded.servers import ServerLease, ensure_servers, wanted_servers

_STOP_SECONDS = 150
_PREVIOUS_SECONDS = 60


class Stack:
    """Every process of the product under one supervisor, at most once per data directory."""

    def __init__(
        self, paths: EmbeddedPaths, ports: Ports, repository: Path, programs: list[Program]
    ) -> None:
        self._paths = paths
        self._ports = ports
        self._repository = repository
        self._programs = programs
        self._lock: int | None = None
        self._lease: ServerLease | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None

    @classmethod
    def from_settings(cls, *, with_provider: bool = False) -> Self:
        """The stack of the settings' data directory and ports."""
        ports = Ports(
            host=settings.PITBOSS_HOST,
            web=settings.PITBOSS_WEB_PORT,
            gateway=settings.PITBOSS_GATEWAY_PORT,
            provider=settings.PITBOSS_PROVIDER_PORT,
        )
        paths = embedded_paths(settings.PITBOSS_DATA_DIR)
        repository = Path(settings.BASE_DIR)
        programs = stack_programs(ports, repository, with_provider=with_provider)
        wanted = wanted_servers()
        kinds = [name for name, kind in KINDS.items() if kind in wanted]
        if kinds:
            programs.insert(0, keeper_program(paths.data_dir, kinds))
        return cls(paths, ports, repository, programs)

    @property
    def web_url(self) -> str:
        return f"http://{_reachable(self._ports.host)}:{self._ports.web}"

    @property
    def gateway_url(self) -> str:
        return f"http://{_reachable(self._ports.host)}:{self._ports.gateway}"

    @property
    def provider_url(self) -> str:
        return f"http://{_reachable(self._ports.host)}:{self._ports.provider}"

    def start(self, prepare: Callable[[], None] | None = None) -> None:
        """Start the supervisor; returns before the processes serve.

        ``prepare`` is called once the embedded servers answer, before anything else starts.

        Raises:
            AlreadyRunningError: another stack runs on this data directory.
            PortInUseError: a port is taken.
            EmbeddedServerError: PostgreSQL or Valkey does not start.
        """
        make_data_dir(self._paths)
        make_run_dir(self._paths)
        self._lock = self._take_lock()
        try:
            self._check_ports()
            self._lease = ensure_servers()
            if prepare is not None:
                prepare()
            self._launch()
        except BaseException:
            self._drop_lock()
            raise

    def wait_ready(self, timeout: float = 90) -> None:
        """Wait until every process runs and those with a port answer.

        Raises:
            NotReadyError: one did not in time, or gave up.
        """
        end = time.monotonic() + timeout
        waiting = list(self._programs)
        while True:
            states = self.states()
            waiting = [program for program in waiting if not self._ready(program, states)]
            if not waiting:
                return
            failed = [program for program in waiting if states.get(program.name) == "FATAL"]
            if failed or time.monotonic() > end or not self.running():
                raise NotReadyError(self._complaint((failed or waiting)[0], states))
            time.sleep(0.2)

    def running(self) -> bool:
        """Whether the supervisor still lives."""
        return self._supervisor is not None and self._supervisor.poll() is None

    def states(self) -> dict[str, str]:
        """Supervisor's word for each process: RUNNING, STARTING, BACKOFF, FATAL, ...

        Empty while the supervisor does not answer.
        """
        return {row["name"]: row["statename"] for row in self._processes()}

    def pid(self, name: str) -> int:
        """The process id of a running program; KeyError where there is none."""
        return {row["name"]: int(row["pid"]) for row in self._processes() if row["pid"]}[name]

    def wait(self) -> int:
        """Wait until the supervisor ends by itself; returns its exit status."""
        return 0 if self._supervisor is None else self._supervisor.wait()

    def stop(self) -> None:
        """Stop every process, the last one the servers. Safe to call twice, and half started."""
        if self._supervisor is not None:
            if not self.running() and self._lease is not None:
                # It was killed; the kernel is just ending its processes, and they hold leases.
                self._lease.patience = 5.0
            _end(self._supervisor)
            self._supervisor = None
        self._drop_lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _take_lock(self) -> int:
        fd = open_owned(self._paths.stack_lock, self._paths)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            previous = _read_note(self._paths.stack_lock)
            os.close(fd)
            raise AlreadyRunningError(
                f"Pitboss already runs on {self._paths.data_dir}: process {previous.get('pid')}, "
                f"{previous.get('web_url')}. Stop that one with Ctrl-C, or set "
                "PITBOSS_DATA_DIR and the ports to run a second one."
            ) from None
        self._await_previous(_read_note(self._paths.stack_lock).get("supervisor"))
        self._write_note(fd)
        return fd

    def _await_previous(self, supervisor: int | None) -> None:
        """Let a supervisor whose owner was killed finish stopping its processes."""
        if supervisor is None or not _is_supervisor(supervisor, self._paths):
            return
        end = time.monotonic() + _PREVIOUS_SECONDS
        while alive(supervisor) and time.monotonic() < end:
            time.sleep(0.1)
        if alive(supervisor):
            os.kill(supervisor, signal.SIGKILL)

    def _write_note(self, fd: int) -> None:
        supervisor = None if self._supervisor is None else self._supervisor.pid
        note = {"pid": os.getpid(), "web_url": self.web_url, "supervisor": supervisor}
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(note).encode(), 0)

    def _drop_lock(self) -> None:
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

    def _check_ports(self) -> None:
        for program in self._programs:
            if program.port is None:
                continue
            try:
                _bind(self._ports.host, program.port)
            except OSError as error:
                raise PortInUseError(
                    f"Port {program.port} for the {program.name} is not free ({error.strerror}"
                    f"{_owner_of(program.port)}). Set {program.port_setting} to another port."
                ) from error

    def _launch(self) -> None:
        self._paths.supervisor_socket.unlink(missing_ok=True)
        self._paths.supervisor_config.write_text(
            supervisor_config(self._programs, self._paths, self._repository)
        )
        command = [sys.executable, lifeline.__file__, "supervisor", str(os.getpid())]
        command += [sys.executable, "-m", "supervisor.supervisord", "--nodaemon"]
        command += ["--configuration", str(self._paths.supervisor_config)]
        self._supervisor = subprocess.Popen(  # noqa: S603 - our own command
            command,
            cwd=self._repository,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # it writes the same to its log file
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone; we stop it in order
        )
        if self._lock is not None:
            self._write_note(self._lock)

    def _ready(self, program: Program, states: dict[str, str]) -> bool:
        if states.get(program.name) != "RUNNING":
            return False
        if program.port is None:
            return True
        address = f"http://{_reachable(self._ports.host)}:{program.port}"
        try:
            answer = httpx.get(f"{address}{program.probe or '/'}", timeout=5, trust_env=False)
        except httpx.TransportError:
            return False
        return program.probe is None or answer.status_code == 200

    def _complaint(self, program: Program, states: dict[str, str]) -> str:
        log = self._paths.log_dir / f"{program.name}.log"
        state = states.get(program.name, "not started")
        return (
            f"The {program.name} does not serve (state: {state}). "
            f"The end of {log}:\n{log_tail(log)}"
        )

    def _processes(self) -> list[dict[str, Any]]:
        if not self.running() or not self._paths.supervisor_socket.exists():
            return []
        transport = SupervisorTransport(None, None, f"unix://{self._paths.supervisor_socket}")
        try:
            with ServerProxy("http://supervisor", transport=transport) as proxy:
                found: Any = proxy.supervisor.getAllProcessInfo()
                return list(found)
        except (OSError, Fault):
            return []


def _end(supervisor: subprocess.Popen[bytes]) -> None:
    supervisor.terminate()
    try:
        supervisor.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()  # its processes die with it, by the kernel
        supervisor.wait()


def _read_note(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return {}


def _is_supervisor(pid: int, paths: EmbeddedPaths) -> bool:
    try:
        return str(paths.supervisor_config) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared, not bound


def _bind(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _owner_of(port: int) -> str:
    """Who listens there, as far as we may see."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,):
                name = psutil.Process(connection.pid).name() if connection.pid else "another user's"
                return f": process {connection.pid or '?'}, {name}"
    except psutil.Error:
        pass
    return ""
