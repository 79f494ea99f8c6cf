"""Documents in the store: proven every night, handed out for a minute, to one person."""

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from apps.core.models import AuditEntry, OutboxMessage
from apps.core.storage import evidence_storage, store_evidence
from apps.providers.models import Document, UploadBatch
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.selectors.certificates import lab_of_document
from apps.providers.selectors.coverage import certificates_in_force
from apps.providers.services.import_register import ImportRequest, import_folder
from apps.providers.services.integrity import IntegrityReport, check_documents, sweep_orphans
from apps.providers.services.trust import judge_signature
from config.environment import environment
from config.storages import storage_settings
from tests.factories import make_user
from tests.providers.certificate_files import SAMPLES
from tests.providers.test_certificate_admin import OFFICER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence")]


@pytest.fixture
def samples(evidence: Path, now: datetime, vetter: PdfVetter) -> None:
    request = ImportRequest(folder=SAMPLES, trust=(), acting_user=None, now=now)
    import_folder(request, lambda _done, _total: None, vetter=vetter)


@pytest.fixture
def check(vetter: PdfVetter, now: datetime) -> Any:
    def run() -> IntegrityReport:
        return check_documents(vetter=vetter, now=now)

    return run


def standing(document: Document, now: datetime) -> tuple[str, str, bool]:
    document.refresh_from_db()
    is_proof = certificates_in_force(now.date()).filter(document=document).exists()
    return document.integrity_state, document.signature_state, is_proof


@pytest.mark.usefixtures("samples")
def test_whole_documents_are_read_and_stay_as_they_are(check: Any, now: datetime) -> None:
    before = list(Document.objects.order_by("pk").values_list("signature_state", flat=True))
    report = check()
    assert (report.checked, report.damaged, report.is_clean) == (9, [], True)
    after = Document.objects.order_by("pk").values_list("signature_state", flat=True)
    assert list(after) == before
    assert set(Document.objects.values_list("integrity_checked_at", flat=True)) == {now}


@pytest.mark.parametrize(
    ("damage", "state"), [("replaced", "altered"), ("cut", "altered"), ("gone", "missing")]
)
@pytest.mark.usefixtures("samples")
def test_a_damaged_document_proves_nothing_until_it_is_whole_again(
    check: Any, evidence: Path, now: datetime, damage: str, state: str
) -> None:
    document = Document.objects.get(original_name="tables.pdf")
    file = evidence / document.storage_key
    data = file.read_bytes()
    assert standing(document, now) == ("intact", "none", True)
    match damage:
        case "replaced":
            file.write_bytes(data.replace(b"e", b"f", 1))
        case "cut":
            file.write_bytes(data[:-1])
        case _:
            file.unlink()
    assert check().damaged == [(document.pk, "tables.pdf", state)]
    assert standing(document, now) == (state, "invalid", False)
    assert len(check().damaged) == 1
    told = OutboxMessage.objects.filter(topic="providers.document_damaged")
    assert [row.payload for row in told] == [{"document_id": document.pk, "state": state}]
    assert AuditEntry.objects.filter(action=f"providers.document.{state}").count() == 1

    file.write_bytes(data)
    assert check().recovered == [document.pk]
    assert standing(document, now) == ("intact", "none", True)


@pytest.mark.usefixtures("samples")
def test_a_document_that_was_judged_while_it_was_damaged_is_judged_again_once_it_is_whole(
    check: Any, evidence: Path, now: datetime, vetter: PdfVetter
) -> None:
    document = Document.objects.get(original_name="tables.pdf")
    file = evidence / document.storage_key
    data = file.read_bytes()
    file.write_bytes(data[:-1])
    lab = lab_of_document(document)
    assert lab is not None
    judge_signature(document, lab, vetter, now)
    assert standing(document, now) == ("intact", "invalid", False)
    file.write_bytes(data)
    assert check().recovered == [document.pk]
    assert standing(document, now) == ("intact", "none", True)
    assert check().recovered == []


