"""Reconcile a generated day of 1 M x 1 M events against a bare DuckDB join of the same files.

Both run several times in turn, each time in a process of its own, so that peak memory is theirs
alone and a busy machine slows both. The bare join is what a person would type: one full outer join
that counts what differs, with DuckDB's own settings; it neither finds repeats nor lists anything.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.bars import Bar
from tests.bench.options import Options

ROWS = 1_000_000
ROUNDS = 5
MOST_TIMES_BARE = 2.0
MOST_MIB = 1536

_DAY = """
CREATE TABLE day AS
SELECT md5(i::VARCHAR) AS event_id, 'p-' || (i % 5000) AS player_ref,
    timestamptz '2026-11-18T00:00:00Z' + to_microseconds(i * 86) AS occurred_at,
    ['AUD', 'EUR', 'USD'][i % 3 + 1] AS currency, (100 + (i * 37) % 900)::BIGINT AS bet_minor,
    ((i * 53) % 1100)::BIGINT AS win_minor, 'settled' AS status, i % 10007 AS defect
FROM range({rows}) AS t (i)
"""
_LEDGER = """
COPY (SELECT event_id, player_ref, occurred_at, currency, bet_minor, win_minor, status
      FROM day WHERE defect <> 1 ORDER BY event_id)
TO '{target}' (FORMAT parquet, COMPRESSION zstd)
"""
# Seven kinds of defect, one of each in 10,007 rows; in an order that is not the ledger's.
_STATEMENT = """
COPY (
    SELECT event_id, event_id AS round_ref,
        CASE defect WHEN 2 THEN 'p-other' ELSE player_ref END AS player_ref, occurred_at,
        bet_minor + (defect = 3)::INT AS bet_minor, win_minor,
        CASE defect WHEN 4 THEN 'NZD' ELSE currency END AS currency, 'bench-slot' AS game_code,
        'base' AS round_type, 0::BIGINT AS balance_before_minor, 0::BIGINT AS balance_after_minor,
        true AS finalized, '' AS promo_campaign, '' AS promo_multiplier,
        CASE defect WHEN 5 THEN 'rolled_back' ELSE status END AS status, '' AS reference_event_id,
        row_number() OVER () AS line
    FROM (SELECT * FROM day WHERE defect <> 6 UNION ALL SELECT * FROM day WHERE defect = 7)
    ORDER BY hash(event_id)
) TO '{target}' (FORMAT parquet, COMPRESSION zstd)
"""
_BARE = """
SELECT count(*), count(*) FILTER (s.event_id IS NULL), count(*) FILTER (l.event_id IS NULL),
    count(*) FILTER (s.player_ref <> l.player_ref), count(*) FILTER (s.currency <> l.currency),
    count(*) FILTER (s.bet_minor <> l.bet_minor OR s.win_minor <> l.win_minor),
    count(*) FILTER (s.status <> l.status)
FROM '{statement}' s FULL JOIN '{ledger}' l ON s.event_id = l.event_id
"""


def run(rows: int = ROWS) -> dict[str, Any]:
    """Measure, and fail where anything planted was not found."""
    with tempfile.TemporaryDirectory(prefix="pitboss-bench-") as folder:
        _child("make", folder, rows)
        pairs = [
            (_child("bare", folder, rows), _child("ours", folder, rows)) for _ in range(ROUNDS)
        ]
    bare, ours = [each[0] for each in pairs], [each[1] for each in pairs]
    answer: dict[str, Any] = {
        "rows": rows,
        "bare_seconds": median(each["seconds"] for each in bare),
        "bare_mib": max(each["mib"] for each in bare),
        "seconds": median(each["seconds"] for each in ours),
        "mib": max(each["mib"] for each in ours),
        "times_bare": round(median(o["seconds"] / b["seconds"] for b, o in pairs), 2),
        "breaks": ours[0]["breaks"],
    }
    if ours[0]["breaks"] != _planted(rows):
        raise SystemExit(f"Found {ours[0]['breaks']}, planted {_planted(rows)}.")
    return answer


def measured(_options: Options) -> tuple[dict[str, Any], list[Bar]]:
    """Reconcile for the final table: at most twice the bare join, within 1.5 GiB."""
    found = run()
    time_bar = Bar(
        measure="reconcile 1 M x 1 M, s",
        ours=f"{found['seconds']:.2f}",
        baseline=f"{found['bare_seconds']:.2f}",
        ratio=f"{found['times_bare']:.2f}",
        bar=f"<= {MOST_TIMES_BARE:g}",
        is_met=found["times_bare"] <= MOST_TIMES_BARE,
        remark="against a bare DuckDB join",
    )
    memory_bar = Bar(
        measure="reconcile 1 M x 1 M, peak MiB",
        ours=str(found["mib"]),
        baseline=str(found["bare_mib"]),
        ratio="-",
        bar=f"<= {MOST_MIB}",
        is_met=found["mib"] <= MOST_MIB,
    )
    return found, [time_bar, memory_bar]


def _planted(rows: int) -> dict[str, int]:
    names = {
        7: "duplicate",
        1: "missing_in_ledger",
        6: "missing_at_provider",
        2: "player",
        4: "currency",
        3: "amount",
        5: "status",
    }
    return {name: len(range(defect, rows, 10007)) for defect, name in names.items()}


def _child(part: str, folder: str, rows: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.bench_reconcile", part, folder, str(rows)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[2],
    )
    if done.returncode != 0:
        raise SystemExit(f"The {part} part failed:\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _make(folder: Path, rows: int) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(_DAY.format(rows=rows))
        connection.execute(_LEDGER.format(target=folder / "ledger.parquet"))
        connection.execute(_STATEMENT.format(target=folder / "statement.parquet"))


def _bare(folder: Path) -> None:
    import duckdb

    query = _BARE.format(statement=folder / "statement.parquet", ledger=folder / "ledger.parquet")
    with duckdb.connect() as connection:
        connection.execute(query).fetchall()


def _ours(folder: Path) -> dict[str, int]:
    from apps.reconciliation.engine.compare import compare
    from apps.reconciliation.engine.compare_sql import BREAKS_WITH_FACTS
    from apps.reconciliation.engine.duck import open_engine

    with tempfile.TemporaryDirectory() as work, open_engine(Path(work)) as engine:
        found = compare(
            engine,
            statement=folder / "statement.parquet",
            ledger=folder / "ledger.parquet",
        )
        engine.execute(BREAKS_WITH_FACTS).fetchall()
    return found.breaks


def _part() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["make", "bare", "ours"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("rows", type=int)
    options = parser.parse_args()
    answer: dict[str, Any] = {}
    if options.part == "make":
        _make(options.folder, options.rows)
    else:
        _import_engine(options.part)
        started = time.perf_counter()
        if options.part == "bare":
            _bare(options.folder)
        else:
            answer["breaks"] = _ours(options.folder)
        answer["seconds"] = round(time.perf_counter() - started, 3)
    answer["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(answer))


def _import_engine(part: str) -> None:
    """Load what a running process has loaded already; imports are nobody's join."""
    import duckdb  # noqa: F401 - its cost is measured

    if part == "ours":
        import apps.reconciliation.engine.compare  # noqa: F401 - its cost is measured


if __name__ == "__main__":
    _part()
