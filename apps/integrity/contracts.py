from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One file as a game server measured it; hex is in lower case."""

    game_code: str
    build_version: str
    path: str
    algorithm: str
    seed: str
    digest: str

    @property
    def file(self) -> tuple[str, str, str]:
        """What names the measurement of a file: path, algorithm and seed."""
        return self.path, self.algorithm, self.seed


@dataclass(frozen=True, slots=True)
class MeasuredReport:
    """A report as it was read: what was measured when, by the server's own clock."""

    report_ref: str
    measured_at: datetime
    lines: tuple[DigestLine, ...]


@dataclass(frozen=True, slots=True)
class ReportOutcome:
    """What came of a report; a repeat says the same with ``is_new`` false."""

    report_id: int
    provider: str
    is_new: bool
    lines: int
    matches: int
    mismatches: int
    unknown: int
    missing: int


@dataclass(frozen=True, slots=True)
class GameIntegrity:
    """Where a game with certified files stands: when it was measured last, and what is wrong."""

    game_id: int
    game_code: str
    provider_code: str
    certified_files: int
    measured_at: datetime | None
    is_overdue: bool
    open_faults: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was known at a moment of the files on the game server, by the reports of by then.

    ``verdict`` is "match", "mismatch" (``wrong_files`` names the files), "incomplete" where
    certified files were not reported, "unknown" where no report in force printed their digests, or
    "not measured". ``is_overdue`` says that the newest report was older than it may be.
    """

    verdict: str
    wrong_files: tuple[str, ...] = ()
    report_id: int | None = None
    report_ref: str = ""
    measured_at: datetime | None = None
    is_overdue: bool = False
