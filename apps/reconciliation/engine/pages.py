"""Pages of a provider's round log export: bytes to rows, and rows to one statement file."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from apps.reconciliation.engine.header import COLUMNS
from apps.reconciliation.errors import ExportUnreadableError

PAGE_SIZE: Final = 1000
MAX_PAGES: Final = 20_000
_LONGEST_WAIT_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Page:
    """One page as the provider sent it; ``rows_sha256`` doesn't depend on the page's number."""

    page: int
    pages: int
    total: int
    rows: list[dict[str, Any]]
    rows_sha256: str


def read_page(body: bytes, *, day: date, page: int) -> Page:
    """Read one JSON page and check that it is the one that was asked for.

    Raises:
        ExportUnreadableError: half an answer, a web page, another day or page, or no rows list.
    """
    try:
        document = json.loads(body, parse_constant=_refuse, parse_float=_number_as_sent)
    except (ValueError, RecursionError):
        raise ExportUnreadableError("it is not JSON") from None
    if not isinstance(document, dict):
        raise ExportUnreadableError("it is not a JSON object")
    if document.get("day") != day.isoformat() or document.get("page") != page:
        raise ExportUnreadableError(f"it is not page {page} of {day}")
    rows, pages, total = (document.get(name) for name in ("rows", "pages", "total"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ExportUnreadableError("it has no list of rows")
    pages, total = _count(pages, MAX_PAGES), _count(total, 10**10)
    if pages < page:
        raise ExportUnreadableError(f"page {page} is beyond its {pages} pages")
    if page < pages and not rows:
        raise ExportUnreadableError("it is empty, and not the last one")
    return Page(page, pages, total, rows, hashlib.sha256(_line(rows).encode()).hexdigest())


def write_statement(target: Path, rows: Iterable[dict[str, Any]], day: date) -> int:
    """Write rows as one NDJSON statement; the same rows are the same bytes. Return their number.

    A day without rows becomes a CSV header that names the day: the provider says that nobody
    played, which is not the same as saying nothing.
    """
    count = 0
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is the answer
            out.write(_line(row))
            out.write("\n")
        if not count:
            out.write(f"{','.join(COLUMNS)},no_rounds_on_{day}\n")
    return count


def seconds_to_wait(retry_after: str | None, *, now: datetime) -> int:
    """Read a Retry-After header, seconds or a date; nonsense is 1, and nothing is over an hour."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), _LONGEST_WAIT_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 1
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, min(round((aware - now).total_seconds()), _LONGEST_WAIT_SECONDS))


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _count(value: object, limit: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= limit:
        raise ExportUnreadableError("its counts of pages and rows make no sense")
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def _number_as_sent(text: str) -> dict[str, str]:
    # An object, which no field accepts: an amount that isn't text is refused by its row.
    return {"number": text}
