"""Reading capture files: one recorded HTTP delivery per line, plain or gzipped."""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from apps.simulator.errors import BadCaptureError

LONGEST_LINE: Final = 16 * 1024 * 1024
BAD_LINES_SHOWN: Final = 20
# These belong to the recorded connection, not to the message; our own connection sets them.
CONNECTION_HEADERS: Final = frozenset({"host", "connection", "content-length", "transfer-encoding"})
GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class CapturedDelivery:
    """One recorded request; ``received_text`` is the recorder's clock, word for word."""

    line_no: int
    received_at: datetime
    received_text: str
    path: str
    headers: dict[str, str]
    body: bytes

    def events(self) -> list[dict[str, Any]]:
        """Return the events that the body claims to hold; none where it can't be read."""
        return events_of(parsed(self.body))


class _BadLineError(ValueError):
    """Says what is wrong with one line."""


@dataclass(frozen=True, slots=True)
class CaptureSummary:
    """What one pass over the file learnt."""

    deliveries: int
    last_received_at: datetime


def parsed(body: bytes) -> Any:
    """Return the body's JSON, or None where it has none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def events_of(document: Any) -> list[dict[str, Any]]:
    """Return the events of a callback's document: one event, or a list under ``events``."""
    found = document
    if isinstance(document, dict):
        found = document.get("events", [document])
    return [event for event in found if isinstance(event, dict)] if isinstance(found, list) else []


def check_capture(path: Path, provider: str) -> CaptureSummary:
    """Read the whole file once, before anything is sent.

    Raises:
        BadCaptureError: some lines are no deliveries to this provider; nothing was sent.
    """
    bad: list[str] = []
    count = 0
    last: datetime | None = None
    for item in _lines(path, provider):
        if isinstance(item, str):
            bad.append(item)
            continue
        count += 1
        last = item.received_at if last is None else max(last, item.received_at)
    if bad:
        shown = "\n".join(bad[:BAD_LINES_SHOWN])
        raise BadCaptureError(f"{len(bad)} bad lines in {path.name}; nothing was sent.\n{shown}")
    if last is None:
        raise BadCaptureError(f"{path.name} holds no deliveries.")
    return CaptureSummary(count, last)


def read_capture(path: Path, provider: str) -> Iterator[CapturedDelivery]:
    """Yield the deliveries of a file that ``check_capture`` has passed.

    Raises:
        BadCaptureError: the file changed since.
    """
    for item in _lines(path, provider):
        if isinstance(item, str):
            raise BadCaptureError(item)
        yield item


def _lines(path: Path, provider: str) -> Iterator[CapturedDelivery | str]:
    """Yield a delivery, or the sentence that says what is wrong with the line."""
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        source = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if is_gzip else raw
        line_no = 0
        try:
            while line := source.readline(LONGEST_LINE):
                line_no += 1
                if not line.strip():
                    continue
                try:
                    yield _delivery(line_no, line, provider)
                except (ValueError, RecursionError) as error:
                    yield f"line {line_no}: {error}"
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            yield f"after line {line_no}: the file ends or breaks inside its compression: {error}"


def _delivery(line_no: int, line: bytes, provider: str) -> CapturedDelivery:
    record = json.loads(line)
    if not isinstance(record, dict):
        raise _BadLineError("a line holds one JSON object")
    received_text = _text(record, "received_at")
    received_at = datetime.fromisoformat(received_text)
    if received_at.tzinfo is None:
        raise _BadLineError("received_at has no time zone")
    if record.get("method") != "POST":
        raise _BadLineError("method is not POST")
    path = _text(record, "path")
    if not path.startswith(f"/callbacks/{provider}/"):
        raise _BadLineError(f"path {path[:80]!r} is not a callback of provider {provider}")
    return CapturedDelivery(
        line_no, received_at, received_text, path, _headers(record), _text(record, "body").encode()
    )


def _headers(record: dict[str, Any]) -> dict[str, str]:
    headers = record.get("headers")
    if not isinstance(headers, dict):
        raise _BadLineError("headers is not an object of texts")
    for name, value in headers.items():
        if not isinstance(value, str) or not f"{name}{value}".isprintable():
            raise _BadLineError(f"header {name[:40]!r} is not a printable text")
    lowered = {name.lower(): value for name, value in headers.items()}
    return {name: value for name, value in lowered.items() if name not in CONNECTION_HEADERS}


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise _BadLineError(f"{name} is missing or not a text")
    return value
