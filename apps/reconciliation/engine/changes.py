"""What a newer statement of a day says differently from the one before it."""

from pathlib import Path
from typing import Final

import duckdb

from apps.reconciliation.engine.duck import literal

_CHANGES: Final = """
SELECT count(*) FILTER (o.event_id IS NULL), count(*) FILTER (n.event_id IS NULL),
       count(*) FILTER (n.event_id IS NOT NULL AND o.event_id IS NOT NULL
                        AND n.content IS DISTINCT FROM o.content)
FROM (SELECT event_id, list_sort(list({content})) AS content FROM read_parquet({new})
      GROUP BY event_id) n
FULL JOIN (SELECT event_id, list_sort(list({content})) AS content FROM read_parquet({old})
      GROUP BY event_id) o USING (event_id)
"""
_CONTENT: Final = (
    "concat_ws('|', player_ref, epoch_us(occurred_at), bet_minor, win_minor, currency, game_code,"
    " round_type, status, finalized)"
)


def count_changes(connection: duckdb.DuckDBPyConnection, *, new: Path, old: Path) -> dict[str, int]:
    """Count the events that the newer file added, left out or amended."""
    query = _CHANGES.format(content=_CONTENT, new=literal(str(new)), old=literal(str(old)))
    row = connection.execute(query).fetchone() or (0, 0, 0)
    return dict(zip(("added", "removed", "amended"), row, strict=True))
