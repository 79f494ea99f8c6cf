"""Driving two servers in turn with the load generator, and judging what came back."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.bench.load import Plan, as_argument
from tests.bench.stage import REPOSITORY, Stage

GENERATOR_LIMIT = 0.9
"""Past this share of a core the generator itself may be what limits a figure."""


def gateway_command(port: int) -> tuple[str, ...]:
    return (str(REPOSITORY / "manage.py"), "run_gateway", "--port", str(port))


def conventional_command(port: int) -> tuple[str, ...]:
    return (
        *("-m", "granian", "--interface", "wsgi", "--no-ws", "--workers", "2"),
        *("--blocking-threads", "4", "--host", "127.0.0.1", "--port", str(port)),
        "tests.bench.conventional.wsgi:application",
    )


@dataclass
class Traffic:
    """Runs of the generator against one stage; players are never used twice."""

    stage: Stage
    next_player: int = 0
    answered: int = 0
    filled: int = 0

    def drive(self, plan: Plan) -> dict[str, Any]:
        """Drive one run with fresh players; any wrong answer ends the bench."""
        plan = self.placed(plan)
        return self.judged(plan, self.start(plan))

    def placed(self, plan: Plan) -> Plan:
        placed = replace(plan, first_player=self.next_player)
        self.next_player += plan.players
        return placed

    def start(self, plan: Plan) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load", as_argument(plan)],
            env=self.stage.environment,
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def judged(self, plan: Plan, child: "subprocess.Popen[str]") -> dict[str, Any]:
        out, problems = child.communicate("go\n" if plan.waits else None)
        if child.returncode != 0:
            raise SystemExit(f"{plan.run}: the load generator failed:\n{problems}")
        figures: dict[str, Any] = json.loads(out.splitlines()[-1])
        if figures["bad"]:
            raise SystemExit(f"{plan.run}: {figures['bad']} wrong answers: {figures['first_bad']}")
        if figures["dry"]:
            raise SystemExit(f"{plan.run}: the generator ran out of prepared requests")
        self.answered += int(figures["events"])
        return figures

    def prove(self) -> None:
        """Every event answered is stored, and the ledger holds."""
        stored = self.stage.count_events() - self.filled
        if stored < self.answered:
            raise SystemExit(f"{self.answered} events were answered, {stored} are stored.")
        self.stage.manage("verify_ledger")


type Runs = dict[str, list[dict[str, Any]]]


def in_turn(runs: dict[str, Callable[[int], dict[str, Any]]], rounds: int) -> Runs:
    """Run each by turns, so that the machine's noise meets all of them alike."""
    found: Runs = {name: [] for name in runs}
    for turn in range(rounds):
        for name, run in runs.items():
            found[name].append(run(turn))
    return found


def rates(runs: list[dict[str, Any]], name: str = "per_second") -> list[float]:
    return [float(run[name]) for run in runs]


def limit_remark(runs: Runs) -> str:
    """Say so where the generator was the limit of any of our runs."""
    busiest = max(float(run["generator_cores"]) for found in runs.values() for run in found)
    return f"generator is the limit: {busiest} of a core" if busiest > GENERATOR_LIMIT else ""
