"""What the reference provider knows, for whoever wants to compare: the log export and the truth."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from apps.core.money import format_minor
from apps.simulator.borealis.home import CODE, catalogue_rtp
from apps.simulator.games.catalogue import GAMES_BY_CODE


@dataclass(frozen=True, slots=True)
class LogPage:
    """One page of a day's round log; pages of a day never change, later rounds come after."""

    day: str
    page: int
    pages: int
    total: int
    rows: list[dict[str, str]]


def log_page(db: sqlite3.Connection, day: str, *, page: int, page_size: int) -> LogPage:
    """Return page ``page`` (from 1) of the day's log; a page past the end has no rows."""
    total = db.execute("SELECT count(*) FROM log_rows WHERE day = ?", (day,)).fetchone()[0]
    lines = db.execute(
        "SELECT line FROM log_rows WHERE day = ? ORDER BY row_no LIMIT ? OFFSET ?",
        (day, page_size, (page - 1) * page_size),
    )
    rows = [json.loads(line) for (line,) in lines]
    return LogPage(day, page, max(1, -(-total // page_size)), total, rows)


def truth_of_day(db: sqlite3.Connection, day: str) -> dict[str, Any]:
    """Return what was really played on ``day``, what was planted, and how deliveries went.

    ``planted`` names the events whose log line or callback is wrong on purpose, by class.
    ``totals`` counts settled events only: what was rolled back is nobody's money.
    """
    planted: dict[str, list[str]] = {}
    for kind, event_id in db.execute(
        "SELECT planted, event_id FROM events WHERE day = ? AND planted IS NOT NULL"
        " ORDER BY event_no",
        (day,),
    ):
        planted.setdefault(kind, []).append(event_id)
    events = db.execute("SELECT count(*) FROM events WHERE day = ?", (day,)).fetchone()[0]
    rows = db.execute("SELECT count(*) FROM log_rows WHERE day = ?", (day,)).fetchone()[0]
    return {
        "provider": CODE,
        "day": day,
        "events": events,
        "log_rows": rows,
        "expected_in_ledger": events - len(planted.get("missing_in_ledger", [])),
        "rolled_back": _count_status(db, day, "rolled_back"),
        "planted": planted,
        "totals": _totals(db, day),
        "games": _games(db, day),
        "deliveries": _deliveries(db, day),
    }


def _count_status(db: sqlite3.Connection, day: str, status: str) -> int:
    count: int = db.execute(
        "SELECT count(*) FROM events WHERE day = ? AND status = ?", (day, status)
    ).fetchone()[0]
    return count


def _totals(db: sqlite3.Connection, day: str) -> dict[str, dict[str, str]]:
    rows = db.execute(
        "SELECT currency, sum(bet_minor), sum(win_minor) FROM events"
        " WHERE day = ? AND status = 'settled' GROUP BY currency ORDER BY currency",
        (day,),
    )
    return {
        currency: {
            "bet": format_minor(bet, currency),
            "win": format_minor(win, currency),
            "net": format_minor(bet - win, currency),
        }
        for currency, bet, win in rows
    }


def _games(db: sqlite3.Connection, day: str) -> dict[str, dict[str, Any]]:
    rows = db.execute(
        "SELECT game_code, count(DISTINCT round_id) FROM events WHERE day = ?"
        " GROUP BY game_code ORDER BY game_code",
        (day,),
    )
    return {
        code: {
            "rounds": rounds,
            "theoretical_rtp": catalogue_rtp(GAMES_BY_CODE[code]),
            "exact_rtp": str(GAMES_BY_CODE[code].paytable.theoretical_rtp()),
        }
        for code, rounds in rows
    }


def _deliveries(db: sqlite3.Connection, day: str) -> dict[str, dict[str, Any]]:
    """Count the deliveries of the day's runs by kind, and the answers they got."""
    summary: dict[str, dict[str, Any]] = {}
    rows = db.execute(
        "SELECT kind, state, http_status, answer, attempts FROM deliveries"
        " WHERE run_no IN (SELECT run_no FROM runs WHERE day = ?)",
        (day,),
    )
    for kind, state, http_status, answer, attempts in rows:
        entry = summary.setdefault(
            kind, {"deliveries": 0, "attempts": 0, "states": {}, "http": {}, "statuses": {}}
        )
        entry["deliveries"] += 1
        entry["attempts"] += attempts
        _count(entry["states"], state)
        if http_status is not None:
            _count(entry["http"], str(http_status))
        for result in json.loads(answer or "[]"):
            _count(entry["statuses"], result["status"])
    return summary


def _count(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1
