import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.core.errors import DomainError
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.services.integrity import IntegrityReport, check_documents, sweep_orphans


class Command(BaseCommand):
    help = (
        "Reads every stored certificate document and compares its hash with the one taken; clears "
        "away files that belong to no row. The nightly task does the same. Exit status 1 if a "
        "document is altered, missing or could not be read."
    )

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print the report as JSON.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            with PdfVetter() as vetter:
                report = check_documents(vetter=vetter, now=now)
            report.swept = sweep_orphans(now=now)
        except DomainError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report), indent=2))
        else:
            self._print(report)
        if not report.is_clean:
            sys.exit(1)

    def _print(self, report: IntegrityReport) -> None:
        for document_id, name, state in report.damaged:
            self.stdout.write(f"{state.upper()}  document {document_id} ({name}): covers nothing.")
        self.stdout.write(
            f"{report.checked} documents read, {len(report.damaged)} damaged, "
            f"{len(report.recovered)} whole again, {report.unread} not read, "
            f"{len(report.swept)} files without a row swept."
        )
        if report.damaged:
            self.stdout.write("Restore the object's version, or fetch the report from the lab.")
