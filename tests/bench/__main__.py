"""``make bench``: every measurement in one run, with ratios to a baseline taken beside it."""

import argparse
import json

from rich.console import Console
from rich.table import Table

from tests.bench import bench_callbacks, bench_replay


def _callbacks(console: Console) -> dict[str, object]:
    figures = bench_callbacks.run()
    table = Table(title="(a) native callbacks per second, one event each, durable commits")
    for heading in ("connections", "conventional", "p99 ms", "gateway", "p99 ms", "ratio"):
        table.add_column(heading, justify="right")
    for connections, found in figures.items():
        plain, ours = found["conventional"], found["gateway"]
        cells = (plain["per_second"], plain["p99_ms"], ours["per_second"], ours["p99_ms"])
        table.add_row(connections, *map(str, cells), f"{found['ratio']} x")
    console.print(table)
    return figures


def _replay(console: Console) -> dict[str, object]:
    figures = bench_replay.run()
    if "skipped" in figures:
        console.print(f"(b) replay skipped: {figures['skipped']}")
        return figures
    console.print(
        f"(b) replay of {figures['captures']} captures: {figures['events']} events, "
        f"{figures['events_per_second']} events/s, peak memory of replay and gateway "
        f"{figures['peak_mib']} MiB"
    )
    return figures


def _reconcile(console: Console) -> dict[str, object]:
    from tests.bench import bench_reconcile  # noqa: PLC0415 - takes memory only where it is asked for

    figures: dict[str, object] = bench_reconcile.run()
    console.print(f"(c) reconcile 1 M x 1 M: {json.dumps(figures)}")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["callbacks", "replay", "reconcile"])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    parts = {"callbacks": _callbacks, "replay": _replay, "reconcile": _reconcile}
    console = Console(stderr=options.json)
    chosen = [options.only] if options.only else list(parts)
    figures = {name: parts[name](console) for name in chosen}
    if options.json:
        print(json.dumps(figures))  # noqa: T201 - the figures are this program's output


if __name__ == "__main__":
    main()
