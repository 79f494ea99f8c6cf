"""Files of this app in the evidence storage: written once, checked by hash when read."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.files.storage import Storage

from apps.core.storage import evidence_storage, store_evidence
from apps.reconciliation.errors import EvidenceChangedError


def keep(path: Path, *, folder: str, suffix: str, now: datetime) -> str:
    """Store a file under a generated key and return the key.

    It runs before the transaction that refers to it: a crash between leaves a file that nobody
    refers to, which is harmless.
    """
    with path.open("rb") as handle:
        return store_evidence(handle, folder=folder, suffix=suffix, now=now).key


@contextmanager
def local_copy(key: str, sha256: str) -> Iterator[Path]:
    """Give a path to a stored file whose content is still what it was.

    Raises:
        EvidenceChangedError: the file is gone or was swapped.
    """
    storage = evidence_storage()
    if not storage.exists(key):
        raise EvidenceChangedError(key)
    try:
        path = Path(storage.path(key))
    except NotImplementedError:
        with TemporaryDirectory(prefix="pitboss-evidence-") as folder:
            path = Path(folder) / "copy"
            _download(storage, key, path)
            yield _checked(path, key, sha256)
        return
    yield _checked(path, key, sha256)


def digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _checked(path: Path, key: str, sha256: str) -> Path:
    if digest(path) != sha256:
        raise EvidenceChangedError(key)
    return path


def _download(storage: Storage, key: str, path: Path) -> None:
    with storage.open(key, "rb") as source, path.open("wb") as target:
        target.writelines(source.chunks())
