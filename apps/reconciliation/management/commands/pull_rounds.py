"""``manage.py pull_rounds [--provider CODE] [--since D] [--day D] [--json]``."""

import json
from argparse import ArgumentParser
from datetime import date, datetime
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from apps.core.errors import DomainError
from apps.reconciliation import services
from apps.reconciliation.contracts import PullOutcome


class Command(BaseCommand):
    help = (
        "Pull round logs from the providers' export APIs and take each complete day as a statement."
        " Goes on where an earlier pull stopped."
    )

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--provider", help="one provider's code; all of them without it")
        parser.add_argument("--since", type=_day, help="the first day, up to yesterday")
        parser.add_argument("--day", type=date.fromisoformat, help="exactly this day")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    @override
    def handle(self, *_: Any, **options: Any) -> None:
        done: list[PullOutcome] = []
        failed: list[dict[str, str]] = []
        for code in self._codes(options):
            for day in self._days(code, options):
                try:
                    done.append(self._pull(code, day, is_quiet=options["json"]))
                except DomainError as error:
                    failed.append(
                        {
                            "provider": code,
                            "day": day.isoformat(),
                            "code": error.code,
                            "detail": str(error),
                        }
                    )
        self._show(done, failed, as_json=options["json"])
        if failed:
            raise CommandError(
                "; ".join(f"{f['provider']} {f['day']}: {f['code']}: {f['detail']}" for f in failed)
            )

    def _codes(self, options: dict[str, Any]) -> list[str]:
        if options["provider"]:
            return [options["provider"]]
        since = options["day"] or options["since"]
        return services.providers_to_pull(since=since, now=timezone.now())

    def _days(self, code: str, options: dict[str, Any]) -> list[date]:
        if options["day"]:
            return [options["day"]]
        try:
            return services.days_to_pull(
                provider_code=code, since=options["since"], now=timezone.now()
            )
        except DomainError as error:
            raise CommandError(f"{error.code}: {error}") from error

    def _pull(self, code: str, day: date, *, is_quiet: bool) -> PullOutcome:
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=Console(stderr=True),
            disable=is_quiet,
        )
        with bar:
            task = bar.add_task(f"{code} {day}", total=None)
            return services.pull_day(
                provider_code=code,
                day=day,
                now=timezone.now(),
                options=services.PullOptions(
                    progress=lambda done, pages: bar.update(task, completed=done, total=pages)
                ),
            )

    def _show(
        self, done: list[PullOutcome], failed: list[dict[str, str]], *, as_json: bool
    ) -> None:
        if as_json:
            pulled = [services.pull_as_json(outcome) for outcome in done]
            self.stdout.write(json.dumps({"pulled": pulled, "failed": failed}))
            return
        for outcome in done:
            news = "taken" if outcome.statement.is_new else "the same as before"
            self.stdout.write(
                f"{outcome.provider} {outcome.day}: {outcome.pages} pages, {outcome.rows:,} rows,"
                f" {news} (statement {outcome.statement.statement_id})."
            )
        if not done and not failed:
            self.stdout.write("No provider has an export URL and a token; nothing to pull.")


def _day(text: str) -> date:
    """Read a day, or the day of a moment."""
    return datetime.fromisoformat(text).date()
