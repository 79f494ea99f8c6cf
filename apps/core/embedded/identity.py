"""Which user the embedded servers run as, and who owns their files."""

import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from apps.core.embedded.errors import EmbeddedServerError
from apps.core.embedded.paths import EmbeddedPaths

LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Identity:
    """How the servers leave root (see launch.py), and the owner of their files seen from here."""

    launch_as: str
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Give a file or folder to the servers' user."""
        status = path.stat()
        if (status.st_uid, status.st_gid) != (self.uid, self.gid):
            os.chown(path, self.uid, self.gid)


def server_identity(paths: EmbeddedPaths, program: Path) -> Identity:
    """Choose the user: ourselves, or as root the owner of what is there already.

    ``program`` is what that user must be able to run.

    Raises:
        EmbeddedServerError: root can leave root in no way, or the data belongs to somebody else.
    """
    uid = os.geteuid()
    existing = _owner(paths.postgres_data)
    if uid != 0:
        if paths.owner_uid != uid or (existing is not None and existing != uid):
            raise EmbeddedServerError(
                f"{paths.data_dir} belongs to another user (uid {existing or paths.owner_uid}); "
                "set PITBOSS_DATA_DIR to a folder of your own."
            )
        return Identity("same", uid, os.getegid())
    return _identity_for_root(paths, program, existing)


def _identity_for_root(paths: EmbeddedPaths, program: Path, existing: int | None) -> Identity:
    if existing == 0:
        return Identity("userns", 0, 0)
    if existing is not None or paths.owner_uid != 0:
        return _as_user(existing or paths.owner_uid)
    return _first_that_works(paths, program)


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return None


def _as_user(uid: int) -> Identity:
    try:
        gid = pwd.getpwuid(uid).pw_gid
    except KeyError:
        gid = uid
    return Identity(f"setuid:{uid}:{gid}", uid, gid)


def _first_that_works(paths: EmbeddedPaths, program: Path) -> Identity:
    # initdb asks for the name of its user, so it must be one that the system knows.
    candidates = [_as_user(65534), Identity("userns", 0, 0)]
    complaints = []
    for identity in candidates:
        tried = subprocess.run(  # noqa: S603 - our own launcher
            launch_command(
                identity, "wait", [str(program), "--version"], [program, paths.data_dir]
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        if tried.returncode == 0:
            return identity
        complaints.append(tried.stderr.strip())
    raise EmbeddedServerError(
        "PostgreSQL does not run as root, and root cannot become another user here "
        f"({'; '.join(complaints)}). Run as a normal user, or set DATABASE_URL and REDIS_URL."
    )


def launch_command(
    identity: Identity, manner: str, command: list[str], needed: list[Path]
) -> list[str]:
    """The command that runs ``command`` as that identity; see launch.py."""
    return [
        sys.executable,
        "-I",
        "-S",
        str(LAUNCHER),
        identity.launch_as,
        manner,
        "\n".join(str(path) for path in needed),
        *command,
    ]
