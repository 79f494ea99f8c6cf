"""Run a command that dies with its parent. Standard library only; run as a script.

A supervisor that is killed with SIGKILL can tell its children nothing; the kernel can (Linux). The
wish survives ``exec``. Processes that the command forks are not covered and call
``die_with_supervised_parent`` themselves.

``lifeline.py supervisor PARENT_PID COMMAND...`` ends the command with SIGTERM after PARENT_PID.
``lifeline.py program COMMAND...`` kills the command after that supervisor.
"""

import ctypes
import os
import signal
import sys

SUPERVISOR_PID = (
    "PITBOSS_SUPERVISOR_PID"  # set in the environment of everything below the supervisor
)

_PR_SET_PDEATHSIG = 1


def die_with_parent(signal_number: signal.Signals, parent: int | None = None) -> None:
    """Ask the kernel to signal this process when its parent ends; does nothing but on Linux.

    ``parent`` is the parent's process id, if known: one that ended before we asked can't be heard.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal_number)


def die_with_supervised_parent() -> None:
    """In a process that a server forked: die with the server, but only below the supervisor."""
    if os.environ.get(SUPERVISOR_PID):
        die_with_parent(signal.SIGKILL)


def main(argv: list[str]) -> None:
    if argv[0] == "supervisor":
        parent, command = int(argv[1]), argv[2:]
        os.environ[SUPERVISOR_PID] = str(os.getpid())
        die_with_parent(signal.SIGTERM, parent)
    else:
        command = argv[1:]
        die_with_parent(signal.SIGKILL, int(os.environ[SUPERVISOR_PID]))
    os.execvp(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
