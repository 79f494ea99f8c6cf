"""Every file of docs/formats.md is read as it stands there, by the commands of that page."""

import csv
import re
import shlex
from io import StringIO
from pathlib import Path
from typing import Final

import pytest
from django.core.management import call_command
from openpyxl import Workbook

from apps.integrity.models import DigestReport
from apps.providers.models import CertificateDraft, Game
from apps.reconciliation.models import Break, StatementFile
from apps.rounds.models import RoundEvent
from tests.addresses import database_url
from tests.providers.certificate_files import plain_pdf

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "formats.md"
FILE: Final = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SCRIPT: Final = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the page's files, and beside them the one that no page can show."""
    for name, content in FILE.findall(DOCUMENT.read_text(encoding="utf-8")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (tmp_path / "lumen" / "certificates" / "reef.pdf").write_bytes(plain_pdf("Report"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "lumen"


def _commands() -> list[list[str]]:
    text = "".join(SCRIPT.findall(DOCUMENT.read_text(encoding="utf-8")))
    return [shlex.split(line.removeprefix("manage.py ")) for line in text.splitlines()]


@pytest.mark.django_db(transaction=True)
def test_every_documented_file_is_read_as_the_page_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url())  # a replay starts a gateway of its own
    monkeypatch.setenv("PITBOSS_LOG_LEVEL", "WARNING")
    said = [_run(command) for command in _commands()]

    assert [out.partition(" ")[0] for out in said[:1]] == ["Provider"]
    assert list(Game.objects.order_by("game_code").values_list("game_code", flat=True)) == [
        "lumen-reef",
        "lumen-wheel",
    ]
    event = RoundEvent.objects.get()
    assert (event.event_id, event.status, event.code) == ("lu-1", "accepted", "")
    statement = StatementFile.objects.get()
    assert (statement.rows_total, statement.rows_good, statement.rows_demo) == (3, 2, 1)
    found = Break.objects.get()
    assert (found.event_id, found.break_class) == ("lu-2", "missing_in_ledger")
    draft = CertificateDraft.objects.get()
    assert draft.file_name == "reef.pdf"
    reports = DigestReport.objects.order_by("measured_at")
    assert [report.report_ref for report in reports] == ["lumen-2026-11-20", "lumen-2026-11-21"]


@pytest.mark.django_db(transaction=True)
def test_the_documented_statement_is_the_same_in_either_format(folder: Path) -> None:
    _run(_commands()[0])
    for name in ("rounds.csv", "rounds.ndjson"):
        _run(["import_statement", f"lumen/{name}", "--provider", "lumen"])

    newest = StatementFile.objects.get(state="imported")
    assert newest.format == "ndjson"
    changed = {kind: newest.changes[kind] for kind in ("added", "removed", "amended")}
    assert changed == {"added": 0, "removed": 0, "amended": 0}


@pytest.mark.django_db(transaction=True)
def test_the_documented_register_is_the_same_as_a_workbook(folder: Path) -> None:
    _run(_commands()[0])
    register = folder / "certificates" / "register.csv"
    book = Workbook()
    with register.open(newline="") as rows:
        for row in csv.reader(rows):
            book.active.append(row)
    register.unlink()
    book.save(folder / "certificates" / "register.xlsx")

    _run(["import_certificates", "lumen/certificates", "--review"])
    assert CertificateDraft.objects.get().file_name == "reef.pdf"


def _run(command: list[str]) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()
