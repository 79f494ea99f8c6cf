"""A folder, an archive, the form and the API take and refuse the same, in the same words."""

import csv
import io
import secrets
import unicodedata
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.core.errors import DomainError, StoreUnavailableError
from apps.core.models import AuditEntry
from apps.operator_api.enums import Scope
from apps.providers.enums import Door
from apps.providers.errors import DeliveryRefusedError
from apps.providers.models import CertificateDraft, Document, TrustedRoot, UploadBatch
from apps.providers.pdf.contracts import MAX_BYTES
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register.delivery import refusal_codes
from apps.providers.services.batches import BatchUpload, start_batch, take_batch
from apps.providers.services.deliveries import draft_folder
from apps.providers.services.import_register import ImportRequest, import_folder
from apps.providers.services.intake import Sender
from tests.factories import make_user
from tests.operator_api.builders import make_api
from tests.providers.certificate_files import SAMPLES, authority, plain_pdf
from tests.providers.test_certificate_admin import OFFICER, UPLOAD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence")]

ROW: dict[str, str] = next(csv.DictReader((SAMPLES / "register.csv").read_text().splitlines()))
RNG = (SAMPLES / "rng-2025.pdf").read_bytes()

type Files = dict[str, bytes]
type Refusals = set[tuple[int, str, tuple[str, ...], str]]


@pytest.fixture
def doors(tmp_path: Path, vetter: PdfVetter, now: datetime) -> "Doors":
    return Doors(tmp_path / "in", vetter, now)


class Doors:
    """Brings one delivery to each door; each answers (line, file, codes, words) of its refusals."""

    def __init__(self, folder: Path, vetter: PdfVetter, now: datetime) -> None:
        self.folder, self.vetter, self.now = folder, vetter, now

    def each(self, files: Files) -> list[Refusals]:
        return [self.registered(files), self.reviewed(files), self.zipped(files)]

    def registered(self, files: Files) -> Refusals:
        self._lay(files)
        request = ImportRequest(folder=self.folder, trust=(), acting_user=None, now=self.now)
        report = import_folder(request, lambda *_: None, vetter=self.vetter)
        refused = [*report.refused, *report.unlisted_refused]
        roots = {
            (0, root.name, ("invalid_root",), root.state)
            for root in report.roots
            if not root.fingerprint
        }
        return roots | {(one.line, one.file, one.codes, one.reason) for one in refused}

    def reviewed(self, files: Files) -> Refusals:
        self._lay(files)
        sender = Sender(Door.COMMAND, None, self.now, self.vetter)
        refused = draft_folder(self.folder, sender, lambda *_: None).refused
        return {(one.line, one.file, one.codes, one.reason) for one in refused}

    def zipped(self, files: Files) -> Refusals:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        size = buffer.tell()
        upload = BatchUpload(buffer, "lab.zip", size)
        batch = start_batch(upload, acting_user=make_user(), now=self.now)
        take_batch(batch_id=batch.pk, vetter=self.vetter, now=self.now)
        lines = UploadBatch.objects.get(pk=batch.pk).lines.filter(outcome="refused")
        return {(one.line, one.file_name, tuple(one.codes), one.reason) for one in lines}

    def _lay(self, files: Files) -> None:
        for name, data in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def register(*names: str, **changes: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(ROW))
    writer.writeheader()
    for name in names:
        writer.writerow({**ROW, "file": name, **changes})
    return text.getvalue().encode()


def hostile_files() -> dict[str, bytes]:
    return {
        **{path.name: path.read_bytes() for path in (SAMPLES / "hostile").glob("*.pdf")},
        ".DS_Store": b"\x00\x00\x00\x01Bud1",
        "inner.zip": b"PK\x03\x04" + bytes(60),
    }


def test_a_row_with_a_nul_is_refused_by_itself_and_the_rest_is_taken(doors: Doors) -> None:
    row = register("rng.pdf", standards="GLI\x0019")
    files = {"register.csv": row, "rng.pdf": RNG, "z.pdf": plain_pdf("Z")}
    words = "The row holds a NUL character, which no text has."
    for refusals in doors.each(files):
        assert refusals == {(2, "rng.pdf", ("register_refused",), words)}
    assert UploadBatch.objects.get().state == "done"


