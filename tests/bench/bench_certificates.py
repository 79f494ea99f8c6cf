"""Taking in 3,000 certificates: how long, and how much memory, registered and as drafts."""

import csv
import io
import json
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
from reportlab.pdfgen.canvas import Canvas

from apps.providers.register.entries import COLUMNS
from tests.bench.bars import Bar
from tests.bench.options import Options
from tests.bench.stage import REPOSITORY, Stage, staged

COUNT = 3_000
MOST_SECONDS = 300.0
MOST_MIB = 500.0
_LAB = "Bench Test Laboratory"


def run(_options: Options) -> tuple[dict[str, Any], list[Bar]]:
    """Import one folder twice on empty stages: by the register, and for review."""
    figures: dict[str, Any] = {}
    bars: list[Bar] = []
    for name, extra in (("registered", ()), ("for review", ("--review",))):
        with staged(1) as stage:
            folder = stage.directory / "certificates"
            _write_folder(folder)
            found = _timed(stage, folder, extra)
        figures[name] = found
        bars += _bars(name, found)
    return figures, bars


def _write_folder(folder: Path) -> None:
    folder.mkdir()
    with (folder / "register.csv").open("w", newline="") as file:
        register = csv.DictWriter(file, COLUMNS)
        register.writeheader()
        for number in range(COUNT):
            row = _row(number)
            register.writerow(row)
            (folder / row["file"]).write_bytes(_report(row))


def _row(number: int) -> dict[str, str]:
    issued = date(2024, 1, 1) + timedelta(days=number % 900)
    games = (f"bench-slot-{number}-{item}" for item in range(3))
    return {
        "file": f"{number:05}.pdf",
        "report_number": f"BTL-GAM-{number:05}",
        "revision": "0",
        "lab": _LAB,
        "kind": "game",
        "standards": "GLI-19 v3.0",
        "jurisdictions": "GB;IM;MT",
        "provider": "bench",
        "issued_on": issued.isoformat(),
        "expires_on": (issued + timedelta(days=730)).isoformat(),
        "review_due_on": "",
        "games": ";".join(games),
        "rtp_variants": "94.00;96.10",
    }


def _report(row: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=1)
    items = [f"  {game}  build 3.0.2  channel HTML5" for game in row["games"].split(";")]
    lines = [
        _LAB,
        f"Report number: {row['report_number']}    Revision: 0",
        "Type: GAME",
        "Supplier: Bench",
        f"Standards: {row['standards']}",
        f"Jurisdictions: {row['jurisdictions'].replace(';', ', ')}",
        f"Date of issue: {row['issued_on']}",
        f"Valid until: {row['expires_on']}",
        "Result: COMPLIES",
        "Items tested:",
        *items,
        "Return to player variants: 94.00 %, 96.10 %",
    ]
    for number, line in enumerate(lines):
        canvas.drawString(72, 760 - 18 * number, line)
    canvas.save()
    return buffer.getvalue()


def _timed(stage: Stage, folder: Path, extra: tuple[str, ...]) -> dict[str, Any]:
    """Run the command and watch the memory of it and its PDF checker together."""
    started, peak = time.monotonic(), 0
    answers = stage.directory / "report.json"
    with answers.open("w") as out:
        command = [sys.executable, "manage.py", "import_certificates", str(folder), "--json"]
        process = subprocess.Popen(
            [*command, *extra], env=stage.environment, cwd=REPOSITORY, stdout=out
        )
        family = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _resident(family))
            time.sleep(0.2)
    seconds = time.monotonic() - started
    report = json.loads(answers.read_text())
    taken = len(report.get("registered", report.get("drafted", [])))
    return {"seconds": round(seconds, 1), "peak_mib": round(peak / 2**20, 1), "taken": taken}


def _resident(process: psutil.Process) -> int:
    """Return the resident bytes of a command and its children, without the database servers."""
    size = 0
    for member in (process, *process.children(recursive=True)):
        try:
            if member.name().startswith("python"):
                size += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return size


def _bars(name: str, found: dict[str, Any]) -> list[Bar]:
    is_whole = found["taken"] == COUNT
    return [
        Bar(
            measure=f"import {COUNT:,} certificates, {name}, seconds",
            ours=f"{found['seconds']:.0f}",
            baseline="-",
            ratio="-",
            bar=f"<= {MOST_SECONDS:.0f}",
            is_met=is_whole and found["seconds"] <= MOST_SECONDS,
            remark=f"{found['taken']:,} taken",
        ),
        Bar(
            measure=f"import {COUNT:,} certificates, {name}, peak MiB",
            ours=f"{found['peak_mib']:.0f}",
            baseline="-",
            ratio="-",
            bar=f"<= {MOST_MIB:.0f}",
            is_met=found["peak_mib"] <= MOST_MIB,
            remark="the command and its PDF checker",
        ),
    ]
