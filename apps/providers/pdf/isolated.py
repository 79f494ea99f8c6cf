"""Run one of our modules over bytes from outside, in a process that can do little harm.

The module reads stdin, calls ``restrict`` before it parses anything and answers on stdout. It gets
no database address and no keys, can write no file, and is killed when it takes too much.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_MEMORY_BYTES = 1024 * 1024 * 1024
_CPU_SECONDS = 10
_WALL_SECONDS = 20


def restrict() -> None:
    """Limit this process for good; what a parser asks for beyond it fails or ends it."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def bare_environment() -> dict[str, str]:
    """Return the environment of such a process: what Python needs, no addresses, no keys."""
    return {"PATH": os.defpath, "LANG": "C.UTF-8"}


def run_isolated(module: str, data: bytes, *arguments: str) -> bytes | None:
    """Return what ``python -m module arguments`` answers to ``data``; None where it fails."""
    try:
        finished = subprocess.run(  # noqa: S603 - our own interpreter with our own module
            [sys.executable, "-m", module, *arguments],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env=bare_environment(),
            timeout=_WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return finished.stdout if finished.returncode == 0 else None