@pytest.mark.parametrize("name", sorted(hostile_files()))
def test_a_bad_document_is_refused_by_every_door_for_the_same_reasons_in_the_same_words(
    doors: Doors, name: str
) -> None:
    data = hostile_files()[name]
    by_folder, by_review, by_zip = doors.each({f"docs/{name}": data})
    assert by_folder == by_review == by_zip
    ((line, shown, codes, words),) = by_zip
    assert (line, shown, bool(words)) == (0, f"docs/{name}", True)
    officer = Client()
    officer.force_login(make_user(permissions=OFFICER))
    form = officer.post(UPLOAD, {"document": SimpleUploadedFile(name, data)}).context["form"]
    errors = form.errors.as_data()["document"]
    assert tuple(error.code for error in errors) == codes
    assert " ".join(str(error.message) for error in errors) == words
    token = make_api((Scope.CERTIFICATES_WRITE,)).token
    answer = Client().post(
        "/api/v1/certificates",
        {"document": SimpleUploadedFile(name, data)},
        headers={"Authorization": f"Bearer {token}"},
    )
    told = answer.json()["errors"]
    assert answer.status_code == 400
    assert tuple(error["code"] for error in told) == codes
    assert " ".join(error["detail"] for error in told) == words
    assert (Document.objects.count(), CertificateDraft.objects.count()) == (0, 0)


def test_a_document_over_the_limit_is_refused_in_the_same_words(doors: Doors) -> None:
    data = plain_pdf() + secrets.token_bytes(MAX_BYTES)
    by_folder, by_review, by_zip = doors.each({"large.pdf": data})
    assert by_folder == by_review == by_zip
    assert [codes for _, _, codes, _ in by_zip] == [("too_large",)]


COMPOSED, APART = (unicodedata.normalize(form, "Prüfbericht.pdf") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.pdf": RNG, "register.csv": register("gone.pdf", "a.pdf")}, {(2, "file_missing")}),
        ({"a.pdf": RNG, "register.csv": register("../a.pdf", "a.pdf")}, {(2, "unsafe_path")}),
        ({"a.pdf": RNG, "register.csv": register("x/../a.pdf", "a.pdf")}, {(2, "unsafe_path")}),
        ({"a.pdf": RNG, "register.csv": register("/etc/passwd", "a.pdf")}, {(2, "unsafe_path")}),
        ({"a.pdf": RNG, "register.csv": register("C:\\a.pdf", "a.pdf")}, {(2, "unsafe_path")}),
        ({"a.pdf": RNG, "register.csv": register("\u202efdp.exe", "a.pdf")}, {(2, "unsafe_path")}),
        ({"a.pdf": RNG, "register.csv": register("", "a.pdf")}, {(2, "unsafe_path")}),
        ({"a.pdf": RNG, "register.csv": register("a.pdf") + b"x,y\n"}, {(3, "register_refused")}),
        ({"docs/a.pdf": RNG, "register.csv": register("a.pdf")}, set()),
        ({"docs/a.pdf": RNG, "lab/register.csv": register("docs/a.pdf")}, set()),
        ({"docs/a.pdf": RNG, "lab/REGISTER.CSV": register("a.pdf")}, set()),
        ({APART: RNG, "register.csv": register(COMPOSED)}, set()),
        (
            {"x/a.pdf": RNG, "y/a.pdf": plain_pdf(), "register.csv": register("a.pdf", "x/a.pdf")},
            {(2, "file_missing")},
        ),
        (
            {"a.pdf": RNG, "register.csv": register("a.pdf"), "old/register.csv": register("b")},
            {(0, "not_a_pdf")},
        ),
        (
            {"a.pdf": RNG, "register.csv": register("a.pdf"), "root.pem": b"no root"},
            {(0, "invalid_root")},
        ),
        (
            {
                "a.pdf": RNG,
                "register.csv": register("a.pdf"),
                "root.PEM": authority("Somebody Else").pem.encode(),
            },
            {(0, "invalid_root")},
        ),
        ({"root.pem": RNG, "register.csv": register("root.pem")}, set()),
    ],
)
def test_an_odd_delivery_is_read_the_same_way_by_every_door(
    doors: Doors, files: Files, expected: set[tuple[int, str]]
) -> None:
    by_folder, by_review, by_zip = doors.each(files)
    assert {(line, *codes) for line, _, codes, _ in by_zip} == expected
    assert by_folder == by_review == by_zip
    assert all(words for _, _, _, words in by_zip)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"file,report_number\nx,y\n",
        register("a.pdf").replace(b"file,", b"file,remarks,", 1),
        register("a.pdf") + b'"unclosed',
        b"PK\x03\x04 no workbook",
    ],
)
def test_a_register_that_cannot_be_read_stops_every_door_with_the_same_words(
    doors: Doors, data: bytes
) -> None:
    told = set()
    for door in (doors.registered, doors.reviewed, doors.zipped):
        with pytest.raises(DomainError) as refused:
            door({"a.pdf": RNG, "register.csv": data})
        told.add((*refusal_codes(refused.value), str(refused.value)))
    assert [code for code, _ in told] == ["register_refused"]
    assert CertificateDraft.objects.count() == 0


