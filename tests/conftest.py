"""Fixtures that all tests share."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pgtrigger
import pytest
from django.test import TransactionTestCase

from tests.caching import begin_with_an_empty_cache
from tests.emptying import emptied_row_by_row


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _with_an_empty_cache() -> None:
    begin_with_an_empty_cache()


@pytest.fixture
def evidence(tmp_path: Path, settings: Any) -> Path:
    """Keep documents in a folder of the test's own, as production does: nothing is overwritten."""
    folder = tmp_path / "evidence"
    settings.STORAGES = {
        **settings.STORAGES,
        "evidence": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": folder, "allow_overwrite": False},
        },
    }
    return folder


@pytest.fixture(autouse=True, scope="session")
def _emptied_between_tests_only() -> Iterator[None]:
    """Let the test runner empty the tables; the append-only triggers refuse that to everybody."""
    flush = vars(TransactionTestCase)["_fixture_teardown"]

    def permitted(self: Any) -> None:
        with pgtrigger.ignore():
            if not emptied_row_by_row():
                flush(self)

    patch = pytest.MonkeyPatch()
    patch.setattr(TransactionTestCase, "_fixture_teardown", permitted)
    yield
    patch.undo()
