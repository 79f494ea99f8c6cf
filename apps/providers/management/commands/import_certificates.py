import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from apps.core.errors import DomainError
from apps.providers.enums import Door, RootState
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.services.deliveries import draft_folder
from apps.providers.services.import_register import (
    FileRefused,
    ImportReport,
    ImportRequest,
    RowTaken,
    TrustChoice,
    import_folder,
)
from apps.providers.services.intake import Sender


class Command(BaseCommand):
    help = (
        "Registers the certificates of a folder: register.csv and the PDFs it names. Without a "
        "register the files are only checked. Exit status 1 if a row was refused."
    )

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument(
            "--trust",
            action="append",
            default=[],
            metavar="[LAB=]FILE",
            help="Trust this root (PEM) for its lab's signatures; compare its fingerprint with the "
            "lab first. FILE is also looked for in DIR. May be given more than once.",
        )
        parser.add_argument(
            "--review",
            action="store_true",
            help="Register nothing: make a draft of each document for a person to confirm.",
        )
        parser.add_argument("--json", action="store_true", help="Print the report as JSON.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if options["review"]:
            self._review(folder, is_json=options["json"])
            return
        request = ImportRequest(
            folder=folder,
            trust=tuple(_choice(text, folder) for text in options["trust"]),
            acting_user=None,
            now=timezone.now(),
        )
        try:
            with _progress(is_quiet=options["json"]) as progress:
                report = import_folder(request, progress)
        except DomainError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(report), indent=2))
        else:
            for line in _lines(report):
                self.stdout.write(line)
        if report.has_failed:
            sys.exit(1)

    def _review(self, folder: Path, *, is_json: bool) -> None:
        try:
            with _progress(is_quiet=is_json) as progress, PdfVetter() as vetter:
                sender = Sender(Door.COMMAND, None, timezone.now(), vetter)
                report = draft_folder(folder, sender, progress)
        except DomainError as error:
            raise CommandError(str(error)) from error
        if is_json:
            self.stdout.write(json.dumps(asdict(report), indent=2))
        else:
            for refused in report.refused:
                self.stdout.write(_refused_line(refused))
            for name in report.roots:
                self.stdout.write(
                    f"root        {name}: proposed, NOT trusted. It came with the documents."
                )
            self.stdout.write(
                f"{len(report.drafted)} to review, {len(report.known)} known already, "
                f"{len(report.refused)} refused. Confirm them in the admin: Drafts to review."
            )
        if report.refused:
            sys.exit(1)


def _choice(text: str, folder: Path) -> TrustChoice:
    lab, _, name = text.rpartition("=")
    path = Path(name)
    return TrustChoice(path if path.is_file() else folder / name, lab.strip())


@contextmanager
def _progress(*, is_quiet: bool) -> Iterator[Any]:
    console = Console(stderr=True)
    columns = (
        TextColumn("Checking certificates"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=is_quiet or not console.is_terminal) as bar:
        task = bar.add_task("rows", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _as_json(report: ImportReport) -> dict[str, Any]:
    return {**asdict(report), "failed": report.has_failed}


def _lines(report: ImportReport) -> Iterator[str]:
    if not report.has_register:
        yield "There is no register.csv here, so the files were only checked; nothing was kept."
    yield from (f"registered  {_row(row)}" for row in report.registered)
    yield from (f"unchanged   {_row(row)}" for row in report.unchanged)
    for refused in report.refused:
        yield _refused_line(refused)
    for refused in report.unlisted_refused:
        yield f"not listed  {refused.file}: refused. {refused.reason} [{', '.join(refused.codes)}]"
    for name in report.unlisted_safe:
        yield f"not listed  {name}: a plain PDF, but no row of the register names it."
    yield from _root_lines(report)
    for change in report.rechecked:
        yield f"rechecked   {change.name}: signature {change.before} -> {change.after}"
    yield (
        f"{len(report.registered)} registered, {len(report.unchanged)} unchanged, "
        f"{len(report.refused)} refused, "
        f"{len(report.unlisted_refused) + len(report.unlisted_safe)} files not in the register."
    )
    if report.has_failed:
        yield "Correct what was refused and run this again: what is registered stays as it is."


def _refused_line(refused: FileRefused) -> str:
    where = f"line {refused.line}, " if refused.line else ""
    return f"REFUSED     {where}{refused.file}: {refused.reason} [{', '.join(refused.codes)}]"


def _row(row: RowTaken) -> str:
    findings = f"; LOOK: {', '.join(row.findings)}" if row.findings else ""
    return (
        f"line {row.line}, {row.file}: {row.report_number} rev {row.revision}, "
        f"signature {row.signature}{findings}"
    )


def _root_lines(report: ImportReport) -> Iterator[str]:
    for root in report.roots:
        if root.state == RootState.TRUSTED:
            yield f"root        {root.name}: trusted for {root.lab} ({root.fingerprint})"
        elif root.fingerprint:
            yield (
                f"root        {root.name}: {root.state} for {root.lab}, NOT trusted. It came with "
                f"the documents. Compare its SHA-256 {root.fingerprint} with the lab, then run "
                f"again with --trust {root.name}, or ask to trust it in the admin."
            )
        else:
            yield f"root        {root.name}: ignored. {root.state}"
