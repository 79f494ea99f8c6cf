"""Verify the audit chain from its first entry to its head."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.core import services
from apps.core.contracts import AuditVerdict
from apps.core.errors import AnchorError
from apps.core.sealed import sealed_logs


class Command(BaseCommand):
    help = "Verify the audit chain; with --anchor also that nothing the anchor saw is gone."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")
        parser.add_argument(
            "--anchor",
            type=Path,
            help="file outside the database: compared with first, rewritten when all holds",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        path: Path | None = options["anchor"]
        try:
            anchor = services.read_anchor(path) if path else None
            verdict = services.verify_against_anchor(anchor)
            logs = [services.verify_log(model) for model in sealed_logs()]
            if path and all(one.holds for one in (verdict, *logs)):
                services.write_anchor(path, verdict, now=timezone.now())
        except AnchorError as error:
            raise CommandError(str(error)) from error
        if options["as_json"]:
            found = [{**asdict(one), "holds": one.holds} for one in (verdict, *logs)]
            self.stdout.write(json.dumps({**found[0], "logs": found[1:]}))
        else:
            self._tell([verdict, *logs])
            if path is not None:
                self.stdout.write(_said_of(path, anchor))
        if not verdict.holds:
            raise CommandError(
                f"The audit chain is broken. {_flaw(verdict)}. Keep the database as it is and "
                "compare with the newest backup before anything else is written."
            )
        broken = next((log for log in logs if not log.holds), None)
        if broken is not None:
            raise CommandError(f"{broken.chain} is broken. {_flaw(broken)}.")

    def _tell(self, verdicts: list[AuditVerdict]) -> None:
        for one in verdicts:
            self.stdout.write(
                f"Audit chain {one.chain}: {one.entries:,} entries verified, head {one.head_hash}"
            )


def _flaw(verdict: AuditVerdict) -> str:
    where = f"Entry {verdict.first_bad_id}: " if verdict.first_bad_id else ""
    return f"{where}{verdict.why}"


def _said_of(path: Path, anchor: services.Anchor | None) -> str:
    """Say what the chain was compared with: an anchor that is gone must not pass in silence."""
    if anchor is None:
        return f"Anchor {path}: there was none, so nothing was compared."
    return f"Anchor {path}: {anchor.entries:,} entries on {anchor.written_at}."
