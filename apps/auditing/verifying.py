"""Is a file the export that its manifest says it is? Needs nothing but the file."""

import hashlib
import json
import lzma
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from apps.auditing.archive import FORMAT, MANIFEST
from apps.auditing.enums import ExportFormat
from apps.auditing.errors import NotAnExportError

_CHUNK_BYTES: Final = 1 << 20
_MAX_MANIFEST: Final = 16 << 20
# What the reader raises for what is damaged, encrypted, or packed in a way it doesn't know.
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
)


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """One file of an export; ``why`` is empty where it is what the manifest says."""

    name: str
    size_bytes: int
    sha256: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class ExportVerdict:
    manifest: Mapping[str, Any]
    manifest_sha256: str
    files: list[FileVerdict]

    @property
    def holds(self) -> bool:
        return not any(one.why for one in self.files)


def verify_export(path: Path) -> ExportVerdict:
    """Hash every file of an export and compare it with the manifest; nothing is unpacked.

    Raises:
        NotAnExportError: there is no manifest of ours to compare with, or two files have one name,
            of which each unpacker shows another.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _entries(archive)
            raw = _manifest_of(archive)
            manifest = json.loads(raw)
            named = {one["name"]: one for one in manifest["files"]}
            if manifest["format"] != FORMAT:
                raise NotAnExportError(f"The manifest is of format {manifest['format']!r:.40}.")
            if format_of(manifest) not in ExportFormat.values:
                raise NotAnExportError(f"Its files are {manifest['file_format']!r:.40}.")
            inside = sorted(entries.keys() - {MANIFEST})
            files = [_judge(archive, entries[name], named.get(name)) for name in inside]
    except (*_UNREADABLE, ValueError, KeyError, TypeError) as error:
        raise NotAnExportError(f"{path} is not an export: {error}.") from error
    missing = [FileVerdict(name, 0, "", "it is missing") for name in named if name not in inside]
    return ExportVerdict(manifest, hashlib.sha256(raw).hexdigest(), [*files, *missing])


def format_of(manifest: Mapping[str, Any]) -> str:
    """Return how the files are written; a manifest of before the choice names none: CSV."""
    return str(manifest.get("file_format", ExportFormat.CSV))


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        if entry.filename in entries:
            raise NotAnExportError(f"{entry.filename!r:.80} is in it more than once.")
        entries[entry.filename] = entry
    return entries


def _manifest_of(archive: zipfile.ZipFile) -> bytes:
    with archive.open(MANIFEST) as stream:
        raw = stream.read(_MAX_MANIFEST + 1)
    if len(raw) > _MAX_MANIFEST:
        raise NotAnExportError("The manifest is larger than any of ours.")
    return raw


def _judge(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, said: Mapping[str, Any] | None
) -> FileVerdict:
    name = entry.filename
    if said is None:
        return FileVerdict(name, 0, "", "the manifest does not name it")
    most = int(said["bytes"])
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(entry) as stream:
            # Never more than what is said to be there: a bomb ends at the first byte too many.
            while size <= most and (chunk := stream.read(_CHUNK_BYTES)):
                size += len(chunk)
                digest.update(chunk)
    except _UNREADABLE as error:
        return FileVerdict(name, size, "", f"it can't be read: {error}")
    found = digest.hexdigest()
    is_same = found == said["sha256"] and size == most
    return FileVerdict(name, size, found, "" if is_same else "its bytes are not those of then")
