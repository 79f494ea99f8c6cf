"""Callbacks against the conventional view: same machine, same database, by turns.

Single events at several connection counts, bodies of 100 events, and all events on one player.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.bench.bars import Bar, no_worse_bar, ratio_bar
from tests.bench.load import PLAYERS_PER_CONNECTION, Plan
from tests.bench.options import Options
from tests.bench.stage import OPENING, Stage, free_port, staged
from tests.bench.traffic import (
    Runs,
    Traffic,
    conventional_command,
    gateway_command,
    in_turn,
    limit_remark,
    rates,
)

CONNECTIONS = (1, 16, 64, 256)
AT_LEAST = {64: 3.5, 256: 4.5}
BODY_CONNECTIONS = 16
HOT_CONNECTIONS = 32


@dataclass(frozen=True)
class _Pair:
    """Both servers up, on one database."""

    traffic: Traffic
    ports: dict[str, int]

    def drive(self, server: str, plan: Plan) -> dict[str, Any]:
        return self.traffic.drive(
            replace(plan, port=self.ports[server], run=f"{server}-{plan.run}")
        )

    def by_turns(self, plans: dict[str, Plan], rounds: int) -> Runs:
        def runner(server: str, plan: Plan) -> Callable[[int], dict[str, Any]]:
            return lambda turn: self.drive(server, replace(plan, run=f"{plan.run}-{turn}"))

        return in_turn({name: runner(name, plan) for name, plan in plans.items()}, rounds)


@contextlib.contextmanager
def _pair(players: int) -> Iterator[_Pair]:
    with staged(players + 2 * PLAYERS_PER_CONNECTION) as stage:
        ports = {"conventional": free_port(), "gateway": free_port()}
        with (
            stage.serving(conventional_command(ports["conventional"]), ports["conventional"], "/"),
            stage.serving(gateway_command(ports["gateway"]), ports["gateway"], "/readyz"),
        ):
            pair = _Pair(Traffic(stage), ports)
            for server in ports:
                pair.drive(server, Plan(0, "warm", 0, connections=1, seconds=1.0))
            yield pair
        pair.traffic.prove()


def run(options: Options) -> tuple[dict[str, Any], list[Bar]]:
    """Single events at 1, 16, 64 and 256 connections."""
    plans = {
        count: Plan(0, f"c{count}", 0, connections=count, seconds=options.seconds)
        for count in CONNECTIONS
    }
    figures: dict[str, Any] = {"ceiling": ceiling(options)}
    bars = [_ceiling_bar(figures["ceiling"])]
    with _pair(2 * options.rounds * sum(plan.players for plan in plans.values())) as pair:
        for count, plan in plans.items():
            runs = pair.by_turns({"conventional": plan, "gateway": plan}, options.rounds)
            figures[str(count)] = runs
            bars += _single_bars(count, runs)
    return figures, bars


def _single_bars(count: int, runs: Runs) -> list[Bar]:
    ours, plain = runs["gateway"], runs["conventional"]
    bar = ratio_bar(
        f"callbacks/s, {count} connections",
        rates(ours),
        rates(plain),
        AT_LEAST.get(count, 0),
        limit_remark(runs),
    )
    if count not in AT_LEAST:
        bar = replace(bar, bar="-", is_met=None)
    latency = no_worse_bar(
        f"  p99 ms, {count} connections", rates(ours, "p99_ms"), rates(plain, "p99_ms")
    )
    if count != 64:
        latency = replace(latency, bar="-", is_met=None)
    return [bar, latency]


def run_bodies(options: Options) -> tuple[dict[str, Any], list[Bar]]:
    """Bodies of 100 events against single events of the conventional view."""
    single = Plan(0, "single", 0, connections=64, seconds=options.seconds)
    bodies = Plan(
        0,
        "bodies",
        0,
        connections=BODY_CONNECTIONS,
        seconds=options.seconds,
        events_per_body=100,
        most_per_second=40_000,
    )
    with _pair(options.rounds * (single.players + bodies.players)) as pair:
        runs = pair.by_turns({"conventional": single, "gateway": bodies}, options.rounds)
    bar = ratio_bar(
        "events/s, bodies of 100",
        rates(runs["gateway"]),
        rates(runs["conventional"]),
        10,
        limit_remark(runs),
    )
    return dict(runs), [bar]


def run_hot(options: Options) -> tuple[dict[str, Any], list[Bar]]:
    """All events on one player, one after the other as the provider's balances say."""
    plan = Plan(0, "hot", 0, connections=HOT_CONNECTIONS, seconds=options.seconds, one_player=True)
    with _pair(2 * options.rounds) as pair:
        runs = pair.by_turns({"conventional": plan, "gateway": plan}, options.rounds)
        _require_balances(pair.traffic.stage)
    bar = ratio_bar(
        f"events/s, one hot player, {HOT_CONNECTIONS} connections",
        rates(runs["gateway"]),
        rates(runs["conventional"]),
        5,
        limit_remark(runs),
    )
    return dict(runs), [bar]


def _require_balances(stage: Stage) -> None:
    """Each player's cash is its opening balance less what its stored events lost."""
    with stage.connect() as connection:
        wrong = connection.execute(
            "SELECT a.player_id FROM wallet_account a LEFT JOIN ("
            "  SELECT player_id, sum(win_minor - bet_minor) AS moved FROM rounds_roundevent"
            "  GROUP BY player_id) e ON e.player_id = a.player_id "
            "WHERE a.pot = 'cash' AND a.balance_minor <> %s + coalesce(e.moved, 0)",
            [OPENING],
        ).fetchall()
    if wrong:
        raise SystemExit(f"Balances of players {wrong[:5]} do not follow from their events.")


def ceiling(options: Options) -> dict[str, Any]:
    """Return what the generator reaches on a server that does nothing."""
    with staged(0, has_database=False) as stage:
        port = free_port()
        with stage.serving(("-m", "tests.bench.noop_server", str(port)), port, "/"):
            plan = Plan(
                port,
                "ceiling",
                0,
                connections=64,
                seconds=min(options.seconds, 2.0),
                is_checked=False,
            )
            return Traffic(stage).drive(plan)


def _ceiling_bar(found: dict[str, Any]) -> Bar:
    return Bar(
        measure="the generator's ceiling, requests/s",
        ours=f"{found['per_second']:,.0f}",
        baseline="-",
        ratio="-",
        bar="-",
        is_met=None,
        remark=f"on a server that does nothing; p99 {found['p99_ms']} ms",
    )
