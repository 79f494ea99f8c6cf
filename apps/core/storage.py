"""Files kept as evidence: written once under a generated key, never replaced."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, storages

from apps.core.errors import StoreUnavailableError

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """Where the bytes are and what they were; ``sha256`` is over the bytes as given."""

    key: str
    sha256: str
    size_bytes: int


def evidence_storage() -> Storage:
    """Return the private storage: a local folder, or the S3 bucket in production."""
    return storages["evidence"]


@contextmanager
def asking_the_store() -> Iterator[None]:
    """Tell a store that does not answer from a file that isn't there.

    Raises:
        FileNotFoundError: it answered that there is no such file.
        StoreUnavailableError: it gave no answer, so nothing is known of the file.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, BotoCoreError, ClientError) as error:
        raise StoreUnavailableError from error


def store_evidence(
    content: bytes | BinaryIO, *, folder: str, suffix: str, now: datetime
) -> StoredEvidence:
    """Store ``content`` under a new key such as ``statements/2026/11/22/<uuid>.csv``.

    The key never comes from outside, so no name can climb out of the folder or meet another's.
    Call it before the transaction that records the key: a file nobody refers to is harmless.
    """
    stream: File[bytes] = ContentFile(content) if isinstance(content, bytes) else File(content)
    digest = hashlib.sha256()
    size = 0
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    stream.seek(0)
    day = now.astimezone(UTC).strftime("%Y/%m/%d")
    key = evidence_storage().save(f"{folder}/{day}/{uuid.uuid4().hex}{suffix}", stream)
    return StoredEvidence(key=key, sha256=digest.hexdigest(), size_bytes=size)
