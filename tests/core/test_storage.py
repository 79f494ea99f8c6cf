import hashlib
import io
from datetime import UTC, datetime

from apps.core.storage import evidence_storage, store_evidence

NOW = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)


def test_evidence_is_kept_byte_for_byte_under_a_generated_key() -> None:
    body = bytes(range(256)) * 10_000
    stored = store_evidence(io.BytesIO(body), folder="statements", suffix=".csv", now=NOW)
    assert stored.sha256 == hashlib.sha256(body).hexdigest()
    assert stored.size_bytes == len(body)
    assert stored.key.startswith("statements/2026/11/22/")
    with evidence_storage().open(stored.key) as file:
        assert file.read() == body


def test_the_same_content_twice_is_two_files() -> None:
    first = store_evidence(b"same", folder="statements", suffix=".csv", now=NOW)
    second = store_evidence(b"same", folder="statements", suffix=".csv", now=NOW)
    assert first.key != second.key
    assert evidence_storage().exists(first.key)
