"""docs/reliability.md names a test, or a decision, for everything that may go wrong."""

import ast
import re

from tests.architecture.layers import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "reliability.md"
COUNTS = {"A": 24, "B": 16, "C": 14, "F": 16, "H": 14, "I-": 9}
ITEMS = [f"{letter}{n}" for letter, most in COUNTS.items() for n in range(1, most + 1)]
TEST = re.compile(r"`([a-z_/]+\.py)::(\w+)`")


def _rows() -> dict[str, str]:
    lines = DOCUMENT.read_text().splitlines()
    cells = [line.strip("|").split("|") for line in lines if line.startswith("| ")]
    return {item.strip(): proof for item, _, proof in cells if item.strip(" -")}


def test_every_item_has_a_proof() -> None:
    rows = _rows()

    assert [item for item in ITEMS if item not in rows] == []
    assert [item for item, proof in rows.items() if not TEST.search(proof)] == []


def test_every_test_that_is_named_is_there() -> None:
    wrong = []
    for file, name in sorted(set(TEST.findall(DOCUMENT.read_text()))):
        path = REPOSITORY / "tests" / file
        tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
        if name not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}:
            wrong.append(f"{file}::{name}")

    assert wrong == []
