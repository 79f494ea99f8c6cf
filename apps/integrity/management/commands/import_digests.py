"""``manage.py import_digests FILE``: what game servers run, against what is certified."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.core.errors import DomainError
from apps.integrity import reading
from apps.integrity.enums import ReportSource
from apps.integrity.errors import DigestReportRefusedError
from apps.integrity.services.reports import take_report


class Command(BaseCommand):
    help = (
        "Import a digest report of a provider's game servers (JSON, or CSV with --report and "
        "--measured-at) and compare it with the certified digests. Status 1 where a file is wrong "
        "or missing. A second import of the same report changes nothing."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--provider", required=True, metavar="CODE")
        parser.add_argument("--report", default="", metavar="ID", help="the report's id, for CSV")
        parser.add_argument(
            "--measured-at", default="", metavar="MOMENT", help="like 2026-11-22T04:00:00Z, for CSV"
        )
        parser.add_argument("--json", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            content = path.read_bytes()
            if path.suffix.lower() == ".csv":
                measured = reading.read_csv(
                    content, report_ref=options["report"], measured_at=options["measured_at"]
                )
            else:
                measured = reading.read_json(content)
            outcome = take_report(
                options["provider"],
                measured,
                source=ReportSource.FILE,
                received_from=path.name[:150],
                now=timezone.now(),
            )
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}.") from error
        except DigestReportRefusedError as error:
            raise CommandError(
                "\n  ".join(["The report was not taken.", *error.problems])
            ) from error
        except DomainError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(outcome)))
        else:
            state = "taken" if outcome.is_new else "known already"
            self.stdout.write(
                f"Report {measured.report_ref} {state}: {outcome.lines} files, "
                f"{outcome.matches} as certified, {outcome.mismatches} not, "
                f"{outcome.unknown} not certified, {outcome.missing} certified ones not reported."
            )
        if outcome.mismatches or outcome.missing:
            sys.exit(1)
