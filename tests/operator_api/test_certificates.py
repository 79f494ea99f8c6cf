"""A machine hands documents in: a draft for a person, or the same refusals as everywhere."""

import itertools
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.operator_api.enums import Scope
from apps.providers.models import Certificate, CertificateDraft, Document, QuarantinedFile
from apps.providers.pdf.contracts import MAX_BYTES
from tests.operator_api.builders import make_api
from tests.providers.certificate_files import SAMPLES, changed_pdf, plain_pdf
from tests.providers.test_certificate_pdf_safety import OUTWARD

_NUMBERS = itertools.count(1)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence")]


def send(data: bytes, name: str = "report.pdf", **extra: Any) -> Any:
    scopes = extra.pop("scopes", (Scope.CERTIFICATES_WRITE,))
    token = make_api(scopes, name=f"Client {next(_NUMBERS)}").token
    return Client().post(
        "/api/v1/certificates",
        {"document": SimpleUploadedFile(name, data), **extra},
        headers={"Authorization": f"Bearer {token}"},
    )


def test_a_document_becomes_a_draft_and_the_same_bytes_the_same_draft() -> None:
    data = (SAMPLES / "baccarat.pdf").read_bytes()
    first, again = send(data, "b.pdf"), send(data, "c.pdf")
    draft = CertificateDraft.objects.get()
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    answer = first.json()
    assert (answer["draft_id"], answer["state"], answer["signature"]) == (draft.pk, "open", "none")
    assert {"name": "report_number", "value": "BLT/2026/0102"} in answer["read"]
    assert (draft.door, draft.uploaded_by, bool(draft.client_name)) == ("api", None, True)
    assert Certificate.objects.count() == 0


def test_a_machine_is_told_that_a_document_of_the_rehearsals_place_registers_nothing() -> None:
    answer = send(plain_pdf("Report number: NL-1", "Jurisdictions: MT, ZZ")).json()
    assert {"name": "jurisdictions", "value": "MT;ZZ"} in answer["read"]
    [told] = [one["text"] for one in answer["remarks"] if one["code"] == "rehearsal_place"]
    assert told.startswith("ZZ is for rehearsals: nobody lives there")
    assert Certificate.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("attachment.pdf", ["embedded_file"]),
        ("empty.pdf", ["empty"]),
        ("encrypted.pdf", ["encrypted"]),
        ("openaction.pdf", ["open_action", "javascript"]),
        ("page.pdf", ["not_a_pdf"]),
        ("polyglot.pdf", ["bytes_before_header"]),
        ("truncated.pdf", ["truncated"]),
    ],
)
def test_a_hostile_document_is_refused_with_each_reason(name: str, codes: list[str]) -> None:
    response = send((SAMPLES / "hostile" / name).read_bytes(), name)
    answer = response.json()
    assert (response.status_code, answer["code"]) == (400, "pdf_refused")
    assert [(error["field"], error["code"]) for error in answer["errors"]] == [
        ("document", code) for code in codes
    ]
    assert (Document.objects.count(), CertificateDraft.objects.count()) == (0, 0)
    assert QuarantinedFile.objects.count() == (0 if name == "empty.pdf" else 1)


@pytest.mark.parametrize(("change", "codes"), OUTWARD)
def test_a_document_that_leads_out_of_itself_is_refused(
    change: Callable[[pikepdf.Pdf], None], codes: list[str]
) -> None:
    answer = send(changed_pdf(change)).json()
    assert set(codes) <= {error["code"] for error in answer["errors"]}
    assert (Document.objects.count(), QuarantinedFile.objects.count()) == (0, 1)


@pytest.mark.parametrize(("over", "status"), [(0, 400), (1, 413), (100_000, 413)])
def test_the_size_limit_is_the_documents(over: int, status: int) -> None:
    response = send(b"%PDF-" + b"0" * (MAX_BYTES - 5 + over))
    assert response.status_code == status
    assert Document.objects.count() == 0


def test_another_scope_or_no_token_hands_nothing_in() -> None:
    assert send(plain_pdf(), scopes=(Scope.GATE_READ,)).status_code == 403
    sent = {"document": SimpleUploadedFile("x.pdf", plain_pdf())}
    assert Client().post("/api/v1/certificates", sent).status_code == 401
    assert (Document.objects.count(), QuarantinedFile.objects.count()) == (0, 0)


def test_a_form_with_other_fields_or_no_file_is_refused() -> None:
    extra = send(plain_pdf(), state="registered")
    assert (extra.status_code, extra.json()["errors"][0]["field"]) == (400, "state")
    token = make_api((Scope.CERTIFICATES_WRITE,)).token
    headers = {"Authorization": f"Bearer {token}"}
    for body in ({}, {"document": "text"}):
        response = Client().post("/api/v1/certificates", body, headers=headers)
        assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "document")
    as_json = Client().post("/api/v1/certificates", "{}", "application/json", headers=headers)
    assert as_json.status_code == 415
    assert Document.objects.count() == 0


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({f"field{place}": "x" for place in range(1_001)}, 400, "malformed"),
        ({f"file{place}": BytesIO(b"x") for place in range(101)}, 400, "malformed"),
        ({"document": "x" * 2_700_000}, 413, "body_too_large"),
    ],
    ids=["fields", "files", "text"],
)
def test_a_form_that_nobody_reads_to_its_end_is_refused_like_everything_else(
    form: dict[str, Any], status: int, code: str
) -> None:
    token = make_api((Scope.CERTIFICATES_WRITE,)).token
    headers = {"Authorization": f"Bearer {token}"}
    response = Client().post("/api/v1/certificates", form, headers=headers)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert Document.objects.count() == 0


def test_a_silent_scanner_is_said_and_nothing_is_taken(settings: Any) -> None:
    settings.PITBOSS_VIRUS_SCANNER = "tcp://127.0.0.1:9"
    response = send(plain_pdf())
    assert response.status_code == 503
    assert response.json()["errors"][0]["code"] == "scanner_unavailable"
    assert Document.objects.count() == 0
