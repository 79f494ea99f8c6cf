"""Holding what a game server measured to the digests that reports in force print for what runs.

A build is certified as a whole: a server that holds one file of one build and the next of another
holds a build that nobody tested, however right each file is by itself.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from apps.integrity.contracts import DigestLine
from apps.integrity.enums import LineVerdict
from apps.integrity.selectors import accepted_digests
from apps.providers.contracts import GameRef
from apps.providers.selectors.digests import CertifiedFile, certified_files, running_builds

type _File = tuple[str, str, str]
"""What names the measurement of a file: path, algorithm and seed."""
type _Build = tuple[str, str]
"""A build as a report names it: version and channel."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A file with the verdict on it.

    ``held_to`` are the versions whose digests it was compared with, ``looks_like`` those for which
    a report prints exactly this digest.
    """

    line: DigestLine
    game: GameRef
    verdict: LineVerdict
    certified: tuple[str, ...] = ()
    held_to: tuple[str, ...] = ()
    looks_like: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdicts on the files of a report, and the certified files of what ran that it lacks."""

    files: list[Judged] = field(default_factory=list)
    missing: list[Judged] = field(default_factory=list)


def judge(
    provider_code: str,
    games: Mapping[str, GameRef],
    lines: Iterable[DigestLine],
    *,
    measured_at: datetime,
    now: datetime,
) -> Judgement:
    """Hold the files to the reports in force now, of the builds that ran when they were measured.

    A build that no report prints digests for is held to those of the builds from which it came by
    minor changes; where what runs has none at all, to those of any build of the game.
    """
    rows = sorted(lines, key=lambda line: line.game_code)
    codes = {line.game_code for line in rows}
    ids = {games[code].id for code in codes}
    certified = certified_files(provider_code, codes, now.date())
    running = running_builds(ids, measured_at)
    accepted = accepted_digests(ids)
    found = Judgement()
    for code, of_game in groupby(rows, key=lambda line: line.game_code):
        game = games[code]
        desk = _Desk(game, certified.get(code, ()), running.get(game.id, {}), accepted)
        mine = list(of_game)
        found.files.extend(desk.verdicts(mine))
        found.missing.extend(desk.missing(mine))
    return found


class _Desk:
    """The certified builds of a game, and which of them may be on a server."""

    def __init__(
        self,
        game: GameRef,
        files: Iterable[CertifiedFile],
        running: Mapping[str, Collection[str]],
        accepted: Mapping[tuple[int, str, str, str], Collection[str]],
    ) -> None:
        self._game, self._accepted = game, accepted
        self._printed: dict[_Build, dict[_File, set[str]]] = {}
        confirmed: set[_Build] = set()
        for one in files:
            if not one.is_from_document:
                confirmed.add((one.build_version, one.channel))
            build = self._printed.setdefault((one.build_version, one.channel), {})
            build.setdefault((one.path, one.algorithm, one.seed), set()).add(one.digest)
        versions = {version for version, _channel in self._printed}
        deployed: set[str] = set()
        for version, inherits_from in running.items():
            deployed |= {version} & versions or versions.intersection(inherits_from)
        self._deployed = [build for build in self._printed if build[0] in deployed]
        # What nobody confirmed closes no game that isn't known to run it.
        self._held = sorted(self._deployed or confirmed)

    def verdicts(self, lines: Sequence[DigestLine]) -> list[Judged]:
        wrong = {
            build: {
                line.file
                for line in lines
                if line.file in self._printed[build] and not self._is_right(line, build)
            }
            for build in self._held
        }
        held = {line.file: self._held_to(line, wrong) for line in lines}
        faulty = {file for file, build in held.items() if build and file in wrong[build]}
        # A right file is no proof where its build is wrong elsewhere and no fault says so yet.
        mixed = {
            line.file
            for line in lines
            for build in [held[line.file]]
            if build and wrong[build] and not wrong[build] & faulty
            if not self._is_accepted(line)
        }
        is_seen = any(held.values())
        found = []
        for line in lines:
            build = held[line.file]
            if build is None:
                found.append(self._stray(line, is_build_seen=is_seen))
            else:
                is_faulty = line.file in faulty | mixed
                found.append(self._judged(line, build, is_faulty=is_faulty))
        return found

    def missing(self, lines: Sequence[DigestLine]) -> list[Judged]:
        """Return the certified files that the lines lack: of what runs, or of what they name."""
        named = {line.build_version for line in lines}
        builds = self._deployed or [build for build in self._held if build[0] in named]
        lacking = {file: build for build in builds for file in self._printed[build]}
        for line in lines:
            lacking.pop(line.file, None)
        return [
            self._judged(
                DigestLine(self._game.game_code, build[0], *file, ""), build, is_faulty=True
            )
            for file, build in lacking.items()
        ]

    def _held_to(self, line: DigestLine, wrong: Mapping[_Build, set[_File]]) -> _Build | None:
        """Return the build that the file must be of: as it is named, or what fits best."""
        printing = [build for build in self._held if line.file in self._printed[build]]
        named = [build for build in printing if build[0] == line.build_version]
        return min(named or printing, key=lambda build: (len(wrong[build]), build), default=None)

    def _is_right(self, line: DigestLine, build: _Build) -> bool:
        return line.digest in self._printed[build][line.file] or self._is_accepted(line)

    def _is_accepted(self, line: DigestLine) -> bool:
        return line.digest in self._accepted.get((self._game.id, *line.file), ())

    def _judged(self, line: DigestLine, build: _Build, *, is_faulty: bool) -> Judged:
        return Judged(
            line,
            self._game,
            LineVerdict.MISMATCH if is_faulty else LineVerdict.MATCH,
            certified=tuple(sorted(self._printed[build][line.file])),
            held_to=(build[0],),
            looks_like=self._looks_like(line),
        )

    def _stray(self, line: DigestLine, *, is_build_seen: bool) -> Judged:
        """Judge a file that what runs doesn't have: it matters where nothing else of that is."""
        alike = self._looks_like(line)
        if is_build_seen or not alike or not self._held:
            return Judged(line, self._game, LineVerdict.UNKNOWN)
        versions = tuple(sorted({version for version, _channel in self._held}))
        verdict = LineVerdict.MATCH if self._is_accepted(line) else LineVerdict.MISMATCH
        return Judged(line, self._game, verdict, held_to=versions, looks_like=alike)

    def _looks_like(self, line: DigestLine) -> tuple[str, ...]:
        return tuple(
            sorted(
                {
                    version
                    for (version, _channel), printed in self._printed.items()
                    if line.digest in printed.get(line.file, ())
                }
            )
        )
