from pathlib import Path

import pytest

DATA = Path(__file__).parent.parent / "data" / "aurora"


@pytest.fixture
def aurora_statements() -> dict[str, Path]:
    """The three sample statements by day of November 2026."""
    return {path.name.split(".")[0][-2:]: path for path in sorted(DATA.glob("rounds-*.gz"))}
