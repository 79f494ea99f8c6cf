"""CSV that a spreadsheet opens without running anything in it."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

type Cell = str | int | Decimal | None

# Excel, LibreOffice and Google Sheets take these as the start of a formula, some after spaces.
_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def to_csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Write RFC 4180 in UTF-8 with a byte order mark, so that a spreadsheet reads the letters.

    Text that could be a formula gets an apostrophe in front; numbers stay numbers, negative ones
    too, since their type says what they are.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow([safe_cell(name) for name in header])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return stream.getvalue().encode("utf-8-sig")


def safe_cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case int() | Decimal():
            return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
        case _:
            text = cell.replace("\x00", "")
            is_formula = text.lstrip(" \u00a0").startswith(_STARTS)
            return f"'{text}" if is_formula else text
