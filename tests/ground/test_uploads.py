"""What a page is sent is judged by its stated length, before a byte of it is parsed."""

import io
import re
from typing import Any, override

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.core.models import AuditEntry
from apps.core.sizes import display_size
from apps.integrity.models import DigestReport
from apps.providers.models import CertificateDraft, QuarantinedFile, TrustedRoot, UploadBatch
from apps.reconciliation.models import StatementFile
from apps.staff.enums import Role
from apps.staff.models import User
from config.uploads import FILES_OF_PAGES, FORM_BYTES, REFUSED, most_bytes
from tests.architecture.layers import REPOSITORY
from tests.factories import make_user

pytestmark = pytest.mark.django_db

MIB = 1024 * 1024
LIMITS = {
    "admin:providers_certificate_add": 10 * MIB,
    "admin:providers_uploadbatch_add": 266 * MIB,
    "admin:providers_trustedroot_add": 64 * 1024,
    "admin:integrity_digestreport_upload": 8 * MIB,
    "admin:reconciliation_statementfile_upload": 1024 * MIB,
}
KEPT = (CertificateDraft, QuarantinedFile, TrustedRoot, UploadBatch, DigestReport, StatementFile)


class Wire(io.RawIOBase):
    """An endless body that counts what is taken of it."""

    def __init__(self, start: bytes = b"") -> None:
        super().__init__()
        self.taken = 0
        self._start = start

    @override
    def read(self, size: int = -1, /) -> bytes:
        assert size >= 0, "the whole of an endless body was asked for"
        start, self._start = self._start[:size], self._start[size:]
        self.taken += size
        return start + b"0" * (size - len(start))


@pytest.fixture
def officer() -> Client:
    # With the check on and its cookie sent, a body is parsed before a view is asked.
    call_command("seed_roles", verbosity=0)
    client = Client(enforce_csrf_checks=True)
    client.cookies["pitboss-csrf"] = "c" * 32
    client.force_login(make_user("olivia", roles=(Role.COMPLIANCE_OFFICER,)))
    return client


def send(client: Client, path: str, body: Wire, **headers: str) -> Any:
    environ: dict[str, Any] = {
        "wsgi.input": body,
        "CONTENT_TYPE": "multipart/form-data; boundary=line",
        "CONTENT_LENGTH": "",
        **headers,
    }
    return client.generic("POST", path, b"", **environ)


def counted(page: str, status: int) -> float:
    return float(REFUSED.labels(page=page, status=str(status))._value.get())


def test_each_form_with_a_file_takes_what_its_files_may_be_and_no_more() -> None:
    assert FILES_OF_PAGES == LIMITS
    assert most_bytes("admin:providers_certificate_add") == 10 * MIB + FORM_BYTES
    assert most_bytes("account_login") == 256 * 1024 + FORM_BYTES


@pytest.mark.parametrize("page", LIMITS)
def test_a_page_knows_how_large_its_files_may_be_and_brings_the_script_that_says_so(
    page: str,
) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    text = client.get(reverse(page)).content.decode()
    files = [int(size) for size in re.findall(r'data-max-bytes="(\d+)"', text)]
    assert (sum(files), text.count('type="file"')) == (LIMITS[page], len(files))
    assert re.search(r'<script src="[^"]*pitboss/upload[^"]*\.js" defer></script>', text)


@pytest.mark.parametrize("page", LIMITS)
def test_a_form_refuses_a_larger_body_unread_and_says_so(officer: Client, page: str) -> None:
    before, entries = counted(page, 413), AuditEntry.objects.count()
    wire = Wire()
    response = send(officer, reverse(page), wire, CONTENT_LENGTH=str(most_bytes(page) + 1))
    assert (response.status_code, wire.taken) == (413, 0)
    text = response.content.decode()
    # The figure that the page itself tells, however much room the form around the files has.
    told = f"{display_size(LIMITS[page])} ({LIMITS[page]:,} bytes)"
    assert f"This page takes at most {told}." in text
    assert "Nothing of what you sent was read or kept." in text
    assert f'href="{reverse(page)}"' in text
    assert counted(page, 413) == before + 1
    assert [model.objects.count() for model in KEPT] == [0] * len(KEPT)
    assert AuditEntry.objects.count() == entries


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("admin:providers_certificate_add", ["10 MiB"]),
        ("admin:providers_uploadbatch_add", ["256 MiB", "10 MiB"]),
        ("admin:providers_trustedroot_add", ["64 KiB"]),
        ("admin:integrity_digestreport_upload", ["8 MiB"]),
        ("admin:reconciliation_statementfile_upload", ["1 GiB"]),
    ],
)
def test_a_form_tells_the_limit_by_which_it_is_refused(page: str, told: list[str]) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    text = client.get(reverse(page)).content.decode()
    sizes = [int(size) for size in re.findall(r'data-max-bytes="(\d+)"', text)]
    assert [display_size(size) for size in sizes] == told
    assert all(re.search(f"[Aa]t most {size}", text) for size in told)


@pytest.mark.parametrize("page", ["account_login", "admin:players_player_changelist"])
def test_a_page_without_a_file_takes_none_from_anybody(page: str) -> None:
    wire = Wire()
    stated = str(most_bytes(page) + 1)
    response = send(Client(enforce_csrf_checks=True), reverse(page), wire, CONTENT_LENGTH=stated)
    assert (response.status_code, wire.taken) == (413, 0)


@pytest.mark.parametrize(
    "headers", [{"HTTP_TRANSFER_ENCODING": "chunked"}, {"CONTENT_LENGTH": "-1"}]
)
def test_a_body_that_does_not_state_its_length_is_refused_unread(
    officer: Client, headers: dict[str, str]
) -> None:
    page = "admin:integrity_digestreport_upload"
    before = counted(page, 411)
    wire = Wire()
    response = send(officer, reverse(page), wire, **headers)
    assert (response.status_code, wire.taken) == (411, 0)
    assert "says beforehand how large it is" in response.content.decode()
    assert counted(page, 411) == before + 1
    assert DigestReport.objects.count() == 0


def test_a_body_that_goes_on_after_its_stated_length_is_left_there(officer: Client) -> None:
    page = "admin:providers_trustedroot_add"
    start = (
        b'--line\r\nContent-Disposition: form-data; name="file"; filename="root.pem"\r\n'
        b"Content-Type: application/x-pem-file\r\n\r\n"
    )
    wire = Wire(start)
    response = send(officer, reverse(page), wire, CONTENT_LENGTH=str(most_bytes(page)))
    # Without its end the form lacks the token of the CSRF check.
    assert (response.status_code, wire.taken) == (403, most_bytes(page))
    assert TrustedRoot.objects.count() == 0


def test_a_request_without_a_body_needs_no_length(officer: Client) -> None:
    wire = Wire()
    assert send(officer, reverse("admin:providers_certificate_add"), wire).status_code == 403
    assert wire.taken == 0


def test_every_form_with_a_file_is_named_with_its_limit() -> None:
    """A form with a file that nobody named here would refuse what it asks for."""
    modules = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "apps").rglob("*.py")
        if "forms.FileField(" in path.read_text()
    }
    assert modules == {
        "apps/integrity/admin.py",
        "apps/providers/admin/batches.py",
        "apps/providers/admin/roots.py",
        "apps/providers/admin/upload.py",
        "apps/reconciliation/admin/statements.py",
    }
