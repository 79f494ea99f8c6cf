"""Start a server as a user it is allowed to run as. A script; standard library only.

PostgreSQL refuses to run as root. Two ways round, chosen by the caller:

* ``setuid:UID:GID`` becomes that user. Where that user could not reach the given paths (a clone
  below ``/root``, mode 0700), it keeps one capability, to read and traverse, across the change.
* ``userns`` keeps the user and enters a user namespace in which it is not called root.
"""

import ctypes
import os
import sys
from pathlib import Path

CANNOT_SWITCH = 77  # exit status: this way of leaving root does not work here

_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAP_SETPCAP = 8
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CLONE_NEWUSER = 0x10000000
_NOBODY = 65534


def main(argv: list[str]) -> None:
    """Arguments: identity, ``wait`` or ``detach``, the paths needed (one a line), the command."""
    identity, manner, needed, *command = argv
    if manner == "detach":
        _detach()
    try:
        _become(identity, [Path(path) for path in needed.split("\n") if path])
    except OSError as error:
        print(f"cannot run as {identity}: {error}", file=sys.stderr)  # noqa: T201 - goes to the server's log
        raise SystemExit(CANNOT_SWITCH) from error
    os.umask(0o077)
    os.chdir("/")
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


def _detach() -> None:
    """Leave the caller's session; print the server's process id for the caller."""
    child = os.fork()
    if child:
        print(child, flush=True)  # noqa: T201 - the caller reads it
        os._exit(0)
    os.setsid()
    # The caller waits for the end of standard output; from here on everything goes to the log.
    os.dup2(2, 1)


def _become(identity: str, needed: list[Path]) -> None:
    if identity == "same":
        return
    if identity == "userns":
        _enter_user_namespace()
    else:
        _, uid, gid = identity.split(":")
        _switch_user(int(uid), int(gid), needed)
    if not _can_reach(needed):
        message = "the server's user cannot reach " + ", ".join(str(path) for path in needed)
        raise PermissionError(message)


def _can_reach(paths: list[Path]) -> bool:
    # Tried for real: access(2) and old C libraries leave capabilities out.
    try:
        for path in paths:
            os.stat(f"{path}/." if path.is_dir() else path)  # noqa: PTH116 - Path drops the dot
    except PermissionError:
        return False
    return True


def _switch_user(uid: int, gid: int, needed: list[Path]) -> None:
    before = _permitted_capabilities()
    _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if _can_reach(needed):
        _set_capabilities(0)
        return
    for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        if before & (1 << capability):
            # initdb asks access(2), which forgets capabilities unless told not to.
            _set_capabilities(1 << capability | 1 << _CAP_SETPCAP)
            _prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
            _set_capabilities(1 << capability)
            _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)
            return


def _enter_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    _check(_libc().unshare(_CLONE_NEWUSER))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{_NOBODY} {gid} 1")


def _permitted_capabilities() -> int:
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("CapPrm:"))
    return int(line.split()[1], 16)


def _set_capabilities(mask: int) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # Two sets of (effective, permitted, inheritable); the low 32 capabilities are in the first.
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    _check(_libc().capset(header, data))


def _prctl(option: int, *arguments: int) -> None:
    padded = [*arguments, 0, 0, 0, 0][:4]
    _check(_libc().prctl(option, *(ctypes.c_ulong(argument) for argument in padded)))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


if __name__ == "__main__":
    main(sys.argv[1:])
