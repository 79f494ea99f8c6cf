"""The compliance desk in the admin: upload, download, trust, coverage, and who may do it."""

import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.core.models import AuditEntry
from apps.providers.models import Certificate, CertificateDraft, Document, Lab, TrustedRoot
from apps.providers.pdf.contracts import MAX_BYTES
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.services.builds import Editing
from apps.providers.services.certificates import withdraw_certificate
from apps.providers.services.import_register import ImportRequest, import_folder
from apps.providers.services.scope import (
    NamedBuild,
    ReportTerms,
    Term,
    accredit_lab,
    name_build,
    set_terms,
)
from apps.staff.models import Approval
from tests.factories import make_cover, make_game, make_provider, make_user
from tests.providers.certificate_files import SAMPLES, plain_pdf

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence")]

OFFICER = (
    "providers.download_document",
    "providers.register_certificate",
    "providers.review_certificatedraft",
    "providers.view_certificate",
    "providers.view_certificatedraft",
    "providers.view_certificateflag",
    "providers.view_document",
    "providers.view_lab",
    "providers.view_quarantinedfile",
    "providers.view_trustedroot",
    "providers.view_uploadbatch",
    "providers.withdraw_certificate",
)
UPLOAD = "/admin/providers/certificate/add/"


@pytest.fixture
def officer() -> Client:
    client = Client()
    client.force_login(make_user("olivia", permissions=OFFICER))
    return client


@pytest.fixture
def samples(now: datetime, vetter: PdfVetter) -> None:
    request = ImportRequest(folder=SAMPLES, trust=(), acting_user=None, now=now)
    import_folder(request, lambda _done, _total: None, vetter=vetter)


def form(data: bytes, name: str = "baccarat.pdf") -> dict[str, Any]:
    return {"document": SimpleUploadedFile(name, data, "application/pdf")}


def stored(evidence: Path) -> list[Path]:
    folder = evidence / "certificates"
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def test_an_upload_opens_the_review_page_and_covers_nothing(
    officer: Client, evidence: Path
) -> None:
    data = (SAMPLES / "baccarat.pdf").read_bytes()
    response = officer.post(UPLOAD, form(data))
    draft = CertificateDraft.objects.get()
    assert response.status_code == 302
    assert response["Location"] == f"/admin/providers/certificatedraft/{draft.pk}/change/"
    assert (draft.state, draft.door, str(draft.uploaded_by)) == ("open", "form", "olivia")
    assert (Certificate.objects.count(), len(stored(evidence))) == (0, 1)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("attachment.pdf", "A file is embedded in the document."),
        ("empty.pdf", "empty"),
        ("encrypted.pdf", "The document is encrypted"),
        ("openaction.pdf", "The document contains JavaScript."),
        ("page.pdf", "The file is an SVG picture, not a PDF."),
        ("polyglot.pdf", "39 bytes stand before the PDF header"),
        ("truncated.pdf", "it is cut off"),
    ],
)
def test_the_upload_refuses_a_hostile_file_with_its_reason_and_keeps_nothing(
    officer: Client, evidence: Path, name: str, reason: str
) -> None:
    response = officer.post(UPLOAD, form((SAMPLES / "hostile" / name).read_bytes(), name))
    assert response.status_code == 400
    assert reason in response.content.decode()
    assert (Certificate.objects.count(), Document.objects.count(), stored(evidence)) == (0, 0, [])
    assert CertificateDraft.objects.count() == 0


def test_an_upload_over_the_limit_is_refused_before_it_is_read(officer: Client) -> None:
    response = officer.post(UPLOAD, form(b"%PDF-" + b"0" * MAX_BYTES))
    assert response.status_code == 400
    assert "larger than 10 MiB" in response.content.decode()


def test_a_download_is_an_attachment_that_a_browser_neither_shows_nor_keeps(
    officer: Client, samples: None
) -> None:
    document = Document.objects.get(original_name="tables.pdf")
    url = reverse("admin:providers_document_download", args=[document.pk])
    response = officer.get(url, follow=True)
    assert response.content == (SAMPLES / "tables.pdf").read_bytes()
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'attachment; filename="tables.pdf"'
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"]
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    entry = AuditEntry.objects.get(action="providers.document.downloaded")
    assert entry.subject == f"document:{document.pk}"


def test_a_deceiving_file_name_is_encoded_in_the_header(officer: Client) -> None:
    data = (SAMPLES / "baccarat.pdf").read_bytes()
    officer.post(UPLOAD, form(data, '../a"b\u202e\r\nX-Evil: 1 Straße.pdf'))
    document = Document.objects.get()
    header = officer.get(f"/admin/providers/document/{document.pk}/download/", follow=True)
    assert header["Content-Disposition"].startswith("attachment; filename")
    assert "X-Evil" not in header.headers
    assert document.storage_key.startswith("certificates/")
    assert "a" not in Path(document.storage_key).suffix


