"""(a) Native callbacks per second against the conventional view, same machine, same database."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests.bench.load import PLAYERS_PER_CONNECTION
from tests.bench.stage import REPOSITORY, Stage, free_port, staged

CONNECTIONS = (1, 16, 64)
SECONDS = 4.0
ROUNDS = 3


@dataclass(frozen=True)
class Served:
    name: str
    command: tuple[str, ...]
    ready: str


def _servers(gateway_port: int, view_port: int) -> tuple[tuple[Served, int], ...]:
    conventional = Served(
        "conventional",
        (
            *("-m", "granian", "--interface", "wsgi", "--no-ws", "--workers", "2"),
            *("--blocking-threads", "4", "--host", "127.0.0.1", "--port", str(view_port)),
            "tests.bench.conventional.wsgi:application",
        ),
        "/none",
    )
    gateway = Served(
        "gateway",
        (str(REPOSITORY / "manage.py"), "run_gateway", "--port", str(gateway_port)),
        "/readyz",
    )
    return (conventional, view_port), (gateway, gateway_port)


def _drive(stage: Stage, port: int, run: str, first: int, connections: int) -> dict[str, Any]:
    arguments = [str(port), run, str(first), str(connections), str(SECONDS)]
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "tests.bench.load", *arguments],
        env=stage.environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{run}: the load generator failed:\n{done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout)
    if figures["bad"]:
        raise SystemExit(f"{run}: {figures['bad']} wrong answers, first {figures['first_bad']}")
    return figures


def run() -> dict[str, Any]:
    """Alternate between the two servers, so that noise meets both; report medians and ratios."""
    runs = len(CONNECTIONS) * ROUNDS * 2
    players = runs * max(CONNECTIONS) * PLAYERS_PER_CONNECTION
    figures: dict[int, dict[str, list[dict[str, Any]]]] = {}
    with staged(players) as stage:
        first = 0
        for connections in CONNECTIONS:
            for turn in range(ROUNDS):
                for served, port in _servers(free_port(), free_port()):
                    with stage.serving(served.command, port, served.ready):
                        _drive(stage, port, f"w{first}", first, 1)
                        first += PLAYERS_PER_CONNECTION
                        name = f"{served.name}-{connections}-{turn}"
                        found = _drive(stage, port, name, first, connections)
                        first += connections * PLAYERS_PER_CONNECTION
                    by_server = figures.setdefault(connections, {})
                    by_server.setdefault(served.name, []).append(found)
        stage.manage("verify_ledger")
    return {str(connections): _summary(found) for connections, found in figures.items()}


def _summary(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    medians = {
        name: sorted(turns, key=lambda turn: float(turn["per_second"]))[len(turns) // 2]
        for name, turns in found.items()
    }
    ratio = medians["gateway"]["per_second"] / medians["conventional"]["per_second"]
    return {**medians, "ratio": round(ratio, 2)}
