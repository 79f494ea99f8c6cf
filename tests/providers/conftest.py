from collections.abc import Iterator

import pytest

from apps.providers.pdf.vetting import PdfVetter


@pytest.fixture(scope="module")
def vetter() -> Iterator[PdfVetter]:
    """One process that judges PDFs, for all tests of a file."""
    with PdfVetter() as running:
        yield running
