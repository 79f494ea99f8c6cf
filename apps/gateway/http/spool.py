"""Append-only files for what must not be lost while the database is away. Pure file handling.

A record is a head, a JSON header and raw bytes. The head states both lengths with a CRC of its
own, so a tail that a crash has torn is told apart from a record that was damaged later: the first
was never answered for and is cut, the second was and is set aside for a person.
"""

import base64
import fcntl
import hashlib
import json
import os
import struct
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_MAGIC: Final = b"PBS\x01"  # its control character can't occur in JSON, so in no header or body
_HEAD: Final = struct.Struct(">4sIII32s")  # magic, header length, body length, CRC, SHA-256
_LENGTHS: Final = struct.Struct(">II")
_SUFFIX: Final = ".seg"
_DIGEST_SHOWN: Final = 16
SEGMENT_BYTES: Final = 1024 * 1024
"""A segment that is longer takes nothing more; a segment is what is drained and deleted at once."""


class SpoolError(Exception):
    """The spool can't be used: another process holds it, or its disk fails."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait on disk."""

    most_bytes: int
    most_records: int


@dataclass(frozen=True, slots=True)
class SpoolRecord:
    header: dict[str, Any]
    body: bytes


@dataclass(frozen=True, slots=True)
class Scan:
    """What a segment's bytes say. ``damaged`` are stretches that no reader may trust.

    ``end`` is where a torn tail starts: a record that was never whole on disk.
    """

    records: tuple[SpoolRecord, ...]
    damaged: tuple[bytes, ...]
    end: int


def encode(record: SpoolRecord) -> bytes:
    header = json.dumps(record.header, separators=(",", ":"), sort_keys=True).encode()
    lengths = _LENGTHS.pack(len(header), len(record.body))
    digest = hashlib.sha256(lengths + header + record.body).digest()
    check = zlib.crc32(_MAGIC + lengths + digest)
    head = _HEAD.pack(_MAGIC, len(header), len(record.body), check, digest)
    return head + header + record.body


def scan(data: bytes) -> Scan:
    """Read a segment; a good record is found whatever happened to its neighbours."""
    records: list[SpoolRecord] = []
    damaged: list[bytes] = []
    at = 0
    while at < len(data):
        if _is_torn(data, at):
            return Scan(tuple(records), tuple(damaged), at)
        found = _record_at(data, at)
        if found is None:
            following = _next_good(data, at + 1)
            damaged.append(data[at:following])
            at = following
            continue
        record, at = found
        records.append(record)
    return Scan(tuple(records), tuple(damaged), at)


def _is_torn(data: bytes, at: int) -> bool:
    """Whether nothing but the beginning of a record is left, or space that was never written."""
    rest = len(data) - at
    if rest < _HEAD.size:
        return _MAGIC.startswith(data[at : at + 4]) or not any(data[at:])
    sizes = _sizes_at(data, at)
    if sizes is None:
        return not any(data[at:])
    return rest < _HEAD.size + sum(sizes)


def _sizes_at(data: bytes, at: int) -> tuple[int, int] | None:
    if len(data) - at < _HEAD.size:
        return None
    magic, header, body, check, digest = _HEAD.unpack_from(data, at)
    if magic != _MAGIC or zlib.crc32(magic + _LENGTHS.pack(header, body) + digest) != check:
        return None
    return header, body


def _record_at(data: bytes, at: int) -> tuple[SpoolRecord, int] | None:
    """Return the record that starts here and where it ends, or None where none is whole."""
    sizes = _sizes_at(data, at)
    if sizes is None:
        return None
    start = at + _HEAD.size
    middle, end = start + sizes[0], start + sum(sizes)
    digest = data[start - 32 : start]
    if hashlib.sha256(_LENGTHS.pack(*sizes) + data[start:end]).digest() != digest:
        return None  # damaged, or shorter than it says
    return SpoolRecord(json.loads(data[start:middle]), data[middle:end]), end


def _next_good(data: bytes, at: int) -> int:
    while (at := data.find(_MAGIC, at)) >= 0:
        if _record_at(data, at) is not None:
            return at
        at += 1
    return len(data)


