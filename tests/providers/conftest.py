from collections.abc import Iterator

import pytest

from apps.providers.pdf.vetting import PdfVetter


@pytest.fixture(scope="session")
def vetter() -> Iterator[PdfVetter]:
    """One process that judges PDFs, for all tests: to load its parsers takes it half a second."""
    with PdfVetter() as running:
        yield running
