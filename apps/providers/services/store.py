"""Put documents into the private store, and read them back proven."""

import hashlib
from datetime import datetime

from apps.core.storage import (
    StoredEvidence,
    asking_the_store,
    evidence_storage,
    store_evidence,
)
from apps.providers.errors import DocumentAlteredError
from apps.providers.models import Document

DOCUMENTS = "certificates"
QUARANTINE = "quarantine"
BATCHES = "certificate-batches"


def keep(data: bytes, *, folder: str, suffix: str, now: datetime) -> StoredEvidence:
    """Store bytes under a new key, before the transaction that records it.

    Raises:
        StoreUnavailableError: the store did not take them.
    """
    with asking_the_store():
        return store_evidence(data, folder=folder, suffix=suffix, now=now)


def drop(key: str) -> None:
    """Take away a copy that no row refers to; what can't be taken away now is swept later."""
    with asking_the_store():
        evidence_storage().delete(key)


def fetch(key: str, size_bytes: int) -> bytes | None:
    """Return the bytes under a key, one more than ``size_bytes`` at most; None where it is gone.

    Raises:
        StoreUnavailableError: the store gave no answer, so nothing is known of the file.
    """
    try:
        with asking_the_store(), evidence_storage().open(key) as stream:
            data: bytes = stream.read(size_bytes + 1)
    except FileNotFoundError:
        return None
    return data


def read_document(document: Document) -> bytes:
    """Return the kept bytes, proven to be those that were taken.

    Raises:
        DocumentAlteredError: the file is gone, or its hash is another.
        StoreUnavailableError
    """
    data = fetch(document.storage_key, document.size_bytes)
    if data is None or hashlib.sha256(data).hexdigest() != document.sha256:
        raise DocumentAlteredError(document.pk)
    return data