def test_a_name_that_leads_elsewhere_is_told_by_the_same_words_though_an_archive_is_refused_whole(
    doors: Doors,
) -> None:
    for name in ("a:b.pdf", "a\u202efdp.pdf"):
        files = {name: RNG}
        with pytest.raises(DeliveryRefusedError) as refused:
            doors.zipped(files)
        ((_, _, codes, words),) = doors.reviewed(files)
        assert (codes, words) == (("unsafe_path",), str(refused.value))
        (doors.folder / name).unlink()
    assert CertificateDraft.objects.count() == 0


def test_a_link_is_not_followed_and_told_by_the_archives_words(
    doors: Doors, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(RNG)
    doors.folder.mkdir()
    (doors.folder / "link.pdf").symlink_to(secret)
    refusal = (0, "link.pdf", ("link",), "'link.pdf' is a link, not a file.")
    assert doors.registered({}) == doors.reviewed({}) == {refusal}
    (doors.folder / "register.csv").write_bytes(register("link.pdf"))
    in_row = (2, *refusal[1:])
    assert doors.registered({}) == doors.reviewed({}) == {in_row}
    assert Document.objects.count() == 0


def test_more_files_than_allowed_stop_every_door_with_the_same_words(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{number}.pdf": RNG for number in range(3)}
    for module in ("delivery", "archive", "folder"):
        monkeypatch.setattr(f"apps.providers.register.{module}.MAX_FILES", 2)
    told = set()
    for door in (doors.registered, doors.reviewed, doors.zipped):
        with pytest.raises(DeliveryRefusedError) as refused:
            door(files)
        told.add((refused.value.reason_code, str(refused.value)))
    assert told == {("too_many_files", "There are more than 2 files.")}


def test_a_root_of_a_laboratory_on_file_is_proposed_by_every_door_and_trusted_by_none(
    doors: Doors,
) -> None:
    files = {
        "a.pdf": RNG,
        "register.csv": register("a.pdf"),
        "lab-root.pem": (SAMPLES / "lab-root.pem").read_bytes(),
    }
    assert doors.registered(files) == set()
    for door in (doors.reviewed, doors.zipped):
        assert door(files) == set()
    line = UploadBatch.objects.get().lines.get(outcome="proposed")
    assert (line.file_name, line.draft) == ("lab-root.pem", None)
    root = TrustedRoot.objects.get()
    entry = AuditEntry.objects.filter(action="providers.root.uploaded").latest("pk")
    assert (entry.subject, entry.actor_id, entry.details) == (
        f"root:{root.pk}",
        line.batch.uploaded_by_id,
        {"fingerprint": root.fingerprint, "lab_id": root.lab_id},
    )


@pytest.mark.parametrize("door", ["registered", "reviewed", "zipped"])
def test_a_store_that_is_away_is_no_reason_against_a_file(
    doors: Doors, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreUnavailableError

    for module in ("certificates", "drafts"):
        monkeypatch.setattr(f"apps.providers.services.{module}.keep_bytes", away)
    with pytest.raises(StoreUnavailableError):
        getattr(doors, door)({"a.pdf": RNG, "register.csv": register("a.pdf")})
    assert not UploadBatch.objects.filter(lines__isnull=False).exists()
