"""(b) Replay of recorded traffic: events per second, and peak memory.

CAPTURES names a folder with a provider's files and captures, as ``load_provider`` and ``replay``
take them. Without it this part says that it was skipped.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench.bars import Bar
from tests.bench.options import Options
from tests.bench.stage import REPOSITORY, Stage, staged

_CAPTURES = os.environ.get("CAPTURES", "")


def run() -> dict[str, Any]:
    """Replay every capture once, sequentially, as recorded."""
    if not _CAPTURES:
        return {"skipped": "set CAPTURES to a folder with provider files and captures"}
    folder = Path(_CAPTURES)
    captures = sorted(folder.glob("capture-*.ndjson*"))
    with staged(1) as stage:
        stage.manage("load_provider", str(folder))
        reports = [_replay(stage, capture) for capture in captures]
        stage.manage("verify_ledger")
    events = sum(report["events"] for report, _ in reports)
    seconds = sum(report["seconds"] for report, _ in reports)
    return {
        "captures": len(captures),
        "deliveries": sum(report["deliveries"] for report, _ in reports),
        "events": events,
        "seconds": round(seconds, 1),
        "events_per_second": round(events / seconds, 1),
        "peak_mib": max(peak for _, peak in reports),
    }


def measured(_options: Options) -> tuple[dict[str, Any], list[Bar]]:
    """Replay for the final table; there is no bar, since nothing replays beside it."""
    found = run()
    skipped = str(found.get("skipped", ""))
    bar = Bar(
        measure="replay of recorded traffic, events/s",
        ours="-" if skipped else f"{found['events_per_second']:,.0f}",
        baseline="-",
        ratio="-",
        bar="-",
        is_met=None,
        remark=skipped or f"{found['events']} events, peak {found['peak_mib']} MiB",
    )
    return found, [bar]


def _replay(stage: Stage, capture: Path) -> tuple[dict[str, Any], int]:
    """Return the replay's own report and the largest resident size of it and its gateway, MiB."""
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
        "sys.stderr.write(done.stderr if done.returncode else '')\n"
        "print(done.stdout.strip().splitlines()[-1])\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)\n"
        "sys.exit(done.returncode)\n"
    )
    replay = [str(REPOSITORY / "manage.py"), "replay", str(capture)]
    options = ["--provider", "aurora", "--as-recorded", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", code, sys.executable, *replay, *options],
        env=stage.environment,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    report, peak = done.stdout.strip().splitlines()
    return json.loads(report), int(peak)