class Spool:
    """The segments of one folder. One process holds it; use it from one thread at a time."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        """Take the folder, and cut what a crash has left half written.

        Raises:
            SpoolError: another process holds it, or it can't be used.
        """
        self._folder = folder
        self._limits = limits
        self._segments: OrderedDict[Path, tuple[int, int]] = OrderedDict()
        self._active: tuple[Path, int] | None = None
        try:
            for made in (folder, self.quarantine_folder):
                made.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _take_lock(folder / "lock")
            self._last = 0
            for path in sorted(folder.glob(f"*{_SUFFIX}")):
                self._recover(path)
        except OSError as error:
            raise SpoolError(f"{folder}: {error}") from error

    @property
    def quarantine_folder(self) -> Path:
        return quarantine_of(self._folder)

    @property
    def depth(self) -> int:
        return sum(records for records, _ in self._segments.values())

    @property
    def size(self) -> int:
        return sum(size for _, size in self._segments.values())

    @property
    def limits(self) -> Limits:
        return self._limits

    def oldest_header(self) -> dict[str, Any] | None:
        """Return the header of what waits longest; None where nothing readable does.

        Raises:
            SpoolError: the disk fails.
        """
        if not self._segments:
            return None
        path = next(iter(self._segments))
        try:
            records = scan(path.read_bytes()).records
        except OSError as error:
            raise SpoolError(f"{path}: {error}") from error
        return records[0].header if records else None

    def append(self, records: Sequence[SpoolRecord]) -> int:
        """Write records and return how many, the first ones, are on disk for good.

        Fewer than all means that the bound is reached.

        Raises:
            SpoolError: the disk fails; nothing was kept.
        """
        encoded: list[bytes] = []
        size, depth = self.size, self.depth
        for record in records:
            data = encode(record)
            size += len(data)
            depth += 1
            if size > self._limits.most_bytes or depth > self._limits.most_records:
                break
            encoded.append(data)
        if encoded:
            self._write(b"".join(encoded), len(encoded))
        return len(encoded)

    def first(self) -> tuple[Path, Scan] | None:
        """Return the oldest segment and what it holds; nothing is added to it any more."""
        if not self._segments:
            return None
        path = next(iter(self._segments))
        if self._active is not None and self._active[0] == path:
            self._seal()
        try:
            return path, scan(path.read_bytes())
        except OSError as error:
            raise SpoolError(f"{path}: {error}") from error

    def remove(self, path: Path) -> None:
        """Delete a segment whose records are all stored or set aside."""
        try:
            path.unlink(missing_ok=True)
            self._segments.pop(path, None)
            _sync_folder(self._folder)
        except OSError as error:
            raise SpoolError(f"{path}: {error}") from error

    def set_aside(self, name: str, reason: str, record: SpoolRecord) -> str:
        """Keep for a person what can't be applied; return the name of its file.

        Segments are counted anew once all are gone, so the name says what the record is, too: the
        same file is the same record, and never another.
        """
        page = {
            "reason": reason,
            "header": record.header,
            "body_base64": base64.b64encode(record.body).decode(),
        }
        digest = hashlib.sha256(encode(record)).hexdigest()[:_DIGEST_SHOWN]
        target = self.quarantine_folder / f"{name}-{digest}.json"
        partial = target.with_suffix(".partial")
        try:
            partial.unlink(missing_ok=True)
            fd = _create(partial)
            try:
                _write_all(fd, json.dumps(page, indent=1).encode())
                os.fsync(fd)
            finally:
                os.close(fd)
            partial.rename(target)
            _sync_folder(self.quarantine_folder)
        except OSError as error:
            raise SpoolError(f"{target}: {error}") from error
        return target.name

    def close(self) -> None:
        self._seal()
        os.close(self._lock)

    def _recover(self, path: Path) -> None:
        """Count what an earlier process left in a segment."""
        self._last = max(self._last, int(path.stem))
        data = path.read_bytes()
        found = scan(data)
        if found.end < len(data):
            os.truncate(path, found.end)
        if found.records or found.damaged:
            self._segments[path] = (len(found.records) + len(found.damaged), found.end)
        else:
            path.unlink()

    def _write(self, data: bytes, records: int) -> None:
        path, fd = self._writable()
        before = self._segments.get(path, (0, 0))
        try:
            _write_all(fd, data)
            os.fsync(fd)
            if not before[0]:
                _sync_folder(self._folder)
        except OSError as error:
            # After a failed fsync nobody knows what the disk holds: this file takes no more, and
            # what it now says too much was not answered for, so the provider sends it again.
            self._give_up(path, fd, before[1])
            raise SpoolError(f"{path}: {error}") from error
        self._segments[path] = (before[0] + records, before[1] + len(data))

    def _writable(self) -> tuple[Path, int]:
        if self._active is not None:
            path, fd = self._active
            if self._segments.get(path, (0, 0))[1] < SEGMENT_BYTES:
                return path, fd
            self._seal()
        self._last += 1
        path = self._folder / f"{self._last:010d}{_SUFFIX}"
        try:
            self._active = (path, _create(path))
        except OSError as error:
            raise SpoolError(f"{path}: {error}") from error
        return self._active

    def _give_up(self, path: Path, fd: int, size: int) -> None:
        self._active = None
        try:
            os.ftruncate(fd, size)
            if not size:
                path.unlink()
        except OSError:
            pass  # A repeat of what the provider sends again changes nothing.
        finally:
            os.close(fd)

    def _seal(self) -> None:
        if self._active is not None:
            os.close(self._active[1])
            self._active = None


def quarantine_of(folder: Path) -> Path:
    return folder / "quarantine"


def _take_lock(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def _create(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
    return os.open(path, flags, 0o600)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
