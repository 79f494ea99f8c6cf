"""Make the folders and lock files of a data directory, and check who owns what is there."""

import os
import stat
from pathlib import Path

from apps.core.embedded.errors import EmbeddedServerError
from apps.core.embedded.identity import Identity
from apps.core.embedded.paths import EmbeddedPaths


def make_data_dir(paths: EmbeddedPaths) -> None:
    """Make the data directory and its logs folder.

    Raises:
        EmbeddedServerError: it cannot be made or written.
    """
    try:
        paths.data_dir.mkdir(parents=True, exist_ok=True)
        paths.log_dir.mkdir(exist_ok=True)
        _give_to_owner(paths.log_dir, paths)
    except OSError as error:
        raise EmbeddedServerError(
            f"{paths.data_dir} cannot be used as the data directory ({error.strerror}); "
            "set PITBOSS_DATA_DIR to a folder of your own."
        ) from error


def make_run_dir(paths: EmbeddedPaths) -> None:
    """Make the folder of the sockets, or check that the one there is ours.

    Anybody may write in ``/tmp``.

    Raises:
        EmbeddedServerError: somebody else made it.
    """
    # Root lets the servers' user pass through to its own folder, and nothing more.
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        paths.run_dir.mkdir(mode=0o700)
    except FileExistsError:
        status = paths.run_dir.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != paths.owner_uid:
            raise EmbeddedServerError(
                f"{paths.run_dir} is needed for sockets but belongs to uid {status.st_uid}. "
                "Remove it, or set PITBOSS_DATA_DIR to another folder."
            ) from None
    else:
        _give_to_owner(paths.run_dir, paths)
    paths.run_dir.chmod(mode)


def make_socket_dirs(paths: EmbeddedPaths, identity: Identity) -> None:
    """Make the servers' own folders in the run directory; nobody else gets into those."""
    make_run_dir(paths)
    for folder in (paths.postgres_socket_dir, paths.valkey_socket_dir):
        folder.mkdir(mode=0o700, exist_ok=True)
        identity.own(folder)


def open_owned(path: Path, paths: EmbeddedPaths) -> int:
    """Open a lock file; made by root in somebody's folder, it becomes that person's.

    Raises:
        EmbeddedServerError: the data directory is somebody else's.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise EmbeddedServerError(
            f"{paths.data_dir} belongs to another user (uid {paths.owner_uid}); "
            "set PITBOSS_DATA_DIR to a folder of your own."
        ) from error
    if os.geteuid() == 0 and os.fstat(fd).st_uid != paths.owner_uid:
        os.fchown(fd, paths.owner_uid, -1)
    return fd


def _give_to_owner(path: Path, paths: EmbeddedPaths) -> None:
    if os.geteuid() == 0 and paths.owner_uid != 0:
        os.chown(path, paths.owner_uid, -1)
