"""The gateway's resident memory over minutes of full load: flat, and small."""

import os
import subprocess
import threading
import time
from dataclasses import replace
from typing import Any, override

import psutil

from tests.bench.bars import Bar, slope_per_minute
from tests.bench.load import Plan
from tests.bench.options import Options
from tests.bench.stage import free_port, staged
from tests.bench.traffic import Traffic, gateway_command

CONNECTIONS = 64
STRETCH_SECONDS = 20.0
MOST_MIB = 300
WARM_SHARE = 0.2
"""The first part of the time fills caches and pools; the slope is taken after it."""
MOST_GROWTH = 0.05
"""Flat: over the whole time, the fitted line grows by less than this share of the median."""


class _Sampler(threading.Thread):
    """Reads the resident size of a process, with its children, twice a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self._end = threading.Event()
        self.samples: list[tuple[float, float]] = []

    @override
    def run(self) -> None:
        started = time.monotonic()
        while not self._end.wait(0.5):
            family = [self._process, *self._process.children(recursive=True)]
            largest = max(member.memory_info().rss for member in family)
            self.samples.append((time.monotonic() - started, largest / 2**20))

    def stop(self) -> None:
        self._end.set()
        self.join()


def run(options: Options) -> tuple[dict[str, Any], list[Bar]]:
    """Drive stretch after stretch; the next one is signed while the last one runs."""
    stretches = max(2, round(options.minutes * 60 / STRETCH_SECONDS))
    port = free_port()
    plan = Plan(
        port,
        "memory",
        0,
        connections=CONNECTIONS,
        seconds=STRETCH_SECONDS,
        most_per_second=8_000,
        waits=True,
    )
    with staged(stretches * plan.players) as stage:
        traffic = Traffic(stage)
        with stage.serving(gateway_command(port), port, "/readyz") as pid:
            sampler = _Sampler(pid)
            sampler.start()
            found = _drive(traffic, plan, stretches)
            sampler.stop()
        traffic.prove()
    return _judged(sampler.samples, found)


def _drive(traffic: Traffic, plan: Plan, stretches: int) -> list[dict[str, Any]]:
    found = []
    waiting: list[tuple[Plan, subprocess.Popen[str]]] = []
    for number in range(stretches + 1):
        if number < stretches:
            placed = traffic.placed(replace(plan, run=f"memory-{number}"))
            waiting.append((placed, _niced(traffic.start(placed))))
        if number > 0:
            placed, child = waiting.pop(0)
            _ready(placed, child)
            found.append(traffic.judged(placed, child))
    return found


def _niced(child: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
    """Let signing wait behind the load that runs."""
    psutil.Process(child.pid).nice(5)
    return child


def _ready(plan: Plan, child: "subprocess.Popen[str]") -> None:
    if child.stdout is None or child.stdout.readline().strip() != "ready":
        raise SystemExit(f"{plan.run}: the load generator did not start")
    if os.geteuid() == 0:
        psutil.Process(child.pid).nice(0)


def _judged(
    samples: list[tuple[float, float]], found: list[dict[str, Any]]
) -> tuple[dict[str, Any], list[Bar]]:
    whole = samples[-1][0]
    warm = [sample for sample in samples if sample[0] >= WARM_SHARE * whole]
    sizes = sorted(size for _, size in warm)
    middle, peak = sizes[len(sizes) // 2], max(size for _, size in samples)
    slope = slope_per_minute(warm)
    growth = slope * whole / 60
    figures = {
        "minutes": round(whole / 60, 1),
        "median_mib": round(middle, 1),
        "peak_mib": round(peak, 1),
        "mib_per_minute": round(slope, 2),
        "events": sum(int(one["events"]) for one in found),
        "samples": [(round(second, 1), round(size, 1)) for second, size in samples[::20]],
    }
    return figures, [
        Bar(
            measure="gateway memory, peak MiB",
            ours=f"{peak:.0f}",
            baseline="-",
            ratio="-",
            bar=f"<= {MOST_MIB}",
            is_met=peak <= MOST_MIB,
            remark=f"{figures['events']:,} events in {figures['minutes']} min",
        ),
        Bar(
            measure="gateway memory, growth",
            ours=f"{growth:+.1f} MiB",
            baseline=f"{middle:.0f} MiB",
            ratio=f"{growth / middle:+.1%}",
            bar=f"<= {MOST_GROWTH:.0%}",
            is_met=growth <= MOST_GROWTH * middle,
            remark=f"{slope:+.2f} MiB/min after warm-up",
        ),
    ]
