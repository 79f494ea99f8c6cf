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
        parser.add_argument(
            "--new-anchor",
            action="store_true",
            help="begin the anchor's file: nothing is compared. Without it a missing file fails",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        path: Path | None = options["anchor"]
        try:
            anchor = _compared_with(path, is_new=options["new_anchor"])
            verdict = services.verify_against_anchor(anchor)
            logs = [services.verify_log(model) for model in sealed_logs()]
            if path and all(one.holds for one in (verdict, *logs)):
                services.write_anchor(path, verdict, now=timezone.now())
        except AnchorError as error:
            raise CommandError(str(error)) from error
        if options["as_json"]:
            found = [{**asdict(one), "holds": one.holds} for one in (verdict, *logs)]
            compared = None if anchor is None else asdict(anchor)
            self.stdout.write(json.dumps({**found[0], "logs": found[1:], "anchor": compared}))
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


def _compared_with(path: Path | None, *, is_new: bool) -> services.Anchor | None:
    """Return the anchor to compare with: one that is gone must not pass for a first run.

    Raises:
        AnchorError: it is not there, or is there though a new one was to begin.
    """
    anchor = services.read_anchor(path) if path else None
    if is_new and (path is None or anchor is not None):
        raise AnchorError("A new anchor needs --anchor with a file that is not there yet.")
    if path is not None and anchor is None and not is_new:
        raise AnchorError(
            f"The anchor {path} is not there, so nothing can be compared. Find out where it went; "
            "only a first run begins one, with --new-anchor."
        )
    return anchor


def _flaw(verdict: AuditVerdict) -> str:
    where = f"Entry {verdict.first_bad_id}: " if verdict.first_bad_id else ""
    return f"{where}{verdict.why}"


def _said_of(path: Path, anchor: services.Anchor | None) -> str:
    if anchor is None:
        return f"Anchor {path}: begun now, so nothing was compared."
    return f"Anchor {path}: {anchor.entries:,} entries on {anchor.written_at}."
