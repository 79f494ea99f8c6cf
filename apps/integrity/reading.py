"""Reading a digest report: CSV or JSON bytes to typed lines. Pure; every bad row is named.

The columns of the CSV and the keys of a file in the JSON are the same: game_code, build_version,
path, algorithm (sha1, sha256, crc16), seed (CRC16 only, hex), digest (hex).
"""

import csv
import io
import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from apps.core.sizes import display_size
from apps.integrity.contracts import DigestLine, MeasuredReport
from apps.integrity.errors import DigestReportRefusedError

LARGEST_BYTES: Final = 8 << 20
MOST_LINES: Final = 50_000
COLUMNS: Final = ("game_code", "build_version", "path", "algorithm", "seed", "digest")
_LENGTHS: Final = {"sha1": 40, "sha256": 64, "crc16": 4}
_HEX: Final = re.compile(r"[0-9a-f]+", re.ASCII)
_REF: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}", re.ASCII)
_LONGEST: Final = {"game_code": 128, "build_version": 64, "path": 255}


def read_json(content: bytes) -> MeasuredReport:
    """Read ``{"report_id", "measured_at", "files": [...]}``.

    Raises:
        DigestReportRefusedError: with each problem.
    """
    _require_size(content)
    try:
        document = json.loads(content.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise DigestReportRefusedError(["The report is not JSON."]) from None
    if not isinstance(document, dict) or not isinstance(document.get("files"), list):
        raise DigestReportRefusedError(["The report is an object with a list 'files'."])
    ref, measured_at = document.get("report_id"), document.get("measured_at")
    return report_of(ref, measured_at, document["files"])


def read_csv(content: bytes, *, report_ref: str, measured_at: str) -> MeasuredReport:
    """Read a CSV with the columns above; its id and moment come beside it.

    Raises:
        DigestReportRefusedError: with each problem.
    """
    _require_size(content)
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise DigestReportRefusedError([f"Line 1: the columns must be {','.join(COLUMNS)}."])
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DigestReportRefusedError([f"The file is no CSV in UTF-8: {error}."]) from None
    return report_of(report_ref, measured_at, rows)


def report_of(report_ref: Any, measured_at: Any, files: list[Any]) -> MeasuredReport:
    """Check what a report says.

    Raises:
        DigestReportRefusedError: with each problem.
    """
    problems: list[str] = []
    if not isinstance(report_ref, str) or not _REF.fullmatch(report_ref):
        problems.append("report_id is 1 to 128 letters, digits, dots, colons and dashes.")
    moment = _moment(measured_at)
    if moment is None:
        problems.append("measured_at is a moment with its offset, like 2026-11-22T04:00:00Z.")
    if not 1 <= len(files) <= MOST_LINES:
        problems.append(f"A report holds 1 to {MOST_LINES:,} files.")
    lines = [] if problems else _lines(files, problems)
    if problems or moment is None:
        raise DigestReportRefusedError(problems)
    return MeasuredReport(report_ref=report_ref, measured_at=moment, lines=tuple(lines))


def _lines(files: list[Any], problems: list[str]) -> list[DigestLine]:
    lines: dict[tuple[str, tuple[str, str, str]], DigestLine] = {}
    for number, row in enumerate(files, start=1):
        line, problem = _line(row)
        if line is None:
            problems.append(f"File {number}: {problem}")
        elif (line.game_code, line.file) in lines:
            problems.append(f"File {number}: {line.path} of {line.game_code} stands there twice.")
        else:
            lines[line.game_code, line.file] = line
    return list(lines.values())


def _line(row: Any) -> tuple[DigestLine | None, str]:
    if not isinstance(row, dict) or None in row:
        return None, "not a row with these columns."
    values = {name: row.get(name, "") for name in COLUMNS}
    if not all(isinstance(value, str) and value.isprintable() for value in values.values()):
        return None, "every value is a printable text."
    line = DigestLine(
        **{
            name: value.strip().lower() if name in {"algorithm", "seed", "digest"} else value
            for name, value in values.items()
        }
    )
    return (None, problem) if (problem := _problem_of(line)) else (line, "")


def _problem_of(line: DigestLine) -> str:
    length = _LENGTHS.get(line.algorithm)
    checks = (
        (bool(line.game_code) and bool(line.path), "game_code and path are needed."),
        (
            all(len(getattr(line, name)) <= most for name, most in _LONGEST.items()),
            "a value is too long.",
        ),
        (length is not None, f"algorithm is one of {', '.join(_LENGTHS)}."),
        (
            len(line.digest) == length and _HEX.fullmatch(line.digest) is not None,
            "the digest is not hex of its algorithm's length.",
        ),
        (
            (line.algorithm == "crc16") == bool(line.seed)
            and (not line.seed or (len(line.seed) <= 8 and bool(_HEX.fullmatch(line.seed)))),
            "a CRC16, and nothing else, names its seed in hex.",
        ),
    )
    return next((text for holds, text in checks if not holds), "")


def _moment(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _require_size(content: bytes) -> None:
    if len(content) > LARGEST_BYTES:
        raise DigestReportRefusedError([f"A report has at most {display_size(LARGEST_BYTES)}."])


def _refuse(text: str) -> Any:
    raise ValueError(text)
