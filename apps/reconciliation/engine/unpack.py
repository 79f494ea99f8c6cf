"""From a provider's file to plain UTF-8 lines, in one bounded pass.

The name of a file says nothing here: gzip is recognised by its magic bytes, the format by its first
characters. Memory is bounded by the chunk for CSV and NDJSON, by ``DOCUMENT_LIMIT`` for JSON
documents, which can't be read line by line.
"""

import codecs
import gzip
import hashlib
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from apps.reconciliation.engine.documents import first_line_is_row, rows_of_document
from apps.reconciliation.enums import FileFormat
from apps.reconciliation.errors import (
    BrokenCompressionError,
    EmptyFileError,
    FileTooLargeError,
    LineTooLongError,
    WrongEncodingError,
)

FILE_LIMIT: Final = 1 << 30
UNPACKED_LIMIT: Final = 4 << 30
DOCUMENT_LIMIT: Final = 64 << 20
LINE_LIMIT: Final = 64 << 10

type Stream = IO[bytes] | gzip.GzipFile

_CHUNK: Final = 1 << 20
_GZIP_MAGIC: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"

# Control characters have no place in a statement. They become one that no field allows, so that the
# row is refused by line; a lone carriage return is one of them, or it would shift the line numbers.
_CONTROLS: Final = bytes(code for code in range(32) if code not in (9, 10))
_VISIBLE: Final = bytes.maketrans(_CONTROLS, b"\x1e" * len(_CONTROLS))


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes above which a file is refused; tests use small ones."""

    file: int = FILE_LIMIT
    unpacked: int = UNPACKED_LIMIT
    document: int = DOCUMENT_LIMIT
    line: int = LINE_LIMIT


@dataclass(frozen=True, slots=True)
class Fingerprint:
    sha256: str
    size_bytes: int
    is_gzip: bool


def fingerprint(source: Path) -> Fingerprint:
    """Hash the file as it came; its name and extension don't matter."""
    with source.open("rb") as handle:
        magic = handle.read(2)
        handle.seek(0)
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return Fingerprint(digest, source.stat().st_size, magic == _GZIP_MAGIC)


def unpack(source: Path, target: Path, *, is_gzip: bool, limits: Limits) -> FileFormat:
    """Write ``source`` to ``target`` as clean lines and say what format they are in.

    A JSON document becomes one line per row. The caller removes ``target`` when this raises.

    Raises:
        StatementRefusedError: a subclass says what is wrong with the file as a whole.
    """
    if source.stat().st_size > limits.file:
        raise FileTooLargeError("The file", limits.file)
    try:
        if is_gzip:
            with gzip.open(source, "rb") as stream:
                return _unpack(stream, target, limits)
        with source.open("rb") as stream:
            return _unpack(stream, target, limits)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BrokenCompressionError(str(error)[:120]) from error


def _unpack(stream: Stream, target: Path, limits: Limits) -> FileFormat:
    head = stream.read(limits.line).removeprefix(_BOM)
    file_format = _format_of(head)
    if file_format is FileFormat.JSON:
        _write_document(head, stream, target, limits)
    else:
        _write_lines(head, stream, target, limits)
    return file_format


def _format_of(head: bytes) -> FileFormat:
    start = head.lstrip(b" \t\r\n")
    if not start:
        raise EmptyFileError
    if start.startswith(b"["):
        return FileFormat.JSON
    if start.startswith(b"{"):
        return FileFormat.NDJSON if first_line_is_row(start) else FileFormat.JSON
    return FileFormat.CSV


def _write_document(head: bytes, stream: Stream, target: Path, limits: Limits) -> None:
    content = head + stream.read(limits.document + 1 - len(head))
    if len(content) > limits.document:
        raise FileTooLargeError("A JSON document (send NDJSON instead)", limits.document)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongEncodingError(content.count(b"\n", 0, error.start) + 1) from error
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for row in rows_of_document(text):
            out.write(json.dumps(row, ensure_ascii=True, separators=(",", ":")))
            out.write("\n")


def _write_lines(head: bytes, stream: Stream, target: Path, limits: Limits) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    lines, length, total, held = 0, 0, 0, b""
    chunk = head
    with target.open("wb") as out:
        while chunk:
            total += len(chunk)
            if total > limits.unpacked:
                raise FileTooLargeError("The unpacked content", limits.unpacked)
            _must_be_text(decoder, chunk, lines)
            # A CR at the end of a chunk waits for the LF that may follow it.
            data = held + chunk
            held = b"\r" if data.endswith(b"\r") else b""
            data = data.removesuffix(b"\r").replace(b"\r\n", b"\n").translate(_VISIBLE)
            length = _must_be_short(data, lines, length, limits.line)
            lines += data.count(b"\n")
            out.write(data)
            chunk = stream.read(_CHUNK)
    _must_be_complete(decoder, lines)


def _must_be_text(decoder: codecs.IncrementalDecoder, chunk: bytes, lines: int) -> None:
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError as error:
        raise WrongEncodingError(lines + chunk.count(b"\n", 0, error.start) + 1) from error
    if b"\x00" in chunk:
        raise WrongEncodingError(lines + chunk.count(b"\n", 0, chunk.index(b"\x00")) + 1)


def _must_be_complete(decoder: codecs.IncrementalDecoder, lines: int) -> None:
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise WrongEncodingError(lines + 1) from error


def _must_be_short(data: bytes, lines: int, length: int, limit: int) -> int:
    """Refuse an endless line; return how long the unfinished last one is by now."""
    parts = data.split(b"\n")
    parts_length = length + len(parts[0])
    for number, part in enumerate(parts):
        parts_length = len(part) if number else parts_length
        if parts_length > limit:
            raise LineTooLongError(lines + number + 1, limit)
    return parts_length
