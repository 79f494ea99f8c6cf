"""In a bucket as in a folder: evidence leaves only through our pages, and no browser runs it."""

import ast
import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from pydantic import SecretStr

from apps.auditing import services as auditing
from apps.auditing.services.exports import KEPT_FOR
from apps.auditing.tasks import make_exports
from apps.core.errors import StoreUnavailableError
from apps.core.storage import asking_the_store, evidence_storage, store_evidence
from apps.players.models import Player
from apps.providers.models import Document
from apps.reconciliation.models import StatementFile
from apps.reconciliation.services import Upload, import_statement
from apps.staff.models import User
from config.environment import environment
from config.storages import storage_settings
from tests.auditing.export_makers import ask
from tests.auditing.makers import client_of
from tests.core.s3_server import Bucket, s3_server
from tests.factories import make_provider
from tests.reconciliation.files import csv_bytes, row

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = b"<html><script>alert(document.cookie)</script></html>"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    with s3_server() as server:
        env = environment().model_copy(
            update={
                "s3_bucket": "evidence",
                "s3_endpoint_url": server.address,
                "s3_region": "eu-west-1",
                "s3_access_key": SecretStr("key"),
                "s3_secret_key": SecretStr("secret"),
            }
        )
        with override_settings(STORAGES=storage_settings(env, tmp_path)):
            yield server


@pytest.fixture
def browser(auditor: User) -> Client:
    return client_of(auditor)


def content_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def assert_a_file_that_no_browser_runs(answer: Any, content: bytes) -> None:
    assert answer.status_code == 200
    assert content_of(answer) == content
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "no-store" in answer["Cache-Control"]
    assert "text/html" not in answer["Content-Type"]


def test_what_is_stored_is_private_and_an_attachment_even_in_the_bucket(bucket: Bucket) -> None:
    stored = store_evidence(HOSTILE, folder="certificates", suffix=".pdf", now=NOW)
    [(key, (body, headers))] = bucket.objects.items()
    assert key == f"/evidence/{stored.key}"
    assert body == HOSTILE
    assert hashlib.sha256(body).hexdigest() == stored.sha256
    assert headers["content-disposition"] == "attachment"
    assert headers["cache-control"] == "no-store"
    assert "x-amz-acl" not in headers
    with evidence_storage().open(stored.key) as stream:
        assert stream.read() == HOSTILE
    # Nobody gets it from the bucket itself.
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(bucket.address + key)  # noqa: S310 - our own server
    assert [is_signed for _, _, is_signed in bucket.seen].count(False) == 1


def test_a_certificates_document_comes_through_our_page_only(
    bucket: Bucket, browser: Client
) -> None:
    stored = store_evidence(HOSTILE, folder="certificates", suffix=".pdf", now=NOW)
    document = Document.objects.create(
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
        storage_key=stored.key,
        original_name="<script>.pdf",
        page_count=1,
        link_count=0,
        signature_state="none",
        signature_checked_at=NOW,
        created_at=NOW,
    )
    page = reverse("admin:providers_document_download", args=[document.pk])
    answer: Any = browser.get(page, follow=True)
    assert_a_file_that_no_browser_runs(answer, HOSTILE)
    assert bucket.address not in str(answer.headers)
    assert all(bucket.address not in address for address, _ in answer.redirect_chain)


def test_a_statement_is_imported_into_the_bucket_and_comes_back_as_it_came(
    bucket: Bucket, browser: Client, tmp_path: Path
) -> None:
    make_provider()
    content = csv_bytes([row("e-1")])
    file = tmp_path / "rounds.csv"
    file.write_bytes(content)
    wanted = Upload(path=file, name="<script>.csv", provider="aurora", day=date(2026, 11, 18))
    import_statement(wanted, acting_user=None, now=NOW)
    statement = StatementFile.objects.get()
    assert len(bucket.objects) == 2
    page = reverse("admin:reconciliation_statementfile_download", args=[statement.pk])
    assert_a_file_that_no_browser_runs(browser.get(page), content)


def test_an_export_is_made_in_the_bucket_handed_out_and_dropped(
    bucket: Bucket, auditor: User, browser: Client, player: Player, moment: datetime
) -> None:
    export = ask(auditor, moment)
    make_exports()
    export.refresh_from_db()
    assert export.state == "ready"
    page = reverse("admin:auditing_export_download", args=[export.pk])
    answer: Any = browser.get(page, follow=True)
    body, _ = bucket.objects[f"/evidence/{export.storage_key}"]
    assert_a_file_that_no_browser_runs(answer, body)
    auditing.drop_old_files(now=timezone.now() + KEPT_FOR * 2)
    assert bucket.objects == {}


def test_a_bucket_that_does_not_answer_is_no_missing_file(bucket: Bucket) -> None:
    stored = store_evidence(b"x", folder="exports", suffix=".zip", now=NOW)
    bucket.is_away = True
    with pytest.raises(StoreUnavailableError), asking_the_store():
        evidence_storage().open(stored.key).read()
    bucket.is_away = False
    with pytest.raises(FileNotFoundError), asking_the_store():
        evidence_storage().open("exports/none.zip").read()


def test_no_code_of_ours_asks_the_store_for_an_address() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path in Path("apps").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"url", "generate_presigned_url"}
    ]
    assert found == []
