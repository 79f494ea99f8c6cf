"""The ledger's side of a day as Parquet, from the CSV stream that PostgreSQL gives."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import duckdb

from apps.reconciliation.engine.duck import literal

_READ: Final = """
COPY (
    SELECT event_id, player_ref, make_timestamptz(occurred_us) AS occurred_at, currency, bet_minor,
        win_minor, status
    FROM read_csv({csv}, header = false, auto_detect = false, delim = ',', quote = '"',
        escape = '"', columns = {{'event_id': 'VARCHAR', 'player_ref': 'VARCHAR',
        'occurred_us': 'BIGINT', 'currency': 'VARCHAR', 'bet_minor': 'BIGINT',
        'win_minor': 'BIGINT', 'status': 'VARCHAR'}})
) TO {target} (FORMAT parquet, COMPRESSION zstd)
"""

_OUTSIDE: Final = """
SELECT DISTINCT event_id FROM read_parquet($file)
WHERE epoch_us(occurred_at) < $start OR epoch_us(occurred_at) >= $end
"""


def write_ledger(
    connection: duckdb.DuckDBPyConnection, chunks: Iterable[bytes], target: Path
) -> str:
    """Write the stream to ``target`` as Parquet and return the stream's SHA-256."""
    csv = target.with_suffix(".csv")
    digest = hashlib.sha256()
    with csv.open("wb") as handle:
        for chunk in chunks:
            digest.update(chunk)
            handle.write(chunk)
    connection.execute(_READ.format(csv=literal(str(csv)), target=literal(str(target))))
    csv.unlink()
    return digest.hexdigest()


def events_outside(
    connection: duckdb.DuckDBPyConnection, parquet: Path, *, start_us: int, end_us: int
) -> list[str]:
    """List the events that a statement holds although they happened on another day."""
    rows = connection.execute(
        _OUTSIDE, {"file": str(parquet), "start": start_us, "end": end_us}
    ).fetchall()
    return [event_id for (event_id,) in rows]
