"""Builds and critical files as a report names them: one text each, read into its parts."""

import re
from dataclasses import dataclass

_GAME = r"[A-Za-z0-9_.:~-]{1,128}"
BUILD = re.compile(
    rf"(?P<game>{_GAME}) (?P<build>[A-Za-z0-9_.:+~-]{{1,64}})(?: (?P<channel>\S{{1,32}}))?"
)
CRITICAL_FILE = re.compile(
    r"(?P<path>\S{1,255}) (?P<algorithm>SHA-?1|SHA-?256|CRC16/(?P<seed>[0-9A-Fa-f]{1,8}))"
    r" (?P<digest>[0-9A-Fa-f]{4,64})",
    re.IGNORECASE,
)
_DIGEST_LENGTHS = {"sha1": 40, "sha256": 64, "crc16": 4}


@dataclass(frozen=True, slots=True, order=True)
class BuildEntry:
    """A build of a game, such as ``aurora-slot-01 3.0.2 HTML5``; the channel may be empty."""

    game_code: str
    build: str
    channel: str


@dataclass(frozen=True, slots=True, order=True)
class CriticalFileEntry:
    """A file's digest, such as ``core-0.bin SHA-1 6880...``; only CRC16 has a seed."""

    path: str
    algorithm: str
    seed: str
    digest: str


def build_of(text: str) -> BuildEntry | None:
    match = BUILD.fullmatch(text)
    if match is None:
        return None
    return BuildEntry(match["game"], match["build"], match["channel"] or "")


def critical_file_of(text: str) -> CriticalFileEntry | None:
    """Return the parts of the text; None where the digest is not as long as its algorithm's."""
    match = CRITICAL_FILE.fullmatch(text)
    if match is None:
        return None
    algorithm = match["algorithm"].lower().replace("-", "").partition("/")[0]
    digest = match["digest"].lower()
    if len(digest) != _DIGEST_LENGTHS[algorithm]:
        return None
    return CriticalFileEntry(match["path"], algorithm, (match["seed"] or "").lower(), digest)
