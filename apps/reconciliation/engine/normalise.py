"""From clean lines to one typed Parquet file and a report of what was wrong."""

import re
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb

from apps.core.money import EXPONENTS
from apps.reconciliation.contracts import ParsedStatement, RowProblem
from apps.reconciliation.engine import row_sql
from apps.reconciliation.engine.duck import literal
from apps.reconciliation.engine.header import read_header
from apps.reconciliation.enums import FileFormat, RowFault
from apps.reconciliation.errors import DayUnknownError, TooManyBadRowsError, WrongDayError

PROBLEMS_KEPT: Final = 200
"""Rows shown one by one in a parse report; the counts per code are always complete."""

_AMOUNT_HINTS: Final = (
    (r"\d{1,3}(([,' ]\d{3})+(\.\d+)?|(\.\d{3})+,\d+)", "thousands separators are not allowed"),
    (r"-?\d+,\d+", "a decimal comma is not allowed"),
    (r"-.*", "a negative amount is not allowed"),
    (r"[\d.]+[eE][+-]?\d+", "an exponent is not allowed"),
    (r"(?i)nan|[+]?inf(inity)?", "not a number"),
    (r"0\d+(\.\d+)?", "leading zeros are not allowed"),
    (r"\x1e.*", "must be a JSON string, not a number"),
)


def load_rows(connection: duckdb.DuckDBPyConnection, lines: Path, file_format: FileFormat) -> None:
    """Read the lines and split them into text fields (``fields``).

    Raises:
        StatementRefusedError: a CSV header that can't be used.
    """
    connection.execute(row_sql.LINES, [str(lines)])
    connection.execute(row_sql.CURRENCIES, row_sql.currency_columns())
    if file_format is FileFormat.CSV:
        connection.execute(row_sql.csv_fields(read_header(lines)))
    else:
        connection.execute(row_sql.json_fields())


def judge_rows(
    connection: duckdb.DuckDBPyConnection,
    *,
    time_zone: str,
    day: date | None,
    allowed_basis_points: int,
) -> tuple[ParsedStatement, TooManyBadRowsError | WrongDayError | DayUnknownError | None]:
    """Type every row, find the day and report; the refusal, if any, is returned with the report.

    The report of a refused file is what its sender needs, so it isn't lost to an exception.
    """
    connection.execute(row_sql.judged(), [time_zone])
    total, good, demo = _one(connection, row_sql.COUNTS)
    bad = total - good - demo
    found = _majority_day(connection)
    used = day or found
    counts = dict(
        connection.execute(
            "SELECT fault, count(*) FROM judged WHERE fault IS NOT NULL GROUP BY ALL"
        ).fetchall()
    )
    other = 0
    if used is not None:
        (other,) = _one(
            connection, "SELECT count(*) FROM judged WHERE fault IS NULL AND day <> ?", [used]
        )
    if other:
        counts[RowFault.OTHER_DAY.value] = other
    report = ParsedStatement(
        rows_total=total,
        rows_good=good,
        rows_bad=bad,
        rows_demo=demo,
        rows_other_day=other,
        day=used or date.min,
        problems=_problems(connection, used or date.min),
        problem_counts=dict(sorted(counts.items())),
    )
    if bad * 10_000 > (total - demo) * allowed_basis_points:
        return report, TooManyBadRowsError(bad, total - demo, allowed_basis_points)
    if used is None:
        return report, DayUnknownError()
    if found is not None and found != used:
        return report, WrongDayError(used, found)
    return report, None


def write_parquet(connection: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Write the good rows, sorted by event."""
    connection.execute(
        f"COPY ({row_sql.PARQUET}) TO {literal(str(target))}"
        " (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 50000)"
    )


def _majority_day(connection: duckdb.DuckDBPyConnection) -> date | None:
    row = connection.execute(
        "SELECT day FROM judged WHERE fault IS NULL GROUP BY day"
        " ORDER BY count(*) DESC, day LIMIT 1"
    ).fetchone()
    return row[0] if row else None


def _problems(connection: duckdb.DuckDBPyConnection, day: date) -> tuple[RowProblem, ...]:
    rows = connection.execute(row_sql.PROBLEMS, {"day": day, "limit": PROBLEMS_KEPT}).fetchall()
    return tuple(
        RowProblem(line=line, code=code, reason=_reason(code, values), excerpt=_visible(excerpt))
        for line, code, excerpt, *values in rows
    )


def _reason(code: str, values: list[Any]) -> str:
    *amounts, currency, timestamp, row_day = values
    if code == RowFault.BAD_AMOUNT:
        return _amount_reason([text or "" for text in amounts], currency)
    if code == RowFault.BAD_TIMESTAMP:
        return _timestamp_reason(timestamp)
    if code == RowFault.OTHER_DAY:
        return f"Belongs to {row_day}."
    return f"{RowFault(code).label}."


def _amount_reason(amounts: list[str], currency: str) -> str:
    decimals = EXPONENTS[currency]
    for text in amounts:
        for pattern, hint in _AMOUNT_HINTS:
            if re.fullmatch(pattern, text):
                return f"{_visible(text)[:40]!r}: {hint}."
        if len(text.partition(".")[2]) > decimals:
            return f"{text[:40]!r}: {currency} has {decimals} decimals."
    return f"{RowFault.BAD_AMOUNT.label}."


def _timestamp_reason(text: str) -> str:
    if re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?", text):
        return f"{text[:40]!r}: without a zone it is no moment (a clock change repeats an hour)."
    return f"{_visible(text)[:40]!r}: {RowFault.BAD_TIMESTAMP.label}."


def _visible(text: str) -> str:
    return text.replace("\x1e", "\N{REPLACEMENT CHARACTER}")


def _one(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any] | None = None) -> Any:
    return connection.execute(query, values or []).fetchone()
