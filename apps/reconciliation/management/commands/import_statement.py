"""``manage.py import_statement FILE --provider CODE [--day D] [--json]``."""

import json
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from apps.core.errors import DomainError
from apps.reconciliation import selectors, services
from apps.reconciliation.contracts import ImportOutcome
from apps.reconciliation.errors import StatementRefusedError

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Take a provider's round log file (CSV, NDJSON or JSON, plain or gzip) as the statement of"
        " its day. The same file a second time changes nothing."
    )

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--provider", required=True, help="the provider's code")
        parser.add_argument("--day", type=date.fromisoformat, help="derived when not given")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    @override
    def handle(self, *_: Any, **options: Any) -> None:
        path: Path = options["file"]
        upload = services.Upload(
            path=path, name=path.name, provider=options["provider"], day=options["day"]
        )
        try:
            outcome = self._import(upload, is_quiet=options["json"])
        except StatementRefusedError as refusal:
            self._show_refusal(refusal, as_json=options["json"])
            raise CommandError(f"{refusal.code}: {refusal}") from refusal
        except DomainError as error:
            raise CommandError(f"{error.code}: {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps(services.outcome_as_json(outcome)))
        else:
            self._show(outcome)

    def _import(self, upload: services.Upload, *, is_quiet: bool) -> ImportOutcome:
        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=is_quiet,
            transient=True,
        )
        with bar:
            task = bar.add_task("Hashing", total=None)
            return services.import_statement(
                upload,
                acting_user=None,
                now=timezone.now(),
                progress=lambda step: bar.update(task, description=step),
            )

    def _show(self, outcome: ImportOutcome) -> None:
        if not outcome.is_new:
            self.stdout.write(
                f"Exactly this file was taken before (statement {outcome.statement_id},"
                f" {outcome.day}, {outcome.state}). Nothing was changed."
            )
            return
        self.stdout.write(
            f"Statement {outcome.statement_id}: {outcome.provider} {outcome.day},"
            f" {outcome.rows_good:,} of {outcome.rows_total:,} rows taken"
            f" ({outcome.rows_bad:,} bad, {outcome.rows_demo:,} of demo play,"
            f" {outcome.rows_other_day:,} of another day)."
        )
        self._show_problems(outcome.problems)
        if outcome.changes:
            self.stdout.write(
                "It takes the place of statement {statement_id}: {added:,} events added,"
                " {removed:,} gone, {amended:,} amended.".format(**outcome.changes)
            )
        self.stdout.write(
            f"Next: manage.py reconcile --provider {outcome.provider} --day {outcome.day}"
        )

    def _show_problems(self, problems: list[dict[str, Any]]) -> None:
        for problem in problems[:SHOWN]:
            self.stdout.write(f"  line {problem['line']}: {problem['code']}: {problem['reason']}")
        if len(problems) > SHOWN:
            self.stdout.write("  ... the admin shows more of them.")

    def _show_refusal(self, refusal: StatementRefusedError, *, as_json: bool) -> None:
        if refusal.statement_id is None:
            return
        kept = selectors.statement_by_id(refusal.statement_id)
        if as_json:
            outcome = selectors.import_outcome(kept, kept.provider.code, is_new=False)
            answer = services.outcome_as_json(outcome)
            answer["refused"] = {"code": refusal.code, "detail": str(refusal)}
            self.stdout.write(json.dumps(answer))
        else:
            self._show_problems(kept.problems)
