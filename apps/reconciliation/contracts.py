"""What this app passes around and hands out: frozen, no ORM."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that was left out of a statement, or (``other_day``) taken with a remark.

    ``line`` is the physical line of a CSV or NDJSON file, the position in the list of a JSON
    document; it counts from 1.
    """

    line: int
    code: str
    reason: str
    excerpt: str

    def as_json(self) -> dict[str, Any]:
        return {
            "line": self.line,
            "code": self.code,
            "reason": self.reason,
            "excerpt": self.excerpt,
        }


@dataclass(frozen=True, slots=True)
class ParsedStatement:
    """What reading a statement file gave. ``problems`` is bounded, ``problem_counts`` complete."""

    rows_total: int
    rows_good: int
    rows_bad: int
    rows_demo: int
    rows_other_day: int
    day: date
    problems: tuple[RowProblem, ...] = ()
    problem_counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """``is_new`` is false when exactly this file is here already; nothing was written then."""

    statement_id: int
    provider: str
    day: date | None
    state: str
    sha256: str
    is_new: bool
    format: str
    rows_total: int
    rows_good: int
    rows_bad: int
    rows_demo: int
    rows_other_day: int
    problems: list[dict[str, Any]]
    changes: dict[str, int]


@dataclass(frozen=True, slots=True)
class CurrencyVariance:
    """One currency of one day, in minor units.

    ``gross_minor`` is the sum of absolute differences, ``net_minor`` the absolute difference of the
    two net positions (stakes minus wins), ``turnover_minor`` the provider's stakes.
    """

    currency: str
    gross_minor: int
    net_minor: int
    turnover_minor: int

    @property
    def is_above_threshold(self) -> bool:
        """Tell, exactly, whether either difference is more than 0.1 % of turnover."""
        return max(self.gross_minor, self.net_minor) * 1000 > self.turnover_minor


@dataclass(frozen=True, slots=True)
class Comparison:
    """The engine's answer for one day; the breaks themselves stay in a DuckDB table."""

    ledger_events: int
    statement_rows: int
    statement_events: int
    matched: int
    breaks: dict[str, int]
    variance: tuple[CurrencyVariance, ...]
    is_player_touched: bool

    @property
    def is_alert(self) -> bool:
        return self.is_player_touched or any(line.is_above_threshold for line in self.variance)


@dataclass(frozen=True, slots=True)
class BreakLine:
    """One break as other apps see it; facts are what each side said, ``None`` where silent."""

    break_id: int
    provider: str
    day: date
    event_id: str
    break_class: str
    state: str
    is_player_touched: bool
    currency: str
    delta_bet_minor: int
    delta_win_minor: int
    ledger_facts: dict[str, Any] | None
    statement_facts: list[dict[str, Any]] | None
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One row of a statement in use, with the file and line it stands on."""

    statement_id: int
    file_name: str
    sha256: str
    day: date
    line: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PullOutcome:
    provider: str
    day: date
    pages: int
    rows: int
    statement: ImportOutcome


@dataclass(frozen=True, slots=True)
class PullFacts:
    """How one pull of a day's round log went."""

    day: date
    state: str
    is_complete: bool
    rows: int
    moved_at: datetime
    last_error: str
