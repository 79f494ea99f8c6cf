"""A detached server process: started through launch.py, found again, stopped."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil

from apps.core.embedded.errors import EmbeddedServerError
from apps.core.embedded.identity import Identity, launch_command

_LOG_LIMIT_BYTES = 10 * 1024 * 1024


def wheel_folder(package: str) -> Path:
    """Where a wheel was unpacked.

    Found without importing it: the import makes lock files in shared places.

    Raises:
        EmbeddedServerError: the wheel is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"The package {package} is not installed; run `uv sync`, "
            "or set DATABASE_URL and REDIS_URL."
        )
    return Path(spec.submodule_search_locations[0])


def start_detached(identity: Identity, command: list[str], needed: list[Path], log: Path) -> int:
    """Start a server that outlives us; returns its process id. Its output goes to ``log``."""
    _rotate(log)
    with log.open("ab") as output:
        if os.geteuid() == 0:
            identity.own(log)
        launched = subprocess.run(  # noqa: S603 - our own launcher
            launch_command(identity, "detach", command, needed),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            env=server_environment(),
            check=True,
        )
    return int(launched.stdout)


def server_environment() -> dict[str, str]:
    """Nothing of ours: a stray PGDATA or LANG would change what the server does."""
    fixed = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}
    # Some Pythons find their own library by it, and the launcher is one.
    needed = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return fixed | needed


def running(pid: int, folder: Path) -> psutil.Process | None:
    """The process of that id, if it works in ``folder``: a pid file may name a stranger by now."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or Path(process.cwd()) != folder:
            return None
    except psutil.Error:
        return None
    return process


def alive(pid: int) -> bool:
    """Whether the process exists and has not ended (a zombie has, where nobody reaps orphans)."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def processes_in(folder: Path) -> list[psutil.Process]:
    """All processes whose working directory is ``folder``: a server and what it left behind."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if Path(process.cwd()) == folder and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def stop_process(process: psutil.Process, signals: list[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn, waiting the given seconds, until the process is gone.

    Raises:
        EmbeddedServerError: it outlived them all.
    """
    for number, seconds in signals:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
        if _gone(process, seconds):
            return
    raise EmbeddedServerError(f"Process {process.pid} does not end.")


def _gone(process: psutil.Process, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        # Not process.wait(): the reaper of an orphan may be slow, and a zombie holds nothing.
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def log_tail(log: Path, lines: int = 15) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _rotate(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_name(log.name + ".1"))
