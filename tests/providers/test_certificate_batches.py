"""Archives: judged as a whole first, then each file by itself; a repeat takes nothing twice."""

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from openpyxl import Workbook

from apps.providers.errors import DeliveryRefusedError, RegisterRefusedError
from apps.providers.models import (
    Certificate,
    CertificateDraft,
    DraftField,
    QuarantinedFile,
    UploadBatch,
)
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register import archive as archive_module
from apps.providers.register.archive import MAX_ARCHIVE_BYTES, open_archive
from apps.providers.register.file import read_rows
from apps.providers.services import batches
from apps.providers.services.batches import lease_batch, take_batch
from tests.factories import make_user
from tests.providers.certificate_files import SAMPLES, plain_pdf
from tests.providers.test_certificate_admin import OFFICER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence")]

ADD = "/admin/providers/uploadbatch/add/"


@pytest.fixture
def officer() -> Client:
    client = Client()
    client.force_login(make_user("olivia", permissions=OFFICER))
    return client


def zipped(
    files: dict[str, bytes], change: Callable[[zipfile.ZipFile], None] | None = None
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        if change is not None:
            change(archive)
    return buffer.getvalue()


def samples() -> dict[str, bytes]:
    return {
        path.relative_to(SAMPLES).as_posix(): path.read_bytes()
        for path in sorted(SAMPLES.rglob("*"))
        if path.is_file()
    }


def _packed(packing: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        archive.writestr("x.pdf", b"x")
    return buffer.getvalue()


def _long_directory() -> bytes:
    """Return an archive that lists few files, with very much said about each."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<3H", 1, 0, 60_000) + bytes(12)
    directory = (entry + b"x" + bytes(60_000)) * 300
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 300, 300, len(directory), 0, 0)
    return directory + end


def refused(data: bytes) -> str:
    with pytest.raises(DeliveryRefusedError) as error:
        open_archive(io.BytesIO(data), len(data))
    return error.value.reason_code


def _link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("link.pdf")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def _encrypted(data: bytes) -> bytes:
    # The flag in the directory of the archive, which is what a reader goes by.
    at = data.rindex(b"PK\x01\x02") + 8
    return data[:at] + b"\x01" + data[at + 1 :]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_a_zip"),
        (plain_pdf(), "not_a_zip"),
        (zipped({"../x.pdf": b"x"}), "unsafe_path"),
        (zipped({"a/../../x.pdf": b"x"}), "unsafe_path"),
        (zipped({"/etc/x.pdf": b"x"}), "unsafe_path"),
        (zipped({"C:/x.pdf": b"x"}), "unsafe_path"),
        (zipped({"a\\..\\x.pdf": b"x"}), "unsafe_path"),
        (zipped({"a\u202efdp.pdf": b"x"}), "unsafe_path"),
        (zipped({"a" * 300: b"x"}), "unsafe_path"),
        (zipped({}, _link), "link"),
        (_encrypted(zipped({"x.pdf": b"x"})), "encrypted"),
        (zipped({"x.pdf": b"\0" * 20_000_000}), "bomb"),
        (_packed(zipfile.ZIP_BZIP2), "packing"),
        (_packed(zipfile.ZIP_LZMA), "packing"),
        (_long_directory(), "directory_too_large"),
    ],
)
def test_an_archive_that_breaks_a_rule_is_refused_as_a_whole(data: bytes, code: str) -> None:
    assert refused(data) == code


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused() -> None:
    assert refused(zipped({"x.pdf": b"x"}, lambda a: a.writestr("x.pdf", "y"))) == "duplicate_name"


def test_the_limits_of_an_archive_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MAX_FILES", 3)
    three = {f"{number}.pdf": b"x" for number in range(3)}
    data = zipped(three)
    assert len(open_archive(io.BytesIO(data), MAX_ARCHIVE_BYTES).names) == 3
    assert refused(zipped({**three, "4.pdf": b"x"})) == "too_many_files"
    monkeypatch.setattr(archive_module, "MAX_CONTENT_BYTES", 2)
    assert refused(data) == "too_much_content"
    with pytest.raises(DeliveryRefusedError, match="larger than 256 MiB"):
        open_archive(io.BytesIO(data), MAX_ARCHIVE_BYTES + 1)


def upload(officer: Client, archive: bytes, register: bytes = b"", name: str = "r.csv") -> Any:
    sent = {"archive": SimpleUploadedFile("lab.zip", archive)}
    if register:
        sent["register"] = SimpleUploadedFile(name, register)
    return officer.post(ADD, sent)


def test_the_sample_folder_zipped_becomes_drafts_row_by_row(
    officer: Client, vetter: PdfVetter, now: datetime
) -> None:
    response = upload(officer, zipped(samples()))
    batch = UploadBatch.objects.get()
    assert response["Location"] == f"/admin/providers/uploadbatch/{batch.pk}/change/"
    assert (batch.state, batch.total) == ("waiting", 17)
    assert lease_batch(now=now) == batch.pk
    done = take_batch(batch_id=batch.pk, vetter=vetter, now=now)
    assert (done.state, done.done, done.finished_at) == ("done", 17, now)
    lines = batch.lines.order_by("line", "file_name")
    assert [line.line for line in lines if line.outcome == "drafted"] == list(range(2, 11))
    assert {line.file_name: line.codes for line in lines if line.outcome == "refused"} == {
        "hostile/attachment.pdf": ["embedded_file"],
        "hostile/empty.pdf": ["empty"],
        "hostile/encrypted.pdf": ["encrypted"],
        "hostile/openaction.pdf": ["open_action", "javascript"],
        "hostile/page.pdf": ["not_a_pdf"],
        "hostile/polyglot.pdf": ["bytes_before_header"],
        "hostile/truncated.pdf": ["truncated"],
        "lab-root.pem": ["invalid_root"],
    }
    page = officer.get(response["Location"]).content.decode()
    assert "39 bytes stand before the PDF header" in page
    assert ">17 of 17 files</td>" in page
    kept = set(QuarantinedFile.objects.values_list("original_name", flat=True))
    assert kept == {line.file_name.rpartition("/")[2] for line in lines if line.codes} - {
        "empty.pdf",
        "lab-root.pem",
    }
    assert "kept in quarantine unless it is empty or too large." in page
    assert "upload it for the laboratory that it is of, under Trusted roots, +." in page
    assert "--trust" not in page
    listed = officer.get("/admin/providers/uploadbatch/").context["cl"].result_list.get()
    assert (listed.open_count, listed.refused_count) == (9, 8)
    given = DraftField.objects.get(draft__file_name="tables.pdf", name="provider")
    assert (given.given_value, given.extracted_value) == ("aurora", "Aurora Studios Ltd")


def test_a_batch_goes_on_where_it_stopped_and_takes_nothing_twice(
    officer: Client, vetter: PdfVetter, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(officer, zipped({f"{n}.pdf": plain_pdf(f"Report {n}") for n in range(4)}))
    batch_id = UploadBatch.objects.get().pk
    with monkeypatch.context() as short:
        short.setattr(batches, "SLICE_SECONDS", -1.0)
        assert take_batch(batch_id=batch_id, vetter=vetter, now=now).state == "running"
    assert CertificateDraft.objects.count() == 0
    for _ in range(2):
        assert take_batch(batch_id=batch_id, vetter=vetter, now=now).state == "done"
    assert CertificateDraft.objects.count() == 4
    assert lease_batch(now=now) is None


def test_one_worker_holds_a_batch_until_its_lease_runs_out(officer: Client, now: datetime) -> None:
    upload(officer, zipped({"1.pdf": plain_pdf()}))
    assert lease_batch(now=now) is not None
    assert lease_batch(now=now + timedelta(seconds=60)) is None
    assert lease_batch(now=now + timedelta(seconds=121)) is not None


def test_a_spreadsheet_beside_the_archive_may_be_a_workbook(
    officer: Client, vetter: PdfVetter, now: datetime
) -> None:
    files = {name: data for name, data in samples().items() if name == "tables.pdf"}
    rows = [["file", *_row()], ["tables.pdf", *_row().values()], ["gone.pdf", *_row().values()]]
    upload(officer, zipped(files), workbook(rows), "register.xlsx")
    batch = take_batch(batch_id=UploadBatch.objects.get().pk, vetter=vetter, now=now)
    assert [(line.line, line.outcome, line.codes) for line in batch.lines.order_by("line")] == [
        (2, "drafted", []),
        (3, "refused", ["file_missing"]),
    ]
    fields = DraftField.objects.filter(draft__batch=batch)
    assert fields.get(name="expires_on").given_value == "2026-11-30"
    assert fields.get(name="rtp_variants").given_value == "97.3"


def _row() -> dict[str, Any]:
    return {
        "report_number": "BLT/2025/7781",
        "revision": 2,
        "lab": "Blue Lake Testing",
        "kind": "game",
        "standards": "GLI-19 v3.0",
        "jurisdictions": "GB;MT",
        "provider": "aurora",
        "issued_on": datetime(2025, 11, 30, tzinfo=UTC).replace(tzinfo=None),
        "expires_on": date(2026, 11, 30),
        "review_due_on": None,
        "games": "aurora-roulette-01",
        "rtp_variants": 97.30,
    }


def workbook(rows: list[list[Any]]) -> bytes:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped({"xl/workbook.xml": b"<x/>"}), "can't be read as an XLSX"),
        (workbook([["file", *_row()], ["=1+1", *_row().values()]]), "Cell A2 holds a formula"),
        (workbook([["file"]]), "lacks the columns"),
        (workbook([["file", *_row(), "remarks"]]), "columns that nobody reads: remarks"),
    ],
)
def test_a_workbook_that_is_no_register_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(RegisterRefusedError, match=message):
        read_rows(data)


def test_a_refused_archive_or_register_keeps_nothing_and_says_why(
    officer: Client, evidence: Path
) -> None:
    for archive, register, words in (
        (zipped({"../x.pdf": b"x"}), b"", "leads out of it"),
        (zipped({}), b"", "holds no files"),
        (b"no zip", b"", "is no ZIP archive"),
        (zipped(samples()), b"file,kind\n", "lacks the columns"),
        (zipped(samples()), b"\xff\xfe", "neither XLSX nor CSV in UTF-8"),
    ):
        response = upload(officer, archive, register)
        assert response.status_code == 400
        assert words in response.content.decode()
    assert UploadBatch.objects.count() == 0
    assert not [path for path in evidence.rglob("*") if path.is_file()]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_form_gives_each_hostile_archive_its_own_reason_and_keeps_nothing(
    officer: Client, evidence: Path
) -> None:
    twice = zipped({"x.pdf": b"x"}, lambda archive: archive.writestr("x.pdf", "y"))
    for archive, words in (
        (zipped({"a/../../x.pdf": b"x"}), "leads out of it or is no plain name"),
        (zipped({"/etc/x.pdf": b"x"}), "leads out of it or is no plain name"),
        (zipped({}, _link), "is a link, not a file"),
        (_encrypted(zipped({"x.pdf": b"x"})), "is encrypted"),
        (twice, "is in the archive twice"),
        (zipped({"x.pdf": b"\0" * 20_000_000}), "unpacks to far more than it is packed in"),
    ):
        response = upload(officer, archive)
        assert response.status_code == 400
        assert words in response.content.decode()
    assert (UploadBatch.objects.count(), CertificateDraft.objects.count()) == (0, 0)
    assert not [path for path in evidence.rglob("*") if path.is_file()]


def _sizes_of_one_byte(data: bytes) -> bytes:
    """Say of the only entry, in the directory and before its bytes, that it unpacks to one."""
    at, one = data.rindex(b"PK\x01\x02") + 24, (1).to_bytes(4, "little")
    return data[:22] + one + data[26:at] + one + data[at + 4 :]


def test_an_entry_that_unpacks_to_more_than_it_says_is_refused_and_no_more_is_unpacked(
    officer: Client, vetter: PdfVetter, now: datetime
) -> None:
    upload(officer, _sizes_of_one_byte(zipped({"x.pdf": b"\0" * 20_000_000})))
    batch = take_batch(batch_id=UploadBatch.objects.get().pk, vetter=vetter, now=now)
    (line,) = batch.lines.all()
    assert (line.outcome, line.codes) == ("refused", ["damaged"])
    assert CertificateDraft.objects.count() == 0


def test_an_entry_whose_name_is_no_text_is_refused_by_itself_and_the_rest_is_taken(
    officer: Client, vetter: PdfVetter, now: datetime
) -> None:
    data = zipped({"ä.pdf": plain_pdf("One"), "b.pdf": plain_pdf("Two")})
    # Its name as it stands before its bytes; the directory's is left as it is.
    upload(officer, data.replace("ä.pdf".encode(), b"\xff\xfe.pdf", 1))
    batch = take_batch(batch_id=UploadBatch.objects.get().pk, vetter=vetter, now=now)
    assert batch.state == "done"
    assert {line.file_name: (line.outcome, line.codes) for line in batch.lines.all()} == {
        "ä.pdf": ("refused", ["damaged"]),
        "b.pdf": ("drafted", []),
    }


def test_what_is_no_pdf_in_an_archive_is_refused_by_itself_and_the_rest_is_taken(
    officer: Client, vetter: PdfVetter, now: datetime
) -> None:
    files = {"good.pdf": plain_pdf(), "page.pdf": b"<html></html>", "run.exe": b"MZ\x90"}
    upload(officer, zipped(files))
    batch = take_batch(batch_id=UploadBatch.objects.get().pk, vetter=vetter, now=now)
    assert {line.file_name: (line.outcome, line.codes) for line in batch.lines.all()} == {
        "good.pdf": ("drafted", []),
        "page.pdf": ("refused", ["not_a_pdf"]),
        "run.exe": ("refused", ["not_a_pdf"]),
    }
    assert CertificateDraft.objects.count() == 1


def test_an_archive_inside_an_archive_is_a_file_that_is_no_pdf(
    officer: Client, vetter: PdfVetter, now: datetime
) -> None:
    upload(officer, zipped({"inner.zip": zipped({"x.pdf": plain_pdf()})}))
    batch = take_batch(batch_id=UploadBatch.objects.get().pk, vetter=vetter, now=now)
    assert [(line.outcome, line.codes) for line in batch.lines.all()] == [
        ("refused", ["not_a_pdf"])
    ]


def test_a_folder_for_review_registers_nothing_and_makes_no_second_drafts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for drafted, known in ((9, 0), (0, 9)):
        with pytest.raises(SystemExit) as stopped:
            call_command("import_certificates", str(SAMPLES), "--review", "--json")
        assert stopped.value.code == 1
        report = json.loads(capsys.readouterr().out)
        assert (len(report["drafted"]), len(report["known"])) == (drafted, known)
        assert {item["file"]: item["codes"][0] for item in report["refused"]} == {
            "hostile/attachment.pdf": "embedded_file",
            "hostile/empty.pdf": "empty",
            "hostile/encrypted.pdf": "encrypted",
            "hostile/openaction.pdf": "open_action",
            "hostile/page.pdf": "not_a_pdf",
            "hostile/polyglot.pdf": "bytes_before_header",
            "hostile/truncated.pdf": "truncated",
            "lab-root.pem": "invalid_root",
        }
    assert (CertificateDraft.objects.count(), Certificate.objects.count()) == (9, 0)
