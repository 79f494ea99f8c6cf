"""Read register.csv into rows of text, each with its line number."""

import csv
import io
from collections.abc import Iterator

from apps.providers.errors import RegisterRefusedError
from apps.providers.register.entries import COLUMNS

REGISTER_NAME = "register.csv"
MAX_REGISTER_BYTES = 10 * 1024 * 1024
_MAX_ROWS = 20_000


def read_rows(data: bytes) -> list[tuple[int, dict[str, str] | None]]:
    """Return (line, fields) of each row; fields is None where the row has too many or too few.

    Raises:
        RegisterRefusedError: not a UTF-8 CSV file with the columns of a register.
    """
    if len(data) > MAX_REGISTER_BYTES:
        raise RegisterRefusedError(f"{REGISTER_NAME} is larger than 10 MiB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RegisterRefusedError(f"{REGISTER_NAME} is not UTF-8 (byte {error.start}).") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _judge_header(header)
        rows = list(_rows(reader, header))
    except csv.Error as error:
        raise RegisterRefusedError(
            f"{REGISTER_NAME} is not a CSV file (line {reader.line_num}: {error})."
        ) from error
    if len(rows) > _MAX_ROWS:
        raise RegisterRefusedError(f"{REGISTER_NAME} has more than {_MAX_ROWS} rows.")
    return rows


def _judge_header(header: list[str]) -> None:
    missing = [name for name in COLUMNS if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    if missing:
        raise RegisterRefusedError(f"{REGISTER_NAME} lacks the columns {', '.join(missing)}.")
    if unknown:
        # An unknown column may hold a condition that nobody would then have read.
        raise RegisterRefusedError(
            f"{REGISTER_NAME} has columns that nobody reads: {', '.join(unknown)[:200]}."
        )
    if len(header) != len(set(header)):
        raise RegisterRefusedError(f"{REGISTER_NAME} names a column twice.")


def _rows(
    reader: Iterator[list[str]], header: list[str]
) -> Iterator[tuple[int, dict[str, str] | None]]:
    line = 1
    for values in reader:
        line = max(line + 1, getattr(reader, "line_num", line + 1))
        if not any(value.strip() for value in values):
            continue
        fields = dict(zip(header, values, strict=True)) if len(values) == len(header) else None
        yield line, fields
