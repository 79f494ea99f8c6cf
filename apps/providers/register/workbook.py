"""Read the first sheet of an XLSX file as texts, in a process of its own.

A workbook is an archive of XML from outside. Run as ``python -m apps.providers.register.workbook``
by ``workbook_rows``.
"""

import io
import json
import sys
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from openpyxl import load_workbook

from apps.providers.errors import RegisterRefusedError
from apps.providers.pdf.isolated import restrict, run_isolated

_MAX_ROWS = 20_001
_MAX_COLUMNS = 64


def workbook_rows(data: bytes) -> list[list[str]]:
    """Return the rows of the first sheet, the header first.

    Raises:
        RegisterRefusedError: no workbook that can be read, or one that computes its values.
    """
    answer = run_isolated("apps.providers.register.workbook", data)
    if answer is None:
        raise RegisterRefusedError("The spreadsheet can't be read as an XLSX workbook.")
    found: dict[str, Any] = json.loads(answer)
    if found["formula"]:
        # What a formula shows depends on who computes it; a register states values.
        message = f"Cell {found['formula']} holds a formula; put its value there."
        raise RegisterRefusedError(message)
    rows: list[list[str]] = found["rows"]
    return rows


def _read(data: bytes) -> dict[str, Any]:
    sheet = load_workbook(io.BytesIO(data), read_only=True, keep_links=False).worksheets[0]
    rows = []
    for cells in sheet.iter_rows(max_row=_MAX_ROWS, max_col=_MAX_COLUMNS):
        for cell in cells:
            if cell.data_type == "f":
                return {"rows": [], "formula": cell.coordinate}
        rows.append([_text(cell.value) for cell in cells])
    width = len([name for name in rows[0] if name]) if rows else 0
    return {"rows": [_cut(row, width) for row in rows], "formula": ""}


def _cut(row: list[str], width: int) -> list[str]:
    """Drop the empty cells right of the header; a value there stays, and is one too many."""
    while len(row) > width and not row[-1]:
        row = row[:-1]
    return row


def _text(value: object) -> str:
    match value:
        case None:
            text = ""
        case datetime():
            text = value.date().isoformat()
        case date():
            text = value.isoformat()
        case float():
            text = f"{Decimal(repr(value)).normalize():f}"
        case _:
            text = str(value).strip()
    return text


if __name__ == "__main__":
    restrict()
    sys.stdout.write(json.dumps(_read(sys.stdin.buffer.read())))
