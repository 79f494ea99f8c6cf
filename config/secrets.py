"""Secrets for development and test: made once per data directory, never part of the repository."""

import contextlib
import json
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet


def development_secrets(data_dir: Path) -> dict[str, str]:
    """Read the data directory's secrets, making them first where there are none. Safe to race."""
    path = data_dir / "secrets.json"
    if not path.exists():
        _create(path)
    return dict(json.loads(path.read_text()))


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {
        "secret_key": secrets.token_urlsafe(64),
        "encryption_keys": Fernet.generate_key().decode(),
    }
    draft = path.with_name(f"secrets.{os.getpid()}.{secrets.token_hex(4)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as file:
        json.dump(made, file)
    owner = path.parent.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(draft, owner.st_uid, owner.st_gid)
    # A link fails where the name is taken: the first process wins, nobody reads half a file.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
