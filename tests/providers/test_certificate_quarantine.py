"""What is refused is kept apart with its reasons, and no scanner's silence counts as clean."""

import secrets
import shutil
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client

from apps.core.errors import ScannerUnavailableError
from apps.core.models import AuditEntry
from apps.core.scanner import scan
from apps.core.storage import evidence_storage
from apps.providers.enums import Door
from apps.providers.errors import CertificateStateError, PdfRefusedError
from apps.providers.models import Certificate, CertificateDraft, Document, QuarantinedFile
from apps.providers.pdf.contracts import MAX_BYTES
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.services.drafts import Upload, open_draft
from apps.providers.services.import_register import ImportRequest, import_folder
from apps.providers.services.intake import Sender
from apps.providers.services.quarantine import scan_again, scan_waiting
from tests.factories import make_user
from tests.providers.certificate_files import SAMPLES, changed_pdf, plain_pdf
from tests.providers.fake_clamd import EICAR, FakeClamd, fake_clamd
from tests.providers.test_certificate_admin import OFFICER
from tests.providers.test_certificate_pdf_safety import OUTWARD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence")]

UPLOAD = "/admin/providers/certificate/add/"


@pytest.fixture
def clamd(settings: Any) -> Iterator[FakeClamd]:
    with fake_clamd(settings) as server:
        yield server


@pytest.fixture
def sender(vetter: PdfVetter, now: datetime) -> Sender:
    return Sender(Door.FORM, None, now, vetter)


def infected_pdf() -> bytes:
    return plain_pdf().replace(b"startxref", b"%" + EICAR + b"\nstartxref")


def take(data: bytes, sender: Sender, name: str = "report.pdf") -> list[str]:
    """Return the codes of a refusal; none where the file became a draft."""
    try:
        open_draft(Upload(data, name), sender)
    except PdfRefusedError as refusal:
        return [code for code, _reason in refusal.refusals]
    return []


def test_a_clean_file_is_scanned_whole_and_taken(clamd: FakeClamd, sender: Sender) -> None:
    data = plain_pdf("x" * 90, *["y" * 90] * 30)
    assert take(data, sender) == []
    assert clamd.scanned == [data]
    assert QuarantinedFile.objects.count() == 0


def test_the_eicar_test_file_inside_a_pdf_is_kept_apart(
    clamd: FakeClamd, sender: Sender, evidence: Path
) -> None:
    assert take(infected_pdf(), sender) == ["infected"]
    file = QuarantinedFile.objects.get()
    assert file.reasons == "The virus scanner found Win.Test.EICAR_HDB-1 in the file."
    assert (evidence / file.storage_key).read_bytes() == infected_pdf()
    assert file.storage_key.startswith("quarantine/")
    assert (Document.objects.count(), CertificateDraft.objects.count()) == (0, 0)
    with pytest.raises(CertificateStateError):
        scan_again(file_id=file.pk, acting_user=None, vetter=sender.vetter, now=sender.now)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0",
        b"stream: ERROR\0",
        b"INSTREAM size limit exceeded. ERROR\0",
        b"OK FOUND OK\0",
        b"nonsense",
    ],
)
def test_an_answer_that_is_no_verdict_is_not_clean(
    clamd: FakeClamd, sender: Sender, answer: bytes
) -> None:
    clamd.answer = answer
    assert take(plain_pdf(), sender) == ["scanner_unavailable"]
    assert Document.objects.count() == 0


def test_a_file_over_the_scanners_own_limit_is_not_clean(clamd: FakeClamd) -> None:
    clamd.limit_bytes = 1_000
    with pytest.raises(ScannerUnavailableError):
        scan(b"x" * 5_000_000)


def test_a_scanner_that_answers_before_it_has_the_whole_file_has_not_judged_it(
    settings: Any,
) -> None:
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = f"{folder}/clamd.sock"
        listener.bind(path)
        listener.listen()
        settings.PITBOSS_VIRUS_SCANNER = f"unix://{path}"

        def answer_at_once() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(10)
                connection.sendall(b"stream: OK\0")

        hasty = threading.Thread(target=answer_at_once)
        hasty.start()
        # More than the socket holds: what is left is sent to nobody.
        with pytest.raises(ScannerUnavailableError):
            scan(b"x" * 5_000_000)
        hasty.join()


def test_a_scanner_that_is_down_keeps_everything_apart_until_it_is_back(
    sender: Sender, settings: Any, now: datetime
) -> None:
    settings.PITBOSS_VIRUS_SCANNER = "tcp://127.0.0.1:9"
    assert take(plain_pdf("one"), sender, "one.pdf") == ["scanner_unavailable"]
    assert take(infected_pdf(), sender, "two.pdf") == ["scanner_unavailable"]
    assert scan_waiting(vetter=sender.vetter, now=now) == 0
    assert (Document.objects.count(), Certificate.objects.count()) == (0, 0)

    with fake_clamd(settings):
        assert scan_waiting(vetter=sender.vetter, now=now + timedelta(minutes=10)) == 1
        assert scan_waiting(vetter=sender.vetter, now=now + timedelta(minutes=20)) == 0
    clean, infected = QuarantinedFile.objects.order_by("pk")
    assert clean.released_at == now + timedelta(minutes=10)
    assert (infected.released_at, infected.codes) == (None, ["infected"])
    assert CertificateDraft.objects.get().file_name == "one.pdf"


