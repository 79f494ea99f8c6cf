"""One look for every progress bar of the simulator; on standard error, so that JSON stays clean."""

from django.core.management.base import OutputWrapper
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from apps.simulator.demo.steps import Outcome


def progress_bar() -> Progress:
    """Return a bar with a description, a count and the time taken."""
    return Progress(
        TextColumn("{task.description:<38}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


class Lines:
    """Says where a story is in plain lines: for a file or a pipe, where a bar shows nothing."""

    def __init__(self, out: OutputWrapper, step_count: int) -> None:
        self._out = out
        self._count = step_count
        self._number = 0

    def start(self, name: str) -> None:
        self._number += 1
        self._write(f"{self._number} of {self._count}: {name} ...")

    def end(self, outcome: Outcome) -> None:
        if not outcome.finding.is_held:
            self._write(f"FAILED: {outcome.name}: {outcome.finding.text}")

    def _write(self, line: str) -> None:
        self._out.write(line)
        self._out.flush()
