"""The same load on two databases: one empty, one with millions of rounds stored."""

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, LiteralString

from rich.console import Console

from tests.bench.bars import Bar, ratio_bar
from tests.bench.fill import Filled, fill
from tests.bench.load import PLAYERS_PER_CONNECTION, Plan
from tests.bench.options import Options
from tests.bench.stage import Stage, free_port, staged
from tests.bench.traffic import Traffic, gateway_command, in_turn, limit_remark, rates

CONNECTIONS = 64
AT_LEAST = 0.8
BYTES_PER_ROUND = 4_500
"""Measured: a round with its event, two transfers, their indexes and the log of writing them."""
WARM_SECONDS = 20.0
ROUNDS_PER_WARM_RUN = 1_000_000
"""How long the filled database is used before it counts, by its size.

The fill ends with a checkpoint, after which the first change of each page writes it to the log
whole. That takes its share of each quarter of an hour between checkpoints, but nearly all of the
first minutes: the runs that count begin when it is down to that share. The figures of the first
seconds are reported beside them.
"""
SIZES: Final[Mapping[LiteralString, str]] = {"shared_buffers": "4GB", "max_wal_size": "16GB"}
"""Of PostgreSQL, for both: millions of rounds are not kept on the settings of a small machine."""


def run(options: Options) -> tuple[dict[str, Any], list[Bar]]:
    """Fill one of two databases, then drive both by turns."""
    _require_space(options.stored_rounds)
    plan = Plan(0, "growth", 0, connections=CONNECTIONS, seconds=options.seconds)
    warm_runs = -(-options.stored_rounds // ROUNDS_PER_WARM_RUN)
    players = (options.rounds + 1 + warm_runs) * plan.players + PLAYERS_PER_CONNECTION
    with staged(players, sizes=SIZES) as empty, staged(players, sizes=SIZES) as full:
        ports = {"empty": free_port(), "full": free_port()}
        with (
            empty.serving(gateway_command(ports["empty"]), ports["empty"], "/readyz"),
            full.serving(gateway_command(ports["full"]), ports["full"], "/readyz"),
        ):
            traffics = {"empty": Traffic(empty), "full": Traffic(full)}
            first = Plan(0, "first", 0, connections=1, seconds=1.0)
            for name, traffic in traffics.items():
                _drive(traffic, first, ports[name], 0)
            filled = _fill(full, options.stored_rounds)
            traffics["full"].filled = filled.rounds
            drives: dict[str, Callable[[int], dict[str, Any]]] = {
                name: partial(_drive, traffic, plan, ports[name])
                for name, traffic in traffics.items()
            }
            at_once = {name: drive(-1) for name, drive in drives.items()}
            warm = replace(plan, run="warm", seconds=WARM_SECONDS, most_per_second=4_000)
            for turn in range(warm_runs):
                _drive(traffics["full"], warm, ports["full"], turn)
            runs = in_turn(drives, options.rounds)
        started = time.monotonic()
        for traffic in traffics.values():
            traffic.prove()
        prove_seconds = round(time.monotonic() - started, 1)
    share = at_once["full"]["per_second"] / at_once["empty"]["per_second"]
    figures = {"filled": vars(filled), "at_once": at_once, "prove_seconds": prove_seconds}
    remark = f"{filled.gib} GiB; {share:.2f} in the first seconds after a checkpoint"
    bar = ratio_bar(
        f"growth: events/s, {filled.rounds:,} rounds stored vs empty",
        rates(runs["full"]),
        rates(runs["empty"]),
        AT_LEAST,
        "; ".join(filter(None, [remark, limit_remark(runs)])),
    )
    return figures | runs, [bar]


def _drive(traffic: Traffic, plan: Plan, port: int, turn: int) -> dict[str, Any]:
    return traffic.drive(replace(plan, port=port, run=f"{plan.run}-{turn}"))


def _fill(stage: Stage, rounds: int) -> Filled:
    console = Console(stderr=True)
    with stage.connect() as connection:
        return fill(connection, rounds, lambda text: console.print(f"growth: {text}"))


def _require_space(rounds: int) -> None:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    needed = rounds * BYTES_PER_ROUND
    if free < needed + 5 * 2**30:
        raise SystemExit(
            f"{rounds:,} rounds need about {needed / 2**30:.0f} GiB and 5 GiB to spare; "
            f"{free / 2**30:.0f} GiB are free. Take fewer with --stored-rounds."
        )