def test_a_file_that_gets_no_verdict_or_is_gone_keeps_no_other_waiting(
    sender: Sender, settings: Any, evidence: Path, now: datetime
) -> None:
    settings.PITBOSS_VIRUS_SCANNER = "tcp://127.0.0.1:9"
    large = plain_pdf(*[f"{secrets.token_hex(16)}" for _line in range(40)])
    for data, name in ((large, "large.pdf"), (plain_pdf("b"), "gone.pdf"), (plain_pdf("c"), "c")):
        assert take(data, sender, name) == ["scanner_unavailable"]
    too_large, gone, fine = QuarantinedFile.objects.order_by("pk")
    evidence_storage().delete(gone.storage_key)
    with fake_clamd(settings) as clamd:
        clamd.limit_bytes = too_large.size_bytes - 1
        assert scan_waiting(vetter=sender.vetter, now=now) == 1
    for file, released_at in ((too_large, None), (gone, None), (fine, now)):
        file.refresh_from_db()
        assert file.released_at == released_at


def test_a_unix_socket_that_is_not_there_is_not_clean(settings: Any, tmp_path: Path) -> None:
    settings.PITBOSS_VIRUS_SCANNER = f"unix://{tmp_path}/clamd.sock"
    with pytest.raises(ScannerUnavailableError):
        scan(b"x")


def test_without_a_scanner_named_files_are_taken_unscanned(settings: Any) -> None:
    for said in ("", "none"):
        settings.PITBOSS_VIRUS_SCANNER = said
        assert scan(EICAR).was_scanned is False


def test_the_same_refused_file_again_is_counted_and_kept_once(
    sender: Sender, evidence: Path
) -> None:
    data = (SAMPLES / "hostile" / "openaction.pdf").read_bytes()
    assert take(data, sender) == take(data, sender) == ["open_action", "javascript"]
    file = QuarantinedFile.objects.get()
    assert (file.times_seen, file.size_bytes) == (2, len(data))
    assert len([path for path in evidence.rglob("*") if path.is_file()]) == 1
    assert AuditEntry.objects.filter(action="providers.document.quarantined").count() == 1


@pytest.mark.parametrize("size", [0, MAX_BYTES + 1])
def test_nothing_is_kept_of_an_empty_or_too_large_file(sender: Sender, size: int) -> None:
    assert take(b"%" * size, sender) == ["too_large" if size else "empty"]
    assert QuarantinedFile.objects.count() == 0


def test_every_door_keeps_the_same_file_apart_for_the_same_reason(
    sender: Sender, now: datetime, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(SAMPLES / "hostile", tmp_path / "hostile"))
    for number, (change, _codes) in enumerate(OUTWARD):
        (folder / f"outward-{number}.pdf").write_bytes(changed_pdf(change))
    officer = Client()
    officer.force_login(make_user("olivia", permissions=OFFICER))
    for path in sorted(folder.glob("*.pdf")):
        data = path.read_bytes()
        codes = take(data, sender, path.name)
        sent = officer.post(UPLOAD, {"document": SimpleUploadedFile(path.name, data)})
        errors = sent.context["form"].errors.as_data()["document"]
        assert [error.code for error in errors] == codes, path.name
    request = ImportRequest(folder=folder, trust=(), acting_user=None, now=now)
    report = import_folder(request, lambda _done, _total: None, vetter=sender.vetter)
    by_command = {item.file: list(item.codes) for item in report.refused}
    apart = {file.original_name: file.codes for file in QuarantinedFile.objects.all()}
    assert len(apart) == 6 + len(OUTWARD)
    assert by_command == {**apart, "empty.pdf": ["empty"]}


def test_a_quarantined_file_is_shown_by_its_facts_and_has_no_address(sender: Sender) -> None:
    take((SAMPLES / "hostile" / "openaction.pdf").read_bytes(), sender, "../\u202efdp.exe")
    file = QuarantinedFile.objects.get()
    officer = Client()
    officer.force_login(make_user("olivia", permissions=OFFICER))
    page = officer.get(f"/admin/providers/quarantinedfile/{file.pk}/change/").content.decode()
    assert "The document contains JavaScript." in page
    assert file.original_name == "fdp.exe"
    assert file.storage_key not in page
    assert officer.get(f"/admin/providers/quarantinedfile/{file.pk}/download/").status_code == 302


def test_the_officer_asks_the_scanner_again(settings: Any, sender: Sender) -> None:
    settings.PITBOSS_VIRUS_SCANNER = "tcp://127.0.0.1:9"
    take(plain_pdf(), sender)
    file = QuarantinedFile.objects.get()
    officer = Client()
    officer.force_login(make_user("olivia", permissions=OFFICER))
    url = f"/admin/providers/quarantinedfile/{file.pk}/do/scan/"
    with fake_clamd(settings):
        officer.post(url, {"reason": "The scanner is back."})
    assert CertificateDraft.objects.count() == 1
    assert QuarantinedFile.objects.get().released_at is not None


def test_the_database_keeps_quarantine_honest(sender: Sender) -> None:
    take((SAMPLES / "hostile" / "polyglot.pdf").read_bytes(), sender)
    rows = QuarantinedFile.objects.all()
    for change, name in (({"reasons": ""}, "says_why"), ({"sha256": "x"}, "carries_its_hash")):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            rows.update(**change)
    with pytest.raises(Exception, match="pgtrigger: Cannot"), transaction.atomic():
        rows.delete()
