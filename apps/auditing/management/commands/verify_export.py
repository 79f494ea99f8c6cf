"""Verify an export's file against its manifest, and the manifest against the audit chain."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError

from apps.auditing.enums import ExportFormat
from apps.auditing.errors import NotAnExportError
from apps.auditing.selectors import chain_flaw
from apps.auditing.verifying import format_of, verify_export


class Command(BaseCommand):
    help = "Hash the files of an export; with --chain also ask this installation's audit chain."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--chain",
            action="store_true",
            help="also compare with the entry that was written when the export was made",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            verdict = verify_export(options["file"])
        except NotAnExportError as error:
            raise CommandError(str(error)) from error
        manifest = verdict.manifest
        rows = {one["name"]: one["rows"] for one in manifest["files"]}
        self.stdout.write(f"Export {manifest['export']}: {manifest['rows']}")
        self.stdout.write(f"Files: {ExportFormat(format_of(manifest)).label}")
        self.stdout.write(f"Snapshot of {manifest['snapshot_at']}, asked by {manifest['asked_by']}")
        for one in verdict.files:
            said = one.why or f"{rows[one.name]:,} rows, SHA-256 {one.sha256}"
            self.stdout.write(f"{one.name}: {said}")
        self.stdout.write(f"manifest.json: SHA-256 {verdict.manifest_sha256}")
        flaw = chain_flaw(verdict) if options["chain"] else ""
        if flaw:
            raise CommandError(f"The audit chain disagrees: {flaw}.")
        if not verdict.holds:
            raise CommandError("The file is not the export that its manifest describes.")
        self.stdout.write("Every file is what the manifest says.")
        if options["chain"]:
            self.stdout.write("The audit chain holds the same manifest, and the head it names.")
