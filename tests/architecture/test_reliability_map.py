"""docs/reliability.md names a test, or a decision, for everything that may go wrong."""

from tests.architecture.layers import REPOSITORY
from tests.architecture.test_documents import NAMED_TEST

DOCUMENT = REPOSITORY / "docs" / "reliability.md"
COUNTS = {"A": 24, "B": 16, "C": 14, "F": 16, "H": 14, "I-": 9}
ITEMS = [f"{letter}{n}" for letter, most in COUNTS.items() for n in range(1, most + 1)]


def _rows() -> dict[str, str]:
    lines = DOCUMENT.read_text().splitlines()
    cells = [line.strip("|").split("|") for line in lines if line.startswith("| ")]
    return {item.strip(): proof for item, _, proof in cells if item.strip(" -")}


def test_every_item_has_a_proof() -> None:
    rows = _rows()

    assert [item for item in ITEMS if item not in rows] == []
    assert [item for item, proof in rows.items() if not NAMED_TEST.search(proof)] == []
