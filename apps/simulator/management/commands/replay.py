"""``manage.py replay``: drive a recorded capture through the gateway over HTTP."""

import argparse
import json
import sys
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, override
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from apps.core.errors import DomainError
from apps.providers.selectors import provider_by_code, signing_secrets
from apps.simulator.capture.disturbing import PER_MILLION, Disturbance
from apps.simulator.capture.reading import CaptureSummary
from apps.simulator.capture.replaying import Clock, ReplayPlan, ReplayResult, run_replay
from apps.simulator.capture.sending import Answer
from apps.simulator.progress import progress_bar

EPILOG = """
--as-recorded sends the recorded bytes to a gateway that this command starts for itself and that
judges time by the recording; --shift now moves all times so that the last delivery is received now
and signs anew. Ids of shifted events get a suffix made from the shift, so that they never meet the
recorded ones; to repeat a shifted replay, give the instant that the first one printed.
"""


class Command(BaseCommand):
    help = "Replay a recorded capture over HTTP and print what became of it."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.epilog = EPILOG
        parser.add_argument("capture", type=Path, help="NDJSON, plain or gzipped")
        parser.add_argument("--provider", required=True, metavar="CODE")
        parser.add_argument(
            "--to", type=_url, metavar="URL", help="default: a gateway started for the run"
        )
        clock = parser.add_mutually_exclusive_group()
        clock.add_argument("--as-recorded", action="store_true")
        clock.add_argument("--shift", type=_instant, metavar="now|INSTANT")
        parser.add_argument("--id-suffix", type=_suffix, help="default: made from the shift")
        parser.add_argument("--duplicate", type=_share, default=0, metavar="P", help="0 to 1")
        parser.add_argument("--drop", type=_share, default=0, metavar="P", help="0 to 1")
        parser.add_argument("--reorder", type=_count, default=0, metavar="N", help="places, 0 to N")
        parser.add_argument("--speed", type=_speed, metavar="X", help="default: as fast as it goes")
        parser.add_argument("--concurrency", type=_concurrency, default=1, metavar="N")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = _replay(_plan(options))
        except (DomainError, OSError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(result.as_json()))
        else:
            _print_for_people(result)


def _plan(options: dict[str, Any]) -> ReplayPlan:
    if options["as_recorded"] and options["to"]:
        raise CommandError(
            "--as-recorded lets the capture set the clock, so it only works with a gateway that "
            "this command starts itself; leave out --to, or use --shift now."
        )
    is_shifted = options["shift"] is not None
    clock = Clock.SHIFTED if is_shifted else Clock.ARRIVAL
    if options["as_recorded"]:
        clock = Clock.RECORDED
    secrets: tuple[bytes, ...] = ()
    if is_shifted or options["to"] is None:
        provider = provider_by_code(options["provider"])
        secrets = signing_secrets(provider.pk)
    return ReplayPlan(
        capture=options["capture"],
        provider=options["provider"],
        clock=clock,
        shift_to=options["shift"],
        id_suffix=options["id_suffix"],
        secrets=secrets,
        disturbance=Disturbance(
            drop=options["drop"],
            duplicate=options["duplicate"],
            reorder=options["reorder"],
            seed=options["seed"],
        ),
        speed=options["speed"],
        concurrency=options["concurrency"],
        url=options["to"],
        manage=settings.BASE_DIR / "manage.py",
    )


def _replay(plan: ReplayPlan) -> ReplayResult:
    with progress_bar() as progress:
        task = progress.add_task(f"Replaying {plan.capture.name}", total=None)

        def on_start(summary: CaptureSummary) -> None:
            progress.update(task, total=summary.deliveries)

        def on_answer(_: Answer) -> None:
            progress.advance(task)

        result = run_replay(plan, on_start=on_start, on_answer=on_answer)
        # Dropped and repeated deliveries make the file's count a guess; end on what was sent.
        progress.update(task, total=result.report.deliveries)
    return result


def _print_for_people(result: ReplayResult) -> None:
    figures = result.as_json()
    table = Table(
        title=f"Replay of {figures['capture']} to {figures['provider']}", title_justify="left"
    )
    table.add_column("what")
    table.add_column("count", justify="right")
    for name in ("deliveries", "events", "dropped", "duplicated", "retries"):
        table.add_row(name, f"{figures[name]:,}")
    for section, label in (("http", "HTTP"), ("statuses", "status"), ("codes", "code")):
        for key, count in figures[section].items():
            table.add_row(f"{label} {key}", f"{count:,}")
    table.add_row("seconds", f"{figures['seconds']}")
    table.add_row("events per second", f"{figures['events_per_second']}")
    console = Console(file=sys.stdout)
    console.print(table)
    if result.plan.shift_to is not None:
        console.print(
            f"Times moved to end at {figures['shift_to']}, ids marked {figures['id_suffix']!r}. "
            f"Repeat exactly this with --shift {figures['shift_to']}"
        )


def _instant(text: str) -> datetime:
    if text == "now":
        return timezone.now().replace(microsecond=0)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise argparse.ArgumentTypeError("now, or an instant such as 2026-11-22T10:00:00Z")
    return at.astimezone(UTC)


def _share(text: str) -> int:
    try:
        millionths = int(Decimal(text) * PER_MILLION)
    except (InvalidOperation, ValueError, OverflowError):
        millionths = -1
    if not 0 <= millionths <= PER_MILLION:
        raise argparse.ArgumentTypeError("a share from 0 to 1, such as 0.05")
    return millionths


def _speed(text: str) -> Decimal:
    try:
        speed = Decimal(text)
    except InvalidOperation:
        speed = Decimal(0)
    if not speed.is_finite() or speed <= 0:
        raise argparse.ArgumentTypeError("how many times as fast as recorded, such as 60")
    return speed


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 100_000):
        raise argparse.ArgumentTypeError("a whole number from 0 to 100000")
    return int(text)


def _concurrency(text: str) -> int:
    if not 1 <= _count(text) <= 64:
        raise argparse.ArgumentTypeError("a whole number from 1 to 64")
    return int(text)


def _suffix(text: str) -> str:
    if not (text.isascii() and len(text) <= 32 and all(c.isalnum() or c in "_.:~-" for c in text)):
        raise argparse.ArgumentTypeError("up to 32 letters, digits and _ . : ~ -")
    return text


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise argparse.ArgumentTypeError("an http:// or https:// address")
    return text
