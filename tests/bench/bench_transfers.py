"""Transfers per second of the ledger's batches against one row-locked function call each.

Each side gets as many clients as it is fastest with on two cores: the function eight, each with one
call in flight; ours two writers, or one where all want the same account, each posting as a gateway
does, a batch at a time of what it finds in flight when it is busy. Both choose the same way between
the same number of accounts, and commit durably.
"""

import json
import subprocess
import sys
from functools import partial
from typing import Any

from tests.bench.bars import Bar, ratio_bar
from tests.bench.options import Options
from tests.bench.stage import REPOSITORY, Stage, staged
from tests.bench.traffic import in_turn, rates
from tests.bench.transfers_load import Client
from tests.bench.transfers_sql import FILL, OUT_OF_STEP, SCHEMA

ACCOUNTS = 5_000
CLIENTS = 8
WRITERS = {"many": 2, "hot": 1}
BATCH = 500
AT_LEAST = {"many": 3.0, "hot": 10.0}


def run(options: Options) -> tuple[dict[str, Any], list[Bar]]:
    """Many accounts, then one hot account, each by turns."""
    figures: dict[str, Any] = {}
    bars = []
    with staged(ACCOUNTS) as stage:
        with stage.connect() as connection:
            connection.execute(SCHEMA)
            connection.execute(FILL, [ACCOUNTS])
        for kind, at_least in AT_LEAST.items():
            runs = in_turn(
                {
                    "plain": partial(_drive, stage, options, "plain", kind),
                    "ours": partial(_drive, stage, options, "ours", kind),
                },
                options.rounds,
            )
            figures[kind] = runs
            words = "one hot account" if kind == "hot" else "many accounts"
            bars.append(
                ratio_bar(
                    f"transfers/s, {words}",
                    rates(runs["ours"]),
                    rates(runs["plain"]),
                    at_least,
                    f"{WRITERS[kind]} x batches of {BATCH}; {CLIENTS} clients call the function",
                )
            )
        _prove(stage)
    return figures, bars


def _drive(stage: Stage, options: Options, side: str, kind: str, turn: int) -> dict[str, Any]:
    count = CLIENTS if side == "plain" else WRITERS[kind]
    children = [_child(stage, options, side, f"{kind}-{turn}-{n}") for n in range(count)]
    for child in children:
        if child.stdout is None or child.stdout.readline().strip() != "ready":
            raise SystemExit(f"a {side} client did not start:\n{child.communicate()[1]}")
    for child in children:
        if child.stdin is not None:
            child.stdin.write("go\n")
            child.stdin.flush()
    figures = []
    for child in children:
        out, problems = child.communicate()
        if child.returncode != 0:
            raise SystemExit(f"a {side} client failed:\n{problems}")
        figures.append(json.loads(out))
    return {
        "per_second": round(sum(found["per_second"] for found in figures), 1),
        "p99_ms": max(found["p99_ms"] for found in figures),
        "transfers": sum(found["transfers"] for found in figures),
    }


def _child(stage: Stage, options: Options, side: str, name: str) -> "subprocess.Popen[str]":
    with stage.connect() as connection:
        info = connection.info
        dsn = f"host={info.host} port={info.port} dbname={info.dbname} user={info.user}"
    client = Client(
        side=side,
        name=name,
        seconds=options.seconds,
        accounts=ACCOUNTS,
        batch=BATCH,
        hot=name.startswith("hot"),
        dsn=dsn,
    )
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench.transfers_load", client.as_argument()],
        env=stage.environment,
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _prove(stage: Stage) -> None:
    with stage.connect() as connection:
        row = connection.execute(OUT_OF_STEP).fetchone()
    if row is None or row[0] or row[2] != 2 * row[1]:
        raise SystemExit(f"The plain ledger does not add up: {row}.")
    stage.manage("verify_ledger")
