"""What the reference provider remembers: one SQLite file, safe against kill -9.

It stands for another company's database, so it isn't Pitboss's PostgreSQL; see the decision record.
A run of rounds is written in one transaction with every delivery it will send; a delivery is
marked as answered only after the answer arrived, so a crash re-sends and never forgets.
"""

import json
import random
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from apps.simulator.borealis.events import ProviderEvent, timestamp_text
from apps.simulator.borealis.faults import (
    AMOUNT_OFF_MINOR,
    DeliveryKind,
    Discrepancy,
    PlannedDelivery,
    log_rows,
    plan_deliveries,
    plant_discrepancies,
)
from apps.simulator.borealis.rounds import (
    Numbering,
    PlayedRound,
    PlayerMirror,
    TimeSpan,
    play_rounds,
)
from apps.simulator.errors import NoRoomInDayError, UnknownEventError, UnknownRunError

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS players (
    position INTEGER PRIMARY KEY, player_id TEXT UNIQUE NOT NULL, currency TEXT NOT NULL,
    balance_minor INTEGER NOT NULL CHECK (balance_minor >= 0)) STRICT;
CREATE TABLE IF NOT EXISTS runs (
    run_no INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, day TEXT NOT NULL,
    rounds INTEGER NOT NULL, events INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS events (
    event_no INTEGER PRIMARY KEY, event_id TEXT UNIQUE NOT NULL, run_no INTEGER NOT NULL,
    day TEXT NOT NULL, occurred_at TEXT NOT NULL, round_id TEXT NOT NULL, game_code TEXT NOT NULL,
    currency TEXT NOT NULL, bet_minor INTEGER NOT NULL, win_minor INTEGER NOT NULL,
    status TEXT NOT NULL, planted TEXT, payload TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS events_of_a_day ON events (day);
CREATE TABLE IF NOT EXISTS log_rows (
    row_no INTEGER PRIMARY KEY, day TEXT NOT NULL, line TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS log_rows_of_a_day ON log_rows (day, row_no);
CREATE TABLE IF NOT EXISTS deliveries (
    position INTEGER PRIMARY KEY, run_no INTEGER NOT NULL, kind TEXT NOT NULL,
    message_id TEXT NOT NULL, body BLOB NOT NULL, events INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued', attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_ms INTEGER NOT NULL DEFAULT 0, http_status INTEGER, answer TEXT) STRICT;
CREATE TABLE IF NOT EXISTS transfers (
    transaction_id TEXT PRIMARY KEY, player_id TEXT NOT NULL, currency TEXT NOT NULL,
    change_minor INTEGER NOT NULL, status TEXT NOT NULL, code TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS deliveries_queued ON deliveries (position) WHERE state = 'queued';
CREATE INDEX IF NOT EXISTS deliveries_of_a_run ON deliveries (run_no);
"""

# A day that is over is filled by eighths of what is left, so that many runs fit into it.
SHARE_OF_A_PAST_DAY: Final = 8


@dataclass(frozen=True, slots=True)
class Run:
    run_no: int
    day: str
    rounds: int
    events: int


@dataclass(frozen=True, slots=True)
class WalletTransfer:
    """What became of an order to a player's wallet at the provider."""

    status: str
    code: str


@dataclass(frozen=True, slots=True)
class QueuedDelivery:
    position: int
    kind: DeliveryKind
    message_id: str
    body: bytes
    attempts: int


class Store:
    """The provider's memory. One process, one connection; every method is one transaction.

    ``plants`` is False where the log must agree with what was sent, since players' own money is in
    the balances.
    """

    def __init__(self, path: Path, *, secret: bytes, seed: int, plants: bool = True) -> None:
        self._secret = secret
        self._plants = plants
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(SCHEMA)
        with self._transaction():
            # Ids never repeat, even where the home directory was deleted and made again.
            self._db.execute(
                "INSERT OR IGNORE INTO meta VALUES ('instance', ?), ('seed', ?),"
                " ('next_event', '0'), ('next_round', '0')",
                (secrets.token_hex(3), str(seed)),
            )

    def close(self) -> None:
        self._db.close()

    @property
    def db(self) -> sqlite3.Connection:
        """The connection, for the read-only questions in ``truth.py``."""
        return self._db

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def introduce_players(self, players: Sequence[PlayerMirror]) -> None:
        """Take over the opening balances; players already known keep theirs."""
        with self._transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO players (player_id, currency, balance_minor)"
                " VALUES (?, ?, ?)",
                [(player.player_id, player.currency, player.balance_minor) for player in players],
            )

    def balance(self, player_id: str, currency: str) -> int:
        """Return what a player holds in a currency, in minor units."""
        row = self._db.execute(
            "SELECT balance_minor FROM players WHERE player_id = ? AND currency = ?",
            (player_id, currency),
        ).fetchone()
        return int(row[0]) if row else 0

    def transfer(self, transaction_id: str) -> WalletTransfer | None:
        row = self._db.execute(
            "SELECT status, code FROM transfers WHERE transaction_id = ?", (transaction_id,)
        ).fetchone()
        return WalletTransfer(*row) if row else None

    def move_transfer(
        self, transaction_id: str, *, player_id: str, currency: str, change_minor: int
    ) -> WalletTransfer | None:
        """Move money in (or, below zero, out) of a player's wallet, once; None for another order.

        One that can't be obeyed is kept as failed, so that its repeat fails too.
        """
        wanted = (player_id, currency, change_minor)
        with self._transaction():
            known = self._db.execute(
                "SELECT player_id, currency, change_minor FROM transfers WHERE transaction_id = ?",
                (transaction_id,),
            ).fetchone()
            if known is None:
                code = self._move(*wanted)
                status = "confirmed" if code == "ok" else "failed"
                self._db.execute(
                    "INSERT INTO transfers VALUES (?, ?, ?, ?, ?, ?)",
                    (transaction_id, *wanted, status, code),
                )
            elif known != wanted:
                return None
        return self.transfer(transaction_id)

    def _move(self, player_id: str, currency: str, change_minor: int) -> str:
        """Change a balance and return ``ok``, or leave it and return why."""
        if change_minor > 0:
            self._db.execute(
                "INSERT OR IGNORE INTO players (player_id, currency, balance_minor)"
                " VALUES (?, ?, 0)",
                (player_id, currency),
            )
        changed = self._db.execute(
            "UPDATE players SET balance_minor = balance_minor + ?"
            " WHERE player_id = ? AND currency = ? AND balance_minor + ? >= 0",
            (change_minor, player_id, currency, change_minor),
        )
        if changed.rowcount:
            return "ok"
        return "no_funds" if change_minor < 0 else "wrong_currency"

    def play(
        self, rounds: int, *, day: date, key: str, now: datetime, after: datetime | None = None
    ) -> Run:
        """Play rounds on ``day`` and queue their deliveries; the same ``key`` plays once.

        The rounds happen after all that were played on the day, and after ``after`` if given.

        Raises:
            NoRoomInDayError: the day is full, or has not begun.
            NoFundedPlayerError: nobody can afford a stake.
        """
        with self._transaction():
            known = self._db.execute(
                "SELECT run_no, day, rounds, events FROM runs WHERE key = ?", (key,)
            ).fetchone()
            if known is not None:
                return Run(*known)
            span = self._span(day, now, after)
            if span.ends_at - span.starts_at < timedelta(milliseconds=rounds):
                raise NoRoomInDayError(day.isoformat())
            return self._play(rounds, day=day, key=key, span=span)

    def _play(self, rounds: int, *, day: date, key: str, span: TimeSpan) -> Run:
        run_no = self._db.execute("SELECT coalesce(max(run_no), 0) + 1 FROM runs").fetchone()[0]
        meta = dict(self._db.execute("SELECT key, value FROM meta").fetchall())
        numbering = Numbering(meta["instance"], int(meta["next_event"]), int(meta["next_round"]))
        draw = random.Random(f"{meta['seed']}/{run_no}")  # noqa: S311 - play money, repeatable
        players = [
            PlayerMirror(*row)
            for row in self._db.execute(
                "SELECT player_id, currency, balance_minor FROM players ORDER BY position"
            )
        ]
        played = list(
            play_rounds(rounds, draw=draw, players=players, numbering=numbering, span=span)
        )
        planted = plant_discrepancies(draw, played, players) if self._plants else {}
        events = self._keep_events(run_no, played, planted)
        self._db.executemany(
            "INSERT INTO log_rows (day, line) VALUES (?, ?)",
            [
                (timestamp_text(event.occurred_at)[:10], json.dumps(row))
                for event, row in log_rows(draw, played, planted, players)
            ],
        )
        self._queue(run_no, plan_deliveries(draw, played, planted))
        self._db.executemany(
            "UPDATE players SET balance_minor = ? WHERE player_id = ?",
            [(player.balance_minor, player.player_id) for player in players],
        )
        self._db.executemany(
            "UPDATE meta SET value = ? WHERE key = ?",
            [(numbering.next_event, "next_event"), (numbering.next_round, "next_round")],
        )
        run = Run(run_no, day.isoformat(), rounds, events)
        self._db.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?)", (run_no, key, run.day, rounds, events)
        )
        return run

    def _span(self, day: date, now: datetime, after: datetime | None) -> TimeSpan:
        starts_at = datetime.combine(day, time.min, UTC)
        day_end = starts_at + timedelta(days=1) - timedelta(milliseconds=1)
        last = self._db.execute(
            "SELECT max(occurred_at) FROM events WHERE day = ?", (day.isoformat(),)
        ).fetchone()[0]
        if last is not None:
            starts_at = datetime.fromisoformat(last) + timedelta(milliseconds=1)
        if after is not None:
            starts_at = max(starts_at, after)
        ends_at = min(now, day_end)
        if now > day_end:
            ends_at = starts_at + (day_end - starts_at) / SHARE_OF_A_PAST_DAY
        return TimeSpan(starts_at, ends_at)

    def _keep_events(
        self, run_no: int, played: Sequence[PlayedRound], planted: dict[str, Discrepancy]
    ) -> int:
        rows = []
        for one in played:
            # A pending result is one event sent twice; the final message is the one kept.
            for position, event in enumerate(
                {event.event_id: event for event in one.events}.values()
            ):
                status = "rolled_back" if one.is_rolled_back and position == 0 else "settled"
                occurred_at = timestamp_text(event.occurred_at)
                rows.append(
                    (event.event_id, run_no, occurred_at[:10], occurred_at, event.round_id,
                     event.game_code, event.currency, event.bet_minor, event.win_minor, status,
                     planted.get(event.event_id), json.dumps(event.payload(self._secret)))
                )  # fmt: skip
        self._db.executemany(
            "INSERT INTO events (event_id, run_no, day, occurred_at, round_id, game_code, currency,"
            " bet_minor, win_minor, status, planted, payload)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        return len(rows)

    def _queue(self, run_no: int, planned: Sequence[PlannedDelivery]) -> None:
        instance = self._db.execute("SELECT value FROM meta WHERE key = 'instance'").fetchone()[0]
        message_ids = {
            id(delivery): f"msg_{instance}_{run_no}_{position:06}"
            for position, delivery in enumerate(planned)
        }
        self._db.executemany(
            "INSERT INTO deliveries (run_no, kind, message_id, body, events)"
            " VALUES (?, ?, ?, ?, ?)",
            [
                (run_no, delivery.kind, message_ids[id(delivery.repeats or delivery)],
                 self._body(delivery), len(delivery.events))
                for delivery in planned
            ],
        )  # fmt: skip

    def _body(self, delivery: PlannedDelivery) -> bytes:
        payloads = [self._sent(event, delivery.kind) for event in delivery.events]
        document: Any = payloads[0] if len(payloads) == 1 else {"events": payloads}
        return json.dumps(document, separators=(",", ":")).encode()

    def _sent(self, event: ProviderEvent, kind: DeliveryKind) -> dict[str, Any]:
        if kind is DeliveryKind.BAD_CHECKSUM:
            return {**event.payload(self._secret), "checksum": "0" * 64}
        if kind in (DeliveryKind.CONFLICT, DeliveryKind.FORGED):
            return _richer(event).payload(self._secret)
        return event.payload(self._secret)

    def due(self, *, now_ms: int, limit: int) -> list[QueuedDelivery]:
        """Return the next deliveries to send, in the planned order."""
        rows = self._db.execute(
            "SELECT position, kind, message_id, body, attempts FROM deliveries"
            " WHERE state = 'queued' AND next_attempt_ms <= ? ORDER BY position LIMIT ?",
            (now_ms, limit),
        )
        return [
            QueuedDelivery(position, DeliveryKind(kind), message_id, body, attempts)
            for position, kind, message_id, body, attempts in rows
        ]

    def mark_answered(self, position: int, *, http_status: int, answer: str, state: str) -> None:
        """Record the final answer of a delivery: ``state`` is ``answered`` or ``refused``."""
        self._db.execute(
            "UPDATE deliveries SET state = ?, attempts = attempts + 1, http_status = ?, answer = ?"
            " WHERE position = ?",
            (state, http_status, answer, position),
        )

    def mark_failed_attempt(
        self, position: int, *, http_status: int | None, next_attempt_ms: int
    ) -> None:
        self._db.execute(
            "UPDATE deliveries SET attempts = attempts + 1, http_status = ?, next_attempt_ms = ?"
            " WHERE position = ?",
            (http_status, next_attempt_ms, position),
        )

    def payload(self, event_id: str) -> dict[str, Any]:
        """Return what was sent for one event.

        Raises:
            UnknownEventError: no such event.
        """
        row = self._db.execute(
            "SELECT payload, status FROM events WHERE event_id = ?", (event_id,)
        ).fetchone()
        if row is None:
            raise UnknownEventError(event_id)
        return {"event_id": event_id, "status": row[1], "payload": json.loads(row[0])}

    def run_progress(self, run_no: int) -> dict[str, Any]:
        """Return how far the deliveries of a run are.

        Raises:
            UnknownRunError: no such run.
        """
        run = self._db.execute(
            "SELECT run_no, day, rounds, events FROM runs WHERE run_no = ?", (run_no,)
        ).fetchone()
        if run is None:
            raise UnknownRunError(run_no)
        states = dict(
            self._db.execute(
                "SELECT state, count(*) FROM deliveries WHERE run_no = ? GROUP BY state", (run_no,)
            ).fetchall()
        )
        total = sum(states.values())
        return {
            "run": run[0], "day": run[1], "rounds": run[2], "events": run[3],
            "deliveries": total, "answered": states.get("answered", 0),
            "refused": states.get("refused", 0), "queued": states.get("queued", 0),
        }  # fmt: skip


def _richer(event: ProviderEvent) -> ProviderEvent:
    """Return the event with a larger win: what a forger, or a provider in conflict, claims."""
    return replace(
        event,
        win_minor=event.win_minor + AMOUNT_OFF_MINOR,
        after_minor=event.after_minor + AMOUNT_OFF_MINOR,
    )
