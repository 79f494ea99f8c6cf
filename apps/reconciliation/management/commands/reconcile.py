"""``manage.py reconcile --provider CODE --day D [--json] [--list]``."""

import json
import sys
from argparse import ArgumentParser
from datetime import date
from typing import IO, Any, cast, override

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from apps.core.errors import DomainError
from apps.core.money import format_minor
from apps.reconciliation import services
from apps.reconciliation.enums import BreakClass, RunState

NOTHING_COMPARED = 3
"""Exit status when there was no statement, or an empty one: not good, and not a failure to run."""


class Command(BaseCommand):
    help = (
        "Compare a provider's statement of a day with our ledger, event by event. Exits with 3 when"
        " there is no statement to compare."
    )

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--provider", required=True, help="the provider's code")
        parser.add_argument("--day", required=True, type=date.fromisoformat)
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--list", action="store_true", help="name the events of each class")

    @override
    def handle(self, *_: Any, **options: Any) -> None:
        try:
            outcome = self._reconcile(options)
        except DomainError as error:
            raise CommandError(f"{error.code}: {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps(services.run_as_json(outcome)))
        else:
            self._show(outcome)
        if outcome.state != RunState.COMPLETE:
            sys.exit(NOTHING_COMPARED)

    def _reconcile(self, options: dict[str, Any]) -> services.RunOutcome:
        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=options["json"],
            transient=True,
        )
        with bar:
            bar.add_task(f"Reconciling {options['provider']} {options['day']}", total=None)
            return services.reconcile(
                provider_code=options["provider"],
                day=options["day"],
                acting_user=None,
                now=timezone.now(),
                with_items=options["list"],
            )

    def _show(self, outcome: services.RunOutcome) -> None:
        found = outcome.comparison
        if outcome.state != RunState.COMPLETE:
            self.stderr.write(
                f"{outcome.provider} {outcome.day}: {RunState(outcome.state).label.lower()};"
                f" nothing was compared with our {found.ledger_events:,} events."
                " Import or pull the provider's round log first."
            )
            return
        console = Console(file=cast("IO[str]", self.stdout))
        console.print(
            f"{outcome.provider} {outcome.day}: {found.ledger_events:,} events in our ledger,"
            f" {found.statement_events:,} in the statement ({found.statement_rows:,} rows),"
            f" {found.matched:,} agree."
        )
        self._show_breaks(console, outcome)
        self._show_variance(console, outcome)
        alert = "ALERT: a person must look." if outcome.is_alert else "No alert."
        console.print(f"{alert} Run {outcome.run_id}.")

    def _show_breaks(self, console: Console, outcome: services.RunOutcome) -> None:
        table = Table("class", "events")
        table.columns[1].justify = "right"
        for value, count in outcome.comparison.breaks.items():
            table.add_row(BreakClass(value).label, f"{count:,}")
        console.print(table)
        for value, events in (outcome.items or {}).items():
            for event in events:
                console.print(f"{value} {event}", highlight=False)

    def _show_variance(self, console: Console, outcome: services.RunOutcome) -> None:
        table = Table("currency", "turnover", "gross variance", "net variance")
        for line in outcome.comparison.variance:
            table.add_row(
                line.currency,
                format_minor(line.turnover_minor, line.currency),
                services.percent(line.gross_minor, line.turnover_minor),
                services.percent(line.net_minor, line.turnover_minor),
            )
        console.print(table)
