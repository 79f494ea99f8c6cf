"""What a finance analyst sees and may do."""

from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.core.models import AuditEntry
from apps.reconciliation import home, services
from apps.reconciliation.models import Break, ReconciliationRun, StatementFile
from tests.factories import make_provider, make_user
from tests.forms import assert_kept
from tests.reconciliation.booking import make_event
from tests.reconciliation.files import DAY, csv_bytes, row

pytestmark = pytest.mark.django_db

NOBODY: Any = None  # the cards ask nothing of a request

VIEWS = tuple(
    f"reconciliation.view_{name}"
    for name in (
        "break",
        "breakchange",
        "pullcursor",
        "pulledpage",
        "reconciliationrun",
        "statementfile",
    )
)
WORKS = ("reconciliation.import_statement", "reconciliation.run_reconciliation")


def client_of(*permissions: str) -> Client:
    client = Client()
    client.force_login(
        make_user(permissions=permissions), backend="django.contrib.auth.backends.ModelBackend"
    )
    return client


def upload(client: Client, content: bytes, name: str = "rounds.csv") -> str:
    page = reverse("admin:reconciliation_statementfile_upload")
    answer = client.post(
        page, {"provider": "aurora", "file": SimpleUploadedFile(name, content)}, follow=True
    )
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture(autouse=True)
def _aurora() -> None:
    make_provider("aurora")


def test_an_analyst_imports_reconciles_and_reads_the_breaks(now: datetime) -> None:
    client = client_of(*VIEWS, *WORKS)
    make_event("aurora", "evt-first")

    page = upload(
        client, csv_bytes([row("evt-first", bet="2.50"), row("evt-twice"), row("evt-twice")])
    )
    assert "3 rows of 2026-11-18 taken" in page
    statement = StatementFile.objects.get()
    done = client.post(
        reverse("admin:reconciliation_statementfile_do", args=[statement.pk, "reconcile"]),
        {"reason": "Daily work"},
        follow=True,
    )
    assert "2 breaks" in done.content.decode()

    run = ReconciliationRun.objects.get()
    assert run.started_by is not None
    shown = client.get(reverse("admin:reconciliation_reconciliationrun_change", args=[run.pk]))
    assert "Above 0.1 %" in shown.content.decode()
    assert "6.50 AUD" in shown.content.decode()
    found = Break.objects.get(event_id="evt-first")
    both = client.get(reverse("admin:reconciliation_break_change", args=[found.pk]))
    assert "2.00 AUD" in both.content.decode()
    assert "2.50 AUD" in both.content.decode()
    for model in ("break", "reconciliationrun", "statementfile", "pullcursor", "pulledpage"):
        page_url = reverse(f"admin:reconciliation_{model}_changelist")
        assert client.get(page_url).status_code == 200
    listed = client.get(
        reverse("admin:reconciliation_break_changelist"),
        {"break_class": "duplicate", "day": str(DAY), "state": "open"},
    ).content.decode()
    assert "evt-twice" in listed
    assert "evt-first" not in listed


def test_a_refused_upload_keeps_what_was_typed_and_leads_to_its_report(now: datetime) -> None:
    client, page = (
        client_of(*VIEWS, *WORKS),
        reverse("admin:reconciliation_statementfile_upload"),
    )
    make_provider("borealis")
    typed = {"provider": "borealis", "day": str(DAY)}
    bad = SimpleUploadedFile("bad.csv", csv_bytes([row("<script>e", bet="1,5")]))

    answer = client.post(page, {**typed, "file": bad})

    assert_kept(answer, typed, beside="file", says="1 of 1 rows are bad")
    statement = StatementFile.objects.get()
    assert statement.state == "refused"
    report = reverse("admin:reconciliation_statementfile_change", args=[statement.pk])
    assert f'href="{report}"' in answer.content.decode()
    text = client.get(report).content.decode()
    assert "Parse report" in text
    assert "<script>e" not in text


def test_a_file_of_another_day_is_refused_beside_the_day_that_was_typed() -> None:
    client, page = (
        client_of(*VIEWS, *WORKS),
        reverse("admin:reconciliation_statementfile_upload"),
    )
    typed = {"provider": "aurora", "day": "2026-11-01"}
    file = SimpleUploadedFile("rounds.csv", csv_bytes([row("e-1")]))

    answer = client.post(page, {**typed, "file": file})

    assert_kept(answer, typed, beside="day", says="Given as 2026-11-01, but most rows are of")
    assert StatementFile.objects.get().state == "refused"


def test_the_file_comes_back_as_it_came_and_never_as_a_page() -> None:
    client = client_of(*VIEWS, *WORKS)
    content = csv_bytes([row("e-1")])
    upload(client, content)
    url = reverse(
        "admin:reconciliation_statementfile_download", args=[StatementFile.objects.get().pk]
    )

    answer = client.get(url)

    assert answer.getvalue() == content
    assert answer["content-disposition"].startswith("attachment")
    assert answer["content-type"] == "application/octet-stream"
    assert client_of("reconciliation.view_break").get(url).status_code == 403


def test_who_only_reads_can_neither_import_nor_reconcile(now: datetime) -> None:
    reader = client_of(*VIEWS)
    services.reconcile(provider_code="aurora", day=DAY, acting_user=None, now=now)
    run = ReconciliationRun.objects.get()

    page = reader.get(reverse("admin:reconciliation_statementfile_upload"))
    again = reader.post(
        reverse("admin:reconciliation_reconciliationrun_do", args=[run.pk, "reconcile-again"]),
        {"reason": "Because I can"},
    )

    assert page.status_code == 403
    assert again.status_code == 403
    assert ReconciliationRun.objects.count() == 1
    works = client_of(*VIEWS, *WORKS)
    words = {"reason": "They sent the file anew."}
    url = reverse("admin:reconciliation_reconciliationrun_do", args=[run.pk, "reconcile-again"])
    assert works.post(url, words).status_code == 302
    told = AuditEntry.objects.filter(action="reconciliation.day_reconciled").order_by("pk")
    assert list(told.values_list("reason", flat=True)) == ["", words["reason"]]
    assert Permission.objects.filter(codename="import_statement").exists()


def test_the_home_cards_say_what_waits(now: datetime, rf: object) -> None:
    services.reconcile(provider_code="aurora", day=DAY, acting_user=None, now=now)
    missing = home.missing_statements_card(NOBODY)
    assert missing.value == "1"
    assert "no statement" in missing.rows[0].meta

    upload(client_of(*VIEWS, *WORKS), csv_bytes([row("e-1")]))
    services.reconcile(provider_code="aurora", day=DAY, acting_user=None, now=now)
    opened = home.open_breaks_card(NOBODY)
    assert opened.value == "1"
    assert opened.rows[0].title == f"Aurora, {DAY}"
    assert home.missing_statements_card(NOBODY).value == "0"
    assert home.refused_statements_card(NOBODY).value == "0"