def test_an_altered_file_is_not_handed_out(officer: Client, samples: None, evidence: Path) -> None:
    document = Document.objects.get(original_name="tables.pdf")
    (evidence / document.storage_key).write_bytes(b"%PDF-1.4 other")
    response = officer.get(f"/admin/providers/document/{document.pk}/download/", follow=True)
    assert "is not the one that was taken" in response.content.decode()
    assert not AuditEntry.objects.filter(action="providers.document.downloaded").exists()


def test_the_list_shows_where_each_certificate_stands(
    officer: Client, samples: None, time_machine: Any
) -> None:
    time_machine.move_to("2026-11-22T12:00:00Z")
    officer.force_login(make_user("otto", permissions=OFFICER))
    page = officer.get("/admin/providers/certificate/").content.decode()
    for chip in (
        "Invalid signature",
        "Superseded by rev 1",
        "Expires in 8 days",
        "Expires in 23 days",
        "Review in 28 days",
        "Valid",
    ):
        assert chip in page, chip
    for standing, count in (
        ("expired", 1),
        ("expiring", 3),
        ("review_due", 1),
        ("superseded", 1),
        ("invalid_signature", 1),
        ("in_force", 7),
        ("nonsense", 9),
    ):
        response = officer.get(f"/admin/providers/certificate/?standing={standing}")
        assert response.context["cl"].queryset.count() == count, standing
    found = officer.get("/admin/providers/certificate/?q=BLT/2025/7781")
    assert [str(item) for item in found.context["cl"].queryset] == ["BLT/2025/7781 rev 2"]


def test_the_officer_asks_to_trust_a_root_and_says_why(officer: Client, samples: None) -> None:
    root = TrustedRoot.objects.get()
    url = f"/admin/providers/trustedroot/{root.pk}/do/trust/"
    assert officer.get(url).status_code == 200
    officer.post(url, {"reason": ""})
    assert Approval.objects.count() == 0
    answer = officer.post(url, {"reason": "Read the fingerprint out on the phone."}, follow=True)
    asked = Approval.objects.get()
    assert f"A second person can approve it (approval {asked.pk})" in answer.content.decode()
    assert "Read the fingerprint out on the phone." in answer.content.decode()
    assert TrustedRoot.objects.get().state == "proposed"
    assert Document.objects.filter(signature_state="valid").count() == 0


def test_the_officer_uploads_a_root_that_counts_once_it_is_trusted(
    officer: Client, samples: None
) -> None:
    add, lab = "/admin/providers/trustedroot/add/", Lab.objects.get(name="Blue Lake Testing")
    pem = (SAMPLES / "lab-root.pem").read_bytes()
    for bad in (b"no certificate", pem + pem):
        sent = {"lab": lab.pk, "file": SimpleUploadedFile("root.pem", bad)}
        refused = officer.post(add, sent)
        assert refused.status_code == 400
        assert refused.context["form"].errors == {
            "file": ["root.pem is not a PEM file with one certificate."]
        }
    assert not TrustedRoot.objects.filter(lab=lab).exists()
    pages = [
        officer.post(add, {"lab": lab.pk, "file": SimpleUploadedFile("root.pem", pem)})["Location"]
        for _ in range(2)
    ]
    root = TrustedRoot.objects.get(lab=lab)
    assert pages == [f"/admin/providers/trustedroot/{root.pk}/change/"] * 2
    assert (root.state, root.source) == ("proposed", "root.pem")


def test_the_officer_withdraws_a_certificate(officer: Client) -> None:
    certificate = make_cover(make_game(make_provider()))
    url = f"/admin/providers/certificate/{certificate.pk}/do/withdraw/"
    officer.post(url, {"reason": "Recalled by the lab."})
    certificate.refresh_from_db()
    assert certificate.state == "withdrawn"


def test_what_was_added_to_a_withdrawn_row_is_listed_at_the_right_one_and_covers_nothing(
    officer: Client, now: datetime
) -> None:
    game = make_game(make_provider())
    mistaken = make_cover(game)
    editing = Editing(None, "As the document says.", now)
    name_build(mistaken.pk, NamedBuild(game.game_code, "1.4.2"), editing)
    set_terms(mistaken.pk, ReportTerms("Mara Holm", "", None), editing)
    withdraw_certificate(
        certificate_id=mistaken.pk, acting_user=None, reason="Mistyped a date.", now=now
    )
    right = make_cover(game)
    Certificate.objects.filter(pk=right.pk).update(report_number=mistaken.report_number)
    title = "Added to the withdrawn row, and not here"

    def listed(pk: int) -> list[list[str]]:
        page = officer.get(f"/admin/providers/certificate/{pk}/change/")
        found = [panel for panel in page.context["panels"] if panel.title == title]
        return [row[1:] for panel in found for row in panel.rows]

    assert listed(mistaken.pk) == []
    build = ["Build", f"{game.game_code} 1.4.2, Every channel"]
    assert listed(right.pk) == [build, ["Signed for the lab by", "Mara Holm"]]
    assert not right.builds.exists()
    set_terms(right.pk, ReportTerms("Mara Holm", "", None), editing)
    assert listed(right.pk) == [build]
    name_build(right.pk, NamedBuild(game.game_code, "1.4.3"), editing)
    assert listed(right.pk) == []


