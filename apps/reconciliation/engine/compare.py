"""Set one day's statement against the ledger side of the same day, both as Parquet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from apps.reconciliation.contracts import Comparison, CurrencyVariance
from apps.reconciliation.engine import compare_sql as sql
from apps.reconciliation.engine.duck import literal
from apps.reconciliation.enums import BreakClass


def compare(
    connection: duckdb.DuckDBPyConnection,
    *,
    statement: Path,
    ledger: Path,
    neighbours: Sequence[Path] = (),
) -> Comparison:
    """Classify each event of either side and leave the breaks in the table ``breaks``.

    An event belongs to a day by its own time, but around midnight a provider's clock and ours can
    file it on different days: what this statement lacks is taken from the ``neighbours``, the
    statements of the days before and after, where they have it.

    ``statement_events`` counts an event once however often it is repeated, so that
    ``statement_events = matched + breaks - missing_at_provider``. The ledger side must hold each
    event once, which the database guarantees.
    """
    _open_sides(connection, statement, ledger)
    connection.execute(sql.DIFFERENCES)
    counts = _counts(connection)
    if neighbours and counts.ledger_only and _borrow(connection, statement, neighbours):
        connection.execute("DROP TABLE differences")
        connection.execute(sql.DIFFERENCES)
        counts = _counts(connection)
    connection.execute(sql.WANTED)
    if counts.has_repeats:
        connection.execute(sql.WANTED_REPEATS)
    connection.execute(sql.STATED)
    connection.execute(sql.REPEATED)
    connection.execute(sql.BOOKED_REPEATS if counts.has_repeats else sql.NO_BOOKED_REPEATS)
    connection.execute(sql.REPEATED_ROWS)
    connection.execute(sql.JUDGED)
    connection.execute(sql.BREAKS)
    return _summary(connection, counts)


def break_items(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """List the event ids of each class, sorted; classes without breaks have an empty list."""
    items: dict[str, list[str]] = {value: [] for value in BreakClass.values}
    rows = connection.execute("SELECT class, event_id FROM breaks ORDER BY event_id").fetchall()
    for break_class, event_id in rows:
        items[break_class].append(event_id)
    return items


class _Counts:
    """How many rows each side has, and how many of them met nothing on the other."""

    def __init__(self, row: tuple[int, int, int, int, int]) -> None:
        self.statement_rows, self.ledger_events, only_rows, self.ledger_only, only_events = row
        self.booked_rows = self.statement_rows - only_rows
        self.booked_events = self.ledger_events - self.ledger_only
        self.statement_events = self.booked_events + only_events
        self.has_repeats = self.statement_rows != self.statement_events


def _open_sides(connection: duckdb.DuckDBPyConnection, statement: Path, ledger: Path) -> None:
    connection.execute(sql.STATEMENT.format(files=_files([statement])))
    connection.execute(sql.LEDGER.format(files=_files([ledger])))


def _files(paths: Sequence[Path]) -> str:
    return ", ".join(literal(str(path)) for path in paths)


def _counts(connection: duckdb.DuckDBPyConnection) -> _Counts:
    return _Counts(_row(connection, sql.COUNTS))


def _borrow(
    connection: duckdb.DuckDBPyConnection, statement: Path, neighbours: Sequence[Path]
) -> bool:
    """Add the rows that neighbours hold of events this statement lacks; tell if there are."""
    connection.execute(sql.BORROWED.format(files=_files(neighbours)))
    (count,) = _row(connection, "SELECT count(*) FROM borrowed")
    if not count:
        return False
    connection.execute(sql.STATEMENT_WITH_BORROWED.format(files=_files([statement])))
    return True


def _summary(connection: duckdb.DuckDBPyConnection, counts: _Counts) -> Comparison:
    breaks = dict.fromkeys(BreakClass.values, 0)
    breaks.update(dict(connection.execute(sql.CLASS_COUNTS).fetchall()))
    (is_touched,) = _row(connection, sql.TOUCHED)
    variance = tuple(
        CurrencyVariance(currency, int(gross), int(net), int(turnover))
        for currency, gross, net, turnover in connection.execute(sql.VARIANCE).fetchall()
    )
    return Comparison(
        ledger_events=counts.ledger_events,
        statement_rows=counts.statement_rows,
        statement_events=counts.statement_events,
        matched=counts.statement_events
        - sum(breaks.values())
        + breaks[BreakClass.MISSING_AT_PROVIDER],
        breaks=breaks,
        variance=variance,
        is_player_touched=is_touched,
    )


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    return connection.execute(query).fetchone()
