"""An export's file: CSV or JSON lines and a manifest with their hashes, in a ZIP.

The same rows give the same bytes: names, order and times in the archive are fixed, and nothing of
the moment is outside the manifest.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Any, Final
from uuid import UUID

from apps.auditing.enums import ExportFormat
from apps.core.canonical import canonical_json
from apps.core.populations import ExportFile
from apps.core.spreadsheets import Cell, csv_lines

MANIFEST: Final = "manifest.json"
FORMAT: Final = "pitboss-export/1"
HIDDEN: Final = "hidden"
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
_TOLD_EVERY: Final = 2_000

type Told = Callable[[int], None]
type Lines = Callable[[Sequence[str], Iterator[Sequence[Any]], frozenset[str]], Iterator[bytes]]


@dataclass(slots=True)
class _Tally:
    """What was written of one file so far."""

    digest: Any
    rows: int = 0
    size_bytes: int = 0


class ExportArchive:
    """Writes an export into ``stream``, file by file; ``told`` hears how many rows there are."""

    def __init__(
        self, stream: IO[bytes], told: Told, file_format: ExportFormat = ExportFormat.CSV
    ) -> None:
        self._archive = zipfile.ZipFile(stream, "w")
        self._format = file_format
        self._told = told
        self._rows = 0
        self._files: list[dict[str, Any]] = []

    def add(
        self, file: ExportFile, rows: Iterator[Sequence[Any]], *, with_personal_data: bool
    ) -> None:
        """Write one file with what the manifest says of it."""
        hidden = frozenset() if with_personal_data else file.personal
        sums: dict[str, dict[str, int]] = {}
        tally = _Tally(hashlib.sha256())
        cells = self._counted(_summed(file.columns, rows, sums), tally)
        name = file_name(file, self._format)
        with self._archive.open(_entry(name), "w", force_zip64=True) as out:
            for line in _LINES[self._format](file.columns, cells, hidden):
                tally.digest.update(line)
                tally.size_bytes += len(line)
                out.write(line)
        self._files.append(
            {
                "name": name,
                "rows": tally.rows,
                "bytes": tally.size_bytes,
                "sha256": tally.digest.hexdigest(),
                "columns": list(file.columns),
                "hidden_columns": sorted(hidden),
                "sums": sums,
            }
        )

    def close(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Write the manifest, end the archive, and return the manifest."""
        files = {"file_format": str(self._format), "files": self._files}
        manifest = {"format": FORMAT, **facts, **files}
        with self._archive.open(_entry(MANIFEST), "w") as out:
            out.write(manifest_bytes(manifest))
        self._archive.close()
        return manifest

    def _counted(self, rows: Iterator[Sequence[Any]], tally: _Tally) -> Iterator[Sequence[Any]]:
        for row in rows:
            tally.rows += 1
            self._rows += 1
            if self._rows % _TOLD_EVERY == 0:
                self._told(self._rows)
            yield row
        self._told(self._rows)


def file_name(file: ExportFile, file_format: ExportFormat) -> str:
    """Return what a file of an export is called: its name says the format."""
    return f"{file.name.removesuffix('.csv')}.{file_format}"


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    return json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=True).encode() + b"\n"


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _NO_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = 0o600 << 16
    return entry


def _summed(
    columns: Sequence[str], rows: Iterator[Sequence[Any]], sums: dict[str, dict[str, int]]
) -> Iterator[Sequence[Any]]:
    """Add up each amount per currency while the rows go by."""
    amounts = [place for place, name in enumerate(columns) if name.endswith("_minor")]
    currency = columns.index("currency") if "currency" in columns else None
    for row in rows:
        if currency is not None:
            for place in amounts:
                by_currency = sums.setdefault(columns[place], {})
                code = row[currency]
                by_currency[code] = by_currency.get(code, 0) + (row[place] or 0)
        yield row


def _csv(
    columns: Sequence[str], rows: Iterator[Sequence[Any]], hidden: frozenset[str]
) -> Iterator[bytes]:
    return csv_lines(columns, (_row(columns, row, hidden) for row in rows))


def _jsonl(
    columns: Sequence[str], rows: Iterator[Sequence[Any]], hidden: frozenset[str]
) -> Iterator[bytes]:
    """Yield one object per line: whole numbers as numbers, fractions as text, so none is rounded.

    Text is as it is stored: no program runs a cell, so nothing is put in front of it.
    """
    for row in rows:
        values = {
            name: HIDDEN if _is_hidden(name, value, hidden) else _value(value)
            for name, value in zip(columns, row, strict=True)
        }
        yield json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


_LINES: Final[Mapping[str, Lines]] = {ExportFormat.CSV: _csv, ExportFormat.JSONL: _jsonl}


def _is_hidden(name: str, value: Any, hidden: frozenset[str]) -> bool:
    return name in hidden and value not in (None, "")


def _value(value: Any) -> Any:
    match value:
        case Decimal():
            return f"{value:f}"
        case date():
            return _moment(value)
        case UUID():
            return str(value)
        case _:
            return value


def _moment(value: date) -> str:
    return (value.astimezone(UTC) if isinstance(value, datetime) else value).isoformat()


def _row(columns: Sequence[str], row: Sequence[Any], hidden: frozenset[str]) -> list[Cell]:
    return [
        HIDDEN if _is_hidden(name, value, hidden) else _cell(value)
        for name, value in zip(columns, row, strict=True)
    ]


def _cell(value: Any) -> Cell:
    match value:
        case bool():
            return "yes" if value else "no"
        case date():
            return _moment(value)
        case dict() | list():
            return canonical_json(value).decode()
        case _:
            cell: Cell = value
            return cell
