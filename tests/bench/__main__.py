"""``make bench``: every measurement in one run, with ratios to a baseline taken beside it.

Ends with a table of every bar, and with a status other than zero where one is missed, an answer
was wrong, an answered event is not stored or ``verify_ledger`` does not pass.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from rich.console import Console

from tests.bench import (
    bench_callbacks,
    bench_certificates,
    bench_compliance,
    bench_growth,
    bench_memory,
    bench_reconcile,
    bench_replay,
    bench_transfers,
)
from tests.bench.bars import Bar, table_of
from tests.bench.options import Options

type Part = Callable[[Options], tuple[dict[str, Any], list[Bar]]]

PARTS: dict[str, Part] = {
    "callbacks": bench_callbacks.run,
    "bodies": bench_callbacks.run_bodies,
    "hot": bench_callbacks.run_hot,
    "transfers": bench_transfers.run,
    "replay": bench_replay.measured,
    "reconcile": bench_reconcile.measured,
    "memory": bench_memory.run,
    "growth": bench_growth.run,
    "compliance": bench_compliance.run,
    "certificates": bench_certificates.run,
}


def _options() -> argparse.Namespace:
    default = Options()
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", choices=list(PARTS), action="append", help="this part alone; may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.add_argument("--seconds", type=float, default=default.seconds, help="of each run")
    parser.add_argument("--rounds", type=int, default=default.rounds, help="of each comparison")
    parser.add_argument(
        "--stored-rounds", type=int, default=default.stored_rounds, help="for growth"
    )
    parser.add_argument("--minutes", type=float, default=default.minutes, help="for memory")
    return parser.parse_args()


def main() -> None:
    given = _options()
    options = Options(given.seconds, given.rounds, given.stored_rounds, given.minutes)
    console = Console(stderr=True, width=150)
    figures: dict[str, Any] = {}
    bars: list[Bar] = []
    for name in given.only or PARTS:
        console.print(f"[bold]{name}[/bold]")
        figures[name], found = PARTS[name](options)
        bars += found
        console.print(table_of(found))
    (console if given.json else Console(width=150)).print(table_of(bars))
    if given.json:
        report = {"figures": figures, "bars": [asdict(bar) for bar in bars]}
        print(json.dumps(report))
    missed = [bar.measure.strip() for bar in bars if bar.is_met is False]
    if missed:
        sys.exit(f"Missed: {', '.join(missed)}.")


if __name__ == "__main__":
    main()
