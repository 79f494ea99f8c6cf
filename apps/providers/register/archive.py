"""A ZIP archive of documents, judged as a whole before anything in it is read.

Nothing is ever unpacked to disk and no name in it becomes a path of ours: an entry is read into
memory, up to a limit, by the name it is listed under. An archive inside is not opened; it is a
file that is no PDF.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Final

from apps.core.sizes import display_size
from apps.providers.errors import DeliveryRefusedError
from apps.providers.pdf.contracts import MAX_BYTES
from apps.providers.register.delivery import (
    LINK,
    MAX_FILES,
    UNSAFE_PATH,
    entry_refusal,
    is_plain_name,
    missing_file,
    too_many_files,
)

MAX_ARCHIVE_BYTES: Final = 256 * 1024 * 1024
MAX_CONTENT_BYTES: Final = 2 * 1024 * 1024 * 1024
# The names of as many files as there may be, with all that is said of each, are less.
_MAX_DIRECTORY_BYTES: Final = 16 * 1024 * 1024
# What else there is asks for memory by what the archive says, or fails in ways of its own.
_PACKINGS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Text packs ten to twenty times; an honest PDF hardly at all.
_MAX_RATIO = 200
_RATIO_COUNTS_FROM_BYTES = 1024 * 1024
_ENCRYPTED = 0x1


class Archive:
    """The files of a judged archive, by name."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._entries = {
            entry.filename: entry for entry in archive.infolist() if not entry.is_dir()
        }

    @property
    def names(self) -> list[str]:
        return sorted(self._entries)

    def read(self, name: str) -> bytes:
        """Return a file's bytes, at most one more than a document may have.

        Raises:
            DeliveryRefusedError: there is no such file, or it can't be unpacked.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise missing_file()
        try:
            with self._archive.open(entry) as stream:
                return stream.read(MAX_BYTES + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            UnicodeDecodeError,
        ) as error:
            raise DeliveryRefusedError("damaged", "The file can't be unpacked.") from error


def open_archive(stream: IO[bytes], size_bytes: int) -> Archive:
    """Judge an archive by its directory: size, count, names, links, encryption, packing.

    Raises:
        DeliveryRefusedError: with the first rule that it breaks, and the entry.
    """
    if size_bytes > MAX_ARCHIVE_BYTES:
        reason = f"The archive is larger than {display_size(MAX_ARCHIVE_BYTES)}."
        raise DeliveryRefusedError("archive_too_large", reason)
    source = _Source(stream)
    try:
        archive = zipfile.ZipFile(source)
        entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise DeliveryRefusedError("not_a_zip", "The file is no ZIP archive.") from error
    source.is_opened = True
    for fault in _faults(entries):
        raise fault
    return Archive(archive)


class _Source:
    """A stream of which no more is read at once, while it is opened, than a directory may have.

    The library reads the whole directory before anybody can count what is in it: one of the
    largest archive's size would take gigabytes of memory.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.is_opened = False

    def read(self, size: int = -1, /) -> bytes:
        if self.is_opened:
            return self._stream.read(size)
        most = _MAX_DIRECTORY_BYTES + 1
        data = self._stream.read(most if size < 0 else min(size, most))
        if len(data) == most:
            limit = display_size(_MAX_DIRECTORY_BYTES)
            reason = f"The archive's list of files is larger than {limit}."
            raise DeliveryRefusedError("directory_too_large", reason)
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True


def _faults(entries: list[zipfile.ZipInfo]) -> Iterator[DeliveryRefusedError]:
    if len(entries) > MAX_FILES:
        yield too_many_files()
    seen: set[str] = set()
    for entry in entries:
        yield from _entry_faults(entry, seen)
        seen.add(entry.filename)
    if sum(entry.file_size for entry in entries) > MAX_CONTENT_BYTES:
        yield DeliveryRefusedError("too_much_content", "The archive unpacks to more than 2 GiB.")


def _entry_faults(entry: zipfile.ZipInfo, seen: set[str]) -> Iterator[DeliveryRefusedError]:
    rules = (
        (not is_plain_name(entry.filename), UNSAFE_PATH),
        (stat.S_ISLNK(entry.external_attr >> 16), LINK),
        (bool(entry.flag_bits & _ENCRYPTED), ("encrypted", "is encrypted")),
        (entry.compress_type not in _PACKINGS, ("packing", "is packed in a way that is not read")),
        (entry.filename in seen, ("duplicate_name", "is in the archive twice")),
        (_is_bomb(entry), ("bomb", "unpacks to far more than it is packed in")),
    )
    for applies, fault in rules:
        if applies:
            yield entry_refusal(entry.filename, fault)


def _is_bomb(entry: zipfile.ZipInfo) -> bool:
    return (
        entry.file_size > _RATIO_COUNTS_FROM_BYTES
        and entry.file_size > entry.compress_size * _MAX_RATIO
    )
