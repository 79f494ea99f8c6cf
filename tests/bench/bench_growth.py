"""The same load on two databases: one empty, one with millions of rounds stored."""

import shutil
import tempfile
import time
from collections.abc import Mapping
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
SIZES: Final[Mapping[LiteralString, str]] = {"shared_buffers": "4GB", "max_wal_size": "16GB"}
"""Of PostgreSQL, for both: millions of rounds are not kept on the settings of a small machine."""


def run(options: Options) -> tuple[dict[str, Any], list[Bar]]:
    """Fill one of two databases, then drive both by turns."""
    _require_space(options.stored_rounds)
    plan = Plan(0, "growth", 0, connections=CONNECTIONS, seconds=options.seconds)
    players = (options.rounds + 1) * plan.players + PLAYERS_PER_CONNECTION
    with staged(players, sizes=SIZES) as empty, staged(players, sizes=SIZES) as full:
        ports = {"empty": free_port(), "full": free_port()}
        with (
            empty.serving(gateway_command(ports["empty"]), ports["empty"], "/readyz"),
            full.serving(gateway_command(ports["full"]), ports["full"], "/readyz"),
        ):
            traffics = {"empty": Traffic(empty), "full": Traffic(full)}
            warm = Plan(0, "warm", 0, connections=1, seconds=1.0)
            for name, traffic in traffics.items():
                _drive(traffic, warm, ports[name], 0)
            filled = _fill(full, options.stored_rounds)
            traffics["full"].filled = filled.rounds
            # Two short runs that don't count: caches and plans are those of a running system.
            for name, traffic in traffics.items():
                _drive(traffic, plan, ports[name], -1)
            runs = in_turn(
                {
                    name: partial(_drive, traffic, plan, ports[name])
                    for name, traffic in traffics.items()
                },
                options.rounds,
            )
        started = time.monotonic()
        for traffic in traffics.values():
            traffic.prove()
    figures = {"filled": vars(filled), "prove_seconds": round(time.monotonic() - started, 1)}
    remark = f"{filled.gib} GiB; filled in {filled.seconds:.0f} s without triggers"
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
