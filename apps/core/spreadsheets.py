"""CSV that a spreadsheet opens without running anything in it."""

import codecs
import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
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
    return b"".join(csv_lines(header, rows))


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Yield the same CSV line by line, so that it never stands in memory as a whole."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    yield codecs.BOM_UTF8
    for row in itertools.chain([header], rows):
        writer.writerow([safe_cell(cell) for cell in row])
        yield stream.getvalue().encode()
        stream.seek(0)
        stream.truncate()


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