def test_a_report_of_a_lab_without_accreditation_is_not_called_valid(
    officer: Client, now: datetime
) -> None:
    certificate = make_cover(make_game(make_provider()))  # issued on 1 January 2026
    url = f"/admin/providers/certificate/{certificate.pk}/change/"

    def pages() -> tuple[bool, int]:
        text = officer.get(url).content.decode()
        listed = officer.get("/admin/providers/certificate/", {"standing": "in_force"})
        return "Lab not accredited" in text, listed.context["cl"].result_count

    editing = Editing(None, "From the body's list.", now)
    for year, said in ((2025, (True, 0)), (2026, (False, 1))):
        term = Term("UKAS", "1", date(year, 1, 1), date(year, 12, 31))
        accredit_lab(certificate.lab_id, term, editing)
        assert pages() == said


def test_who_adds_a_term_leaves_the_others_and_what_is_replaced(
    officer: Client, now: datetime
) -> None:
    game = make_game(make_provider())
    old, new = make_cover(game), make_cover(game)
    Certificate.objects.filter(pk=new.pk).update(lab=old.lab)
    editing = Editing(None, "As the document says.", now)
    set_terms(new.pk, ReportTerms("", "As tested only.", old.pk), editing)
    url = f"/admin/providers/certificate/{new.pk}/do/terms/"
    form = officer.get(url).context["form"]
    begins = {name: form[name].value() for name in ("signatory", "conditions", "supersedes")}
    assert begins == {"signatory": "", "conditions": "As tested only.", "supersedes": str(old)}
    for supersedes in (f"{old.report_number} rev x", f"{old.report_number} rev ²"):
        sent = {**begins, "supersedes": supersedes, "reason": "Misread."}
        assert officer.post(url, sent).status_code == 200
    sent = {**begins, "signatory": "Mara Holm", "reason": "It stands on page 2."}
    assert officer.post(url, sent).status_code == 302
    new.refresh_from_db()
    kept = (new.signatory, new.conditions, new.supersedes)
    assert kept == ("Mara Holm", "As tested only.", old)
    withdraw_certificate(certificate_id=old.pk, acting_user=None, reason="Mistyped.", now=now)
    assert officer.post(url, {**sent, "signatory": "M. Holm"}).status_code == 302


@pytest.mark.parametrize(
    "page",
    [
        "/admin/providers/certificate/",
        "/admin/providers/certificateflag/",
        "/admin/providers/document/",
        "/admin/providers/lab/",
        "/admin/providers/trustedroot/",
        "/admin/providers/trustedroot/add/",
        "/admin/providers/certificatedraft/",
        "/admin/providers/quarantinedfile/",
        "/admin/providers/uploadbatch/",
        "/admin/providers/uploadbatch/add/",
        "/admin/",
    ],
)
def test_each_page_opens_when_there_is_nothing_yet(officer: Client, page: str) -> None:
    assert officer.get(page).status_code == 200


def test_each_detail_page_opens(officer: Client, samples: None) -> None:
    for model in (Certificate, Document, TrustedRoot):
        name = model._meta.model_name
        for row in model.objects.all():
            assert officer.get(f"/admin/providers/{name}/{row.pk}/change/").status_code == 200


def test_without_the_permission_nothing_is_registered_trusted_or_handed_out(
    samples: None, evidence: Path
) -> None:
    reader = Client()
    reader.force_login(
        make_user("rita", permissions=tuple(name for name in OFFICER if ".view_" in name))
    )
    kept = len(stored(evidence))
    document, root = Document.objects.all()[0], TrustedRoot.objects.get()
    certificate = Certificate.objects.all()[0]
    data = io.BytesIO(plain_pdf()).getvalue()
    for client in (reader, Client()):
        for response in (
            client.get(UPLOAD),
            client.post(UPLOAD, form(data)),
            client.get(f"/admin/providers/document/{document.pk}/download/"),
            client.post(f"/admin/providers/trustedroot/{root.pk}/do/trust/", {"reason": "A b c"}),
            client.post(
                f"/admin/providers/certificate/{certificate.pk}/do/withdraw/", {"reason": "A b c"}
            ),
            client.post(f"/admin/providers/certificate/{certificate.pk}/delete/", {"post": "yes"}),
        ):
            assert response.status_code == (403 if client is reader else 302)
    assert len(stored(evidence)) == kept
    assert TrustedRoot.objects.get().state == "proposed"
    assert not Certificate.objects.filter(state="withdrawn").exists()
