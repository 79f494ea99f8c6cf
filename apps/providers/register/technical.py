"""Builds and critical files as a report names them: one text each, read into its parts."""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import override

from apps.providers.enums import Channel
from apps.providers.pdf.text import StatedFacts

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

    @override
    def __str__(self) -> str:
        return f"{self.game_code} {self.build} {channel_of(self.channel).value}"


@dataclass(frozen=True, slots=True, order=True)
class CriticalFileEntry:
    """A file's digest, such as ``core-0.bin SHA-1 6880...``; only CRC16 has a seed."""

    path: str
    algorithm: str
    seed: str
    digest: str

    @override
    def __str__(self) -> str:
        seed = f"/{self.seed}" if self.seed else ""
        return f"{self.path} {self.algorithm}{seed} {self.digest}"


def channel_of(text: str) -> Channel:
    """Return the channel a lab's word means; HTML5 and the like are any browser and device."""
    return Channel(text.lower()) if text.lower() in Channel.values else Channel.ANY


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


def stated_builds(facts: StatedFacts, games: Collection[str]) -> tuple[BuildEntry, ...]:
    """Return the builds of ``games`` that the document names, as far as they can be read."""
    builds = map(build_of, _build_lines(facts, games))
    return tuple(sorted({build for build in builds if build}))


def printed_builds(facts: StatedFacts, games: Collection[str]) -> set[str]:
    """Return the same as texts to compare; a build that can't be read stays as printed."""
    return {str(build_of(line) or line) for line in _build_lines(facts, games)}


def stated_files(facts: StatedFacts) -> tuple[CriticalFileEntry, ...]:
    """Return the critical files that the document prints, each with its digest.

    A path that it prints with two digests of one kind proves nothing and is left out.
    """
    found = {file for file in map(critical_file_of, _file_lines(facts)) if file}
    times = Counter((file.path, file.algorithm, file.seed) for file in found)
    return tuple(sorted(file for file in found if times[file.path, file.algorithm, file.seed] == 1))


def printed_files(facts: StatedFacts) -> set[str]:
    """Return the same as texts to compare; a digest that can't be read stays as printed."""
    return {str(critical_file_of(line) or line) for line in _file_lines(facts)}


def _build_lines(facts: StatedFacts, games: Collection[str]) -> list[str]:
    return [
        f"{item.game_code} {item.build} {item.channel}".strip()
        for item in facts.builds
        if item.game_code in games
    ]


def _file_lines(facts: StatedFacts) -> list[str]:
    return [
        f"{item.path} {item.algorithm or 'SHA-1'} {item.digest}" for item in facts.critical_files
    ]
