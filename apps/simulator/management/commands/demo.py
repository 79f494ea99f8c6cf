"""``manage.py demo``: the whole product on this machine, doing its main job."""

import json
import logging
import signal
import sys
import time
from types import FrameType
from typing import Any, override

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from apps.core.embedded.supervisor import Stack
from apps.simulator.borealis.home import CODE, open_home
from apps.simulator.demo.people import CHARACTERS
from apps.simulator.demo.stage import Rounds, Stage
from apps.simulator.demo.steps import Outcome, tell_story
from apps.simulator.demo.story import STORY
from apps.simulator.progress import Lines, progress_bar

ALLOWED_SETTINGS = ("config.settings.development", "config.settings.test")
"""The demo's people share one password; production must never hold them."""


class Command(BaseCommand):
    help = (
        "Start every process, do the main job with a reference provider, print what held, then "
        "serve until Ctrl-C. With --once: end after the summary, status 0 only if all held."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end after the summary")
        parser.add_argument("--json", action="store_true", help="print the summary as JSON")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if settings.SETTINGS_MODULE not in ALLOWED_SETTINGS:
            raise CommandError(
                f"The demo seeds people with a shared password and runs only under "
                f"{' or '.join(ALLOWED_SETTINGS)}, not {settings.SETTINGS_MODULE}."
            )
        signal.signal(signal.SIGTERM, _interrupt)
        # The steps say what happened; the processes' own logs stay in the data directory.
        for name in ("apps", "pikepdf"):
            logging.getLogger(name).setLevel(logging.WARNING)
        stage = _stage()
        try:
            outcomes = self._tell(stage)
            has_held = all(outcome.finding.is_held for outcome in outcomes)
            self._summarise(stage, outcomes, as_json=options["json"])
            if not options["once"] and stage.stack.running():
                _serve(stage)
        except KeyboardInterrupt:
            self.stderr.write("Stopping ...")
            return
        finally:
            # A second Ctrl-C must not leave half of it running.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            stage.stack.stop()
        if not has_held:
            sys.exit(1)

    def _tell(self, stage: Stage) -> list[Outcome]:
        if not sys.stderr.isatty():
            lines = Lines(self.stderr, len(STORY))
            return tell_story(STORY, stage, on_start=lines.start, on_end=lines.end)
        with progress_bar() as progress:
            bars = _Bars(progress)

            def on_start(name: str) -> None:
                bars.start(name)
                stage.tell = bars.move

            return tell_story(STORY, stage, on_start=on_start, on_end=bars.end)

    def _summarise(self, stage: Stage, outcomes: list[Outcome], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(_as_json(stage, outcomes), default=str))
            self.stdout.flush()  # It serves on, and who reads a pipe waits for this.
            return
        console = Console(file=sys.stdout)
        table = Table("step", "held", "what was found", title="What held", title_justify="left")
        for outcome in outcomes:
            mark = "[green]held[/]" if outcome.finding.is_held else "[bold red]FAILED[/]"
            table.add_row(outcome.name, mark, outcome.finding.text)
        console.print(table)
        if stage.people is None:
            return
        logins = Table(
            "role", "name to log in with", "password", title=f"{stage.stack.web_url}/admin/"
        )
        for one in CHARACTERS:
            logins.add_row(one.role.value, one.username, stage.people.password)
        console.print(logins)


class _Bars:
    """One progress bar per step."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def start(self, name: str) -> None:
        self._task = self._progress.add_task(name, total=None)

    def move(self, done: int, total: int) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=done, total=total)

    def end(self, outcome: Outcome) -> None:
        if self._task is None:
            return
        task = self._progress.tasks[self._task]
        total = task.total or 1
        if outcome.finding.is_held:
            self._progress.update(self._task, completed=total, total=total)
        else:
            self._progress.update(
                self._task, description=f"[bold red]{outcome.name}: failed[/]", total=total
            )
            self._progress.stop_task(self._task)
        self._task = None


def _stage() -> Stage:
    stack = Stack.from_settings(with_provider=True)
    now = timezone.now()
    return Stage(
        stack=stack,
        data_dir=settings.PITBOSS_DATA_DIR,
        home=open_home(settings.PITBOSS_DATA_DIR / CODE, base_url=stack.provider_url, seed=1),
        clock=timezone.now,
        rounds=Rounds(),
        run_key=f"demo-{now:%Y%m%dT%H%M%S.%f}",
        started_at=now,
    )


def _serve(stage: Stage) -> None:
    Console(stderr=True).print(f"Serving {stage.stack.web_url}/admin/ until Ctrl-C.")
    while stage.stack.running():
        time.sleep(0.5)
    raise CommandError("The supervisor ended by itself; its log is under the data directory.")


def _as_json(stage: Stage, outcomes: list[Outcome]) -> dict[str, Any]:
    return {
        "held": all(outcome.finding.is_held for outcome in outcomes),
        "admin": f"{stage.stack.web_url}/admin/",
        "steps": [
            {
                "step": outcome.name,
                "held": outcome.finding.is_held,
                "text": outcome.finding.text,
                "figures": outcome.finding.figures,
            }
            for outcome in outcomes
        ],
        "logins": [{"role": one.role.value, "username": one.username} for one in CHARACTERS],
    }


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
