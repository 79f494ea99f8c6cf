"""Read a register (CSV, or the first sheet of a workbook) into rows of text with line numbers."""

import csv
import io
from collections.abc import Iterator

from apps.core.sizes import display_size
from apps.providers.errors import RegisterRefusedError
from apps.providers.register.entries import COLUMNS, OPTIONAL_COLUMNS
from apps.providers.register.workbook import workbook_rows

REGISTER_NAME = "register.csv"
REGISTER_NAMES = (REGISTER_NAME, "register.xlsx")
MAX_REGISTER_BYTES = 10 * 1024 * 1024
_MAX_ROWS = 20_000
_ZIP = b"PK\x03\x04"

type Rows = list[tuple[int, dict[str, str] | None]]


def read_rows(data: bytes) -> Rows:
    """Return (line, fields) of each row; fields is None where the row has too many or too few.

    Raises:
        RegisterRefusedError: not a UTF-8 CSV file or a workbook with the columns of a register.
    """
    if len(data) > MAX_REGISTER_BYTES:
        limit = display_size(MAX_REGISTER_BYTES)
        raise RegisterRefusedError(f"The register is larger than {limit}.")
    lines = _workbook_lines(data) if data.startswith(_ZIP) else _csv_lines(data)
    header = [name.strip() for name in lines[0][1]] if lines else []
    _judge_header(header)
    rows = list(_rows(lines[1:], header))
    if len(rows) > _MAX_ROWS:
        raise RegisterRefusedError(f"The register has more than {_MAX_ROWS} rows.")
    return rows


def _workbook_lines(data: bytes) -> list[tuple[int, list[str]]]:
    return list(enumerate(workbook_rows(data), start=1))


def _csv_lines(data: bytes) -> list[tuple[int, list[str]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RegisterRefusedError(
            f"The register is neither XLSX nor CSV in UTF-8 (byte {error.start})."
        ) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [(reader.line_num, values) for values in reader]
    except csv.Error as error:
        raise RegisterRefusedError(
            f"The register is not a CSV file (line {reader.line_num}: {error})."
        ) from error


def _judge_header(header: list[str]) -> None:
    missing = [name for name in COLUMNS if name not in header]
    unknown = [name for name in header if name not in (*COLUMNS, *OPTIONAL_COLUMNS)]
    if missing:
        raise RegisterRefusedError(f"The register lacks the columns {', '.join(missing)}.")
    if unknown:
        # An unknown column may hold a condition that nobody would then have read.
        raise RegisterRefusedError(
            f"The register has columns that nobody reads: {', '.join(unknown)[:200]}."
        )
    if len(header) != len(set(header)):
        raise RegisterRefusedError("The register names a column twice.")


def _rows(
    lines: list[tuple[int, list[str]]], header: list[str]
) -> Iterator[tuple[int, dict[str, str] | None]]:
    for line, values in lines:
        if not any(value.strip() for value in values):
            continue
        fields = dict(zip(header, values, strict=True)) if len(values) == len(header) else None
        yield line, fields