@pytest.mark.usefixtures("samples")
def test_a_store_that_does_not_answer_is_not_called_missing(
    check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OSError(110, "Connection timed out")

    monkeypatch.setattr(FileSystemStorage, "_open", away)
    report = check()
    assert (report.checked, report.damaged, report.unread, report.is_clean) == (0, [], 9, False)
    assert set(Document.objects.values_list("integrity_state", flat=True)) == {"intact"}


@pytest.mark.usefixtures("samples")
def test_the_command_fails_where_a_document_is_damaged(evidence: Path) -> None:
    out = StringIO()
    call_command("check_documents", stdout=out)
    assert "9 documents read, 0 damaged" in out.getvalue()
    (evidence / Document.objects.all()[0].storage_key).unlink()
    with pytest.raises(SystemExit) as stopped:
        call_command("check_documents", stdout=out)
    assert stopped.value.code == 1
    assert "MISSING  document" in out.getvalue()


def test_files_without_a_row_are_swept_after_two_days_and_no_others(
    samples: None, now: datetime, evidence: Path
) -> None:
    for folder, days in (("certificates", 3), ("quarantine", 3), ("certificates", 1)):
        store_evidence(b"x", folder=folder, suffix=".pdf", now=now - timedelta(days=days))
    statement = store_evidence(b"x", folder="statements", suffix=".csv", now=now)
    swept = sweep_orphans(now=now)
    assert sorted(key.split("/")[0] for key in swept) == ["certificates", "quarantine"]
    left = [path for path in evidence.rglob("*") if path.is_file()]
    assert len(left) == 9 + 2
    assert evidence_storage().exists(statement.key)
    assert sweep_orphans(now=now + timedelta(days=1)) == []
    assert len(sweep_orphans(now=now + timedelta(days=9))) == 1
    assert Document.objects.count() == 9


def test_an_archive_of_a_bulk_upload_is_swept_only_where_no_upload_names_it(
    now: datetime, evidence: Path
) -> None:
    old = now - timedelta(days=3)
    kept, lost, register = (
        store_evidence(b"x", folder="certificate-batches", suffix=suffix, now=old).key
        for suffix in (".zip", ".zip", ".register")
    )
    UploadBatch.objects.create(
        archive_key=kept,
        register_key=register,
        archive_name="reports.zip",
        register_name="register.csv",
        total=1,
        uploaded_by=make_user("olivia"),
        created_at=old,
    )
    assert sweep_orphans(now=now) == [lost]
    left = {str(path.relative_to(evidence)) for path in evidence.rglob("*") if path.is_file()}
    assert left == {kept, register}


@pytest.mark.usefixtures("samples")
def test_the_database_lets_no_damaged_document_be_proof() -> None:
    rows = Document.objects.filter(original_name="tables.pdf")
    with pytest.raises(IntegrityError, match="damaged_proves_nothing"), transaction.atomic():
        rows.update(integrity_state="altered")
    with pytest.raises(IntegrityError, match="integrity_state_is_known"), transaction.atomic():
        rows.update(integrity_state="lost", signature_state="invalid")


def client(name: str, *permissions: str) -> Client:
    browser = Client()
    browser.force_login(make_user(name, permissions=permissions or OFFICER))
    return browser


@pytest.mark.usefixtures("samples")
def test_a_link_holds_for_a_minute_for_one_person_and_each_is_on_the_record(
    time_machine: Any, now: datetime
) -> None:
    time_machine.move_to(now, tick=False)
    olivia, otto = client("olivia"), client("otto")
    document = Document.objects.get(original_name="tables.pdf")
    link = olivia.get(f"/admin/providers/document/{document.pk}/download/")["Location"]
    other = Document.objects.get(original_name="slots-a.pdf")
    assert olivia.get(link).content == (SAMPLES / "tables.pdf").read_bytes()
    for person, address in (
        (otto, link),
        (olivia, link.replace(f"/{document.pk}/file", f"/{other.pk}/file")),
        (olivia, link[:-1] + ("A" if link[-1] != "A" else "B")),
        (olivia, link.partition("?")[0]),
    ):
        response = person.get(address)
        assert response.status_code == 302, address
        assert "no longer holds" in person.get(response["Location"]).content.decode()
    time_machine.move_to(now + timedelta(seconds=59), tick=False)
    assert olivia.get(link).status_code == 200
    time_machine.move_to(now + timedelta(seconds=62), tick=False)
    assert olivia.get(link).status_code == 302
    minted = AuditEntry.objects.filter(action="providers.document.link_minted")
    taken = AuditEntry.objects.filter(action="providers.document.downloaded")
    assert ([entry.actor_name for entry in minted], taken.count()) == (["olivia"], 2)


@pytest.mark.usefixtures("samples")
def test_a_permission_taken_away_ends_the_link_too() -> None:
    olivia = client("olivia")
    document = Document.objects.all()[0]
    link = olivia.get(f"/admin/providers/document/{document.pk}/download/")["Location"]
    olivia.force_login(make_user("later", permissions=("providers.view_document",)))
    assert olivia.get(link).status_code == 403
    assert olivia.post(link).status_code == 403


def test_the_bucket_is_private_overwrites_nothing_and_signs_for_a_minute(tmp_path: Path) -> None:
    env = environment().model_copy(update={"s3_bucket": "evidence"})
    options = storage_settings(env, tmp_path)["evidence"]["OPTIONS"]
    assert (options["file_overwrite"], options["default_acl"]) == (False, None)
    assert (options["querystring_auth"], options["querystring_expire"]) == (True, 60)
    assert options["object_parameters"]["ContentDisposition"] == "attachment"


def test_one_name_twice_is_two_objects(now: datetime, evidence: Path) -> None:
    keys = {
        store_evidence(data, folder="certificates", suffix=".pdf", now=now).key
        for data in (b"one", b"two")
    }
    assert len(keys) == 2
    assert sorted((evidence / key).read_bytes() for key in keys) == [b"one", b"two"]
