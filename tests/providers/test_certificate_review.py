"""From an upload to a certificate: a draft, a person's word on each field, one decision."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client

from apps.core.errors import StoreUnavailableError
from apps.core.models import AuditEntry
from apps.providers.enums import Door
from apps.providers.errors import (
    CertificateConflictError,
    CertificateEntryError,
    DraftFieldsError,
    DraftStateError,
)
from apps.providers.models import (
    Certificate,
    CertificateDraft,
    CriticalFile,
    Document,
    DraftField,
    Lab,
    Provider,
)
from apps.providers.pdf.page_image import page_png
from apps.providers.pdf.text import stated_facts
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register.compare import stated_result
from apps.providers.register.entries import read_entry
from apps.providers.register.reading import (
    FIELD_NAMES,
    FIELDS,
    LIST_FIELDS,
    as_lines,
    read_fields,
)
from apps.providers.register.suppliers import is_same_company
from apps.providers.selectors.coverage import cover_for
from apps.providers.selectors.drafts import draft_remarks, lab_proposals, provider_proposals
from apps.providers.services import store
from apps.providers.services.certificates import (
    Registration,
    register_certificate,
    withdraw_certificate,
)
from apps.providers.services.drafts import (
    Decision,
    Upload,
    confirm_fields,
    discard_draft,
    open_draft,
    register_draft,
)
from apps.providers.services.import_register import ImportRequest, import_folder
from apps.providers.services.intake import Sender
from tests.factories import make_game, make_provider, make_user
from tests.providers.certificate_files import SAMPLES, plain_pdf
from tests.providers.test_certificate_admin import OFFICER
from tests.providers.test_certificate_import import LATER, ROW
from tests.races import race

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("evidence")]


@pytest.fixture
def olivia() -> Any:
    return make_user("olivia", permissions=OFFICER)


@pytest.fixture
def officer(olivia: Any) -> Client:
    client = Client()
    client.force_login(olivia)
    return client


@pytest.fixture
def sender(vetter: PdfVetter, now: datetime, olivia: Any) -> Sender:
    return Sender(Door.FORM, olivia, now, vetter)


def opened(sender: Sender, name: str, **given: str) -> CertificateDraft:
    data = (SAMPLES / name).read_bytes()
    return open_draft(Upload(data, name, given), sender).draft


def proposed(draft: CertificateDraft, **corrected: str) -> dict[str, str]:
    values = dict(draft.fields.values_list("name", "extracted_value"))
    return {**values, "lab": values["lab"].title(), "provider": "aurora", **corrected}


def confirmed(draft: CertificateDraft, sender: Sender, **corrected: str) -> None:
    confirm_fields(
        draft_id=draft.pk,
        values=proposed(draft, **corrected),
        acting_user=_user(sender),
        now=sender.now,
    )


def _user(sender: Sender) -> Any:
    assert sender.acting_user is not None
    return sender.acting_user


def decided(draft: CertificateDraft, sender: Sender, *, is_new_lab: bool = True) -> Decision:
    return Decision(draft.pk, _user(sender), "Came from the lab.", sender.now, is_new_lab)


def stored(evidence: Path) -> list[Path]:
    return [path for path in evidence.rglob("*") if path.is_file()] if evidence.exists() else []


def test_everything_a_report_states_is_read_with_its_place_on_the_page(sender: Sender) -> None:
    fields = {item.name: item for item in opened(sender, "slots-a.pdf").fields.all()}
    read = {name: item.extracted_value for name, item in fields.items()}
    assert tuple(fields) == FIELD_NAMES
    assert read == {
        "report_number": "STL-GAM-25-0441",
        "revision": "1",
        "lab": "SAMPLE TEST LABORATORY",
        "kind": "game",
        "provider": "Aurora Studios Ltd",
        "standards": "GLI-19 v3.0",
        "jurisdictions": "MT;AU-NT",
        "issued_on": "2025-03-02",
        "effective_on": "",
        "expires_on": "2027-03-02",
        "review_due_on": "",
        "result": "complies",
        "games": ";".join(f"aurora-slot-0{number}" for number in range(1, 6)),
        "builds": ";".join(
            f"aurora-slot-0{number} 3.{number - 1}.2 HTML5" for number in range(1, 6)
        ),
        "rtp_variants": "96.10;94.00;92.00",
        "critical_files": "core-0.bin SHA-1 b73117caec603ff7d2a01d0385b1ad74bb46f05e;"
        "core-1.bin SHA-1 eac58c6b493454b8f7b3eb2614561c58629ab150;"
        "core-2.bin SHA-1 0e85960727056b2b69175953148d410084eda830",
        "conditions": "relates only to the items tested and the configuration declared.",
        "signatory": "R. Hallam, Test Manager",
    }
    assert all(item.page == 1 for name, item in fields.items() if read[name])
    box: dict[str, Any] = {name: item.box for name, item in fields.items()}
    left, top, width, height = box["expires_on"]
    assert 0 < left < left + width < 1
    assert 0 < top < top + height < 1
    assert top > box["issued_on"][1] > box["report_number"][1]


def test_a_draft_covers_nothing_until_a_person_has_confirmed_each_field(
    sender: Sender, vetter: PdfVetter, now: datetime
) -> None:
    game = make_game(make_provider(), "aurora-slot-01")
    draft = opened(sender, "slots-a.pdf")
    on = now.date()
    assert not cover_for(game.pk, "MT", on).allowed
    confirm_fields(
        draft_id=draft.pk,
        values={name: value for name, value in proposed(draft).items() if name != "games"},
        acting_user=_user(sender),
        now=now,
    )
    with pytest.raises(DraftFieldsError) as refused:
        register_draft(decided(draft, sender), vetter)
    assert refused.value.problems == {"games": "Games: nobody has confirmed it."}
    assert Certificate.objects.count() == 0

    confirmed(draft, sender, builds="")
    certificate = register_draft(decided(draft, sender), vetter)
    draft.refresh_from_db()
    assert (draft.state, draft.certificate, draft.decided_by) == (
        "registered",
        certificate,
        _user(sender),
    )
    assert cover_for(game.pk, "MT", on).allowed
    assert certificate.signatory == "R. Hallam, Test Manager"
    assert certificate.conditions.startswith("relates only")


def test_builds_and_critical_files_come_from_the_document(
    sender: Sender, vetter: PdfVetter
) -> None:
    draft = opened(sender, "slots-a.pdf")
    confirmed(draft, sender)
    certificate = register_draft(decided(draft, sender), vetter)
    builds = certificate.builds.order_by("game_code")
    assert [str(build) for build in builds][:2] == ["aurora-slot-01 3.0.2", "aurora-slot-02 3.1.2"]
    assert {build.channel for build in builds} == {"any"}
    files = CriticalFile.objects.filter(build=builds[0]).order_by("path")
    assert next((item.path, item.algorithm, item.digest) for item in files) == (
        "core-0.bin",
        "sha1",
        "b73117caec603ff7d2a01d0385b1ad74bb46f05e",
    )
    assert CriticalFile.objects.filter(build__certificate=certificate).count() == 15


def test_what_was_read_and_what_a_person_said_are_both_kept(sender: Sender) -> None:
    draft = opened(sender, "baccarat.pdf")
    confirmed(draft, sender)
    confirmed(draft, sender, expires_on="2028-02-09")
    item = draft.fields.get(name="expires_on")
    assert (item.extracted_value, item.confirmed_value) == ("2028-02-10", "2028-02-09")
    assert (item.confirmed_by, item.confirmed_at) == (_user(sender), sender.now)
    versions = DraftField.history.filter(id=item.pk).order_by("history_id")
    assert [version.confirmed_value for version in versions] == ["2028-02-10", "2028-02-09"]
    entries = AuditEntry.objects.filter(action="providers.draft.confirmed").order_by("pk")
    assert entries[1].details == {"fields": ["expires_on"]}


def test_each_ill_formed_field_is_named_and_nothing_is_registered(
    sender: Sender, vetter: PdfVetter
) -> None:
    draft = opened(sender, "baccarat.pdf")
    confirmed(
        draft,
        sender,
        expires_on="2020-01-01",
        jurisdictions="Malta",
        revision="one",
        builds="aurora-baccarat-01",
        critical_files="core-0.bin SHA-1 beef",
        result="splendid",
        effective_on="2020-01-01",
    )
    with pytest.raises(DraftFieldsError) as refused:
        register_draft(decided(draft, sender), vetter)
    assert set(refused.value.problems) == {
        *("builds", "critical_files", "effective_on", "expires_on"),
        *("jurisdictions", "result", "revision"),
    }
    assert (Certificate.objects.count(), Lab.objects.count()) == (0, 0)


def test_the_same_file_twice_is_one_draft_and_one_object(sender: Sender, evidence: Path) -> None:
    data = (SAMPLES / "baccarat.pdf").read_bytes()
    first = open_draft(Upload(data, "a.pdf"), sender)
    again = open_draft(Upload(data, "b.pdf"), sender)
    assert (first.is_new, again.is_new, again.draft) == (True, False, first.draft)
    assert len(stored(evidence)) == Document.objects.count() == 1


def test_a_decided_draft_is_decided(sender: Sender, vetter: PdfVetter) -> None:
    draft = opened(sender, "baccarat.pdf")
    discard_draft(decided(draft, sender))
    with pytest.raises(DraftStateError):
        discard_draft(decided(draft, sender))
    with pytest.raises(DraftStateError):
        confirmed(draft, sender)
    with pytest.raises(DraftStateError):
        register_draft(decided(draft, sender), vetter)
    assert Certificate.objects.count() == 0
    assert opened(sender, "baccarat.pdf") != draft


def test_a_person_says_that_a_report_has_no_end_where_a_row_cannot(
    sender: Sender, vetter: PdfVetter
) -> None:
    data = plain_pdf(*[line.replace("2028-01-01", "Not applicable (see 3.2)") for line in LATER])
    row = read_entry({**ROW, "expires_on": ""})
    registration = Registration(_user(sender), "From the lab.", sender.now, vetter)
    with pytest.raises(CertificateEntryError, match="or register it by review where that is none"):
        register_certificate(row, data, registration)
    draft = open_draft(Upload(data, "a.pdf"), sender).draft
    confirmed(draft, sender, expires_on="", critical_files="")
    report = register_draft(decided(draft, sender), vetter)
    assert (report.expires_on, report.review_due_on) == (None, date(2027, 1, 1))


def test_a_person_who_says_otherwise_than_what_is_on_file_is_not_told_that_it_is_the_same(
    sender: Sender, vetter: PdfVetter
) -> None:
    data = plain_pdf(*LATER)
    registration = Registration(_user(sender), "From the lab.", sender.now, vetter)
    row = read_entry({**ROW, "expires_on": ""})
    assert register_certificate(row, data, registration).certificate.expires_on == date(2028, 1, 1)
    draft = open_draft(Upload(data, "a.pdf"), sender).draft
    confirmed(draft, sender, expires_on="", critical_files="")
    with pytest.raises(CertificateConflictError, match="expires_on is 2028-01-01, given was empty"):
        register_draft(decided(draft, sender), vetter)


def test_an_unknown_laboratory_is_only_made_when_a_person_says_that_it_is_new(
    sender: Sender, vetter: PdfVetter, now: datetime
) -> None:
    Lab.objects.create(name="Blue Lake Testing", created_at=now)
    draft = opened(sender, "baccarat.pdf")
    confirmed(draft, sender, lab="Blue Lake Testings")
    with pytest.raises(DraftFieldsError, match="97 % like Blue Lake Testing"):
        register_draft(decided(draft, sender, is_new_lab=False), vetter)
    confirmed(draft, sender, lab="Blue Lake Testing")
    register_draft(decided(draft, sender, is_new_lab=False), vetter)
    assert Lab.objects.count() == 1


def test_known_names_are_proposed_and_strangers_are_not(now: datetime) -> None:
    for name in ("Sample Test Laboratory", "Blue Lake Testing"):
        Lab.objects.create(name=name, created_at=now)
    make_game(make_provider(), "aurora-slot-01")
    assert [(p.value, p.percent) for p in lab_proposals("SAMPLE TEST LABORATORY")] == [
        ("Sample Test Laboratory", 100)
    ]
    assert lab_proposals("Simple Test Laboratory")[0].value == "Sample Test Laboratory"
    assert lab_proposals("Gaming Associates") == []
    assert [p.value for p in provider_proposals("Nobody Ltd", ["aurora-slot-01"])] == ["aurora"]
    assert provider_proposals("Nobody Ltd", ["other-01"]) == []


def codes(draft: CertificateDraft, now: datetime, **corrected: str) -> set[str]:
    remarks = draft_remarks(draft.document, proposed(draft, **corrected), now.date())
    return {remark.code for remark in remarks}


def test_conflicts_with_what_is_on_file_are_said_before_registering(
    sender: Sender, vetter: PdfVetter, now: datetime
) -> None:
    provider = make_provider()
    for number in (1, 2):
        make_game(provider, f"aurora-baccarat-0{number}")
    draft = opened(sender, "baccarat.pdf")
    assert codes(draft, now) == set()
    confirmed(draft, sender)
    register_draft(decided(draft, sender), vetter)

    again = opened(sender, "baccarat.pdf")
    assert codes(again, now) == {"duplicate_file"}
    other = open_draft(Upload(plain_pdf("Other"), "other.pdf"), sender).draft
    same = proposed(again)
    # The fields of a report that is on file already, said of another document.
    assert "duplicate_number" in codes(other, now, **same)
    values = same
    assert "older_revision" not in codes(other, now, **{**values, "revision": "1"})
    assert "revision_missing" in codes(other, now, **{**values, "revision": "2"})
    assert "number_of_another_lab" in codes(other, now, **{**values, "lab": "Elsewhere"})
    assert "overlap" in codes(other, now, **{**values, "report_number": "BLT/2026/0999"})
    assert "ended" in codes(other, now, **{**values, "expires_on": "2026-03-01"})
    assert "issued_in_future" in codes(other, now, **{**values, "issued_on": "2030-03-01"})
    assert "unknown_provider" in codes(other, now, **{**values, "provider": "nobody"})


def test_the_page_says_what_a_revision_adds_and_takes_away(
    officer: Client, sender: Sender, vetter: PdfVetter
) -> None:
    make_provider()
    first = opened(sender, "slots-c-expired.pdf")
    confirmed(first, sender)
    register_draft(decided(first, sender), vetter)
    renewal = opened(sender, "slots-c-renewal.pdf")
    response = officer.get(f"/admin/providers/certificatedraft/{renewal.pk}/change/")
    changes = {change.name: change for change in response.context["changes"]}
    assert (changes["Games"].removed, changes["Games"].added) == (("aurora-slot-12",), ())
    assert (changes["Valid through"].before, changes["Valid through"].after) == (
        "2026-10-01",
        "2028-09-14",
    )
    assert set(changes) == {"Games", "Issued on", "Valid through"}
    assert '<del class="pb-gone">aurora-slot-12</del>' in response.content.decode()


@pytest.mark.parametrize(
    ("code", "name", "note"),
    [
        ("aurora", "Aurora Studios", "The document says 'Aurora Studios Ltd'; proposed is aurora"),
        ("boreal", "Boreal Games plc", "The spreadsheet and the document differ."),
    ],
)
def test_a_providers_code_is_held_against_the_supplier_by_its_name_on_file(
    officer: Client, sender: Sender, code: str, name: str, note: str
) -> None:
    provider = make_provider("aurora")
    Provider.objects.filter(pk=provider.pk).update(name="Aurora Studios")
    if code != "aurora":
        Provider.objects.filter(pk=make_provider(code).pk).update(name=name)
    draft = opened(sender, "baccarat.pdf", provider=code)
    rows = officer.get(f"/admin/providers/certificatedraft/{draft.pk}/change/").context["rows"]
    [row] = [row for row in rows if row.kind.name == "provider"]
    assert row.note.startswith(note)


@pytest.mark.parametrize(
    ("supplier", "name", "is_same"),
    [
        ("Aurora Studios Ltd", "Aurora Studios", True),
        ("AURORA STUDIOS LIMITED", "Aurora Studios, Ltd.", True),
        ("Aurora Studios S.A.", "aurora", True),
        ("Aurora Studios", "Aurora Games", False),
        ("Somebody Else Ltd", "aurora", False),
        ("Limited", "Limited", True),
        ("", "aurora", False),
        ("-", "-", False),
    ],
)
def test_a_company_is_the_same_by_its_name_without_its_form(
    supplier: str, name: str, is_same: bool
) -> None:
    assert is_same_company(supplier, name) is is_same
    assert is_same_company(name, supplier) is is_same


CLEAN = (
    "COMPLIES",
    "Complies.",
    "compliant",
    "PASS",
    "Passed",
    "Conforms",
    "Pass/Fail: PASS",
    "Pass\nResult: PASS\nResult: Complies",
)
FAILED = (
    "FAIL",
    "Pass/Fail: FAIL",
    "Passed: NO",
    "Compliant: no",
    "PASSED, 2 failures",
    "Does not comply",
    "Non-compliant",
    "not compliant",
    "Rejected",
)
UNCLEAR = (
    "Complies with exceptions, see 4.2",
    "Complies\nwith exceptions, see 4.2",
    "Pass\nOf annex B\nResult: Fail",
    "Pass\nOf annex B\nResult: see annex",
    "Pass" + " " * 600 + "with exceptions",
    "Not applicable",
    "Conditional",
    "Passed: YES",
    "PASSED, no failures",
    "see annex",
)


@pytest.mark.parametrize(
    ("word", "result"),
    [
        *((word, "complies") for word in CLEAN),
        *((word, "does_not_comply") for word in FAILED),
        *((word, "not_stated") for word in UNCLEAR),
    ],
)
def test_only_a_clean_pass_is_read_as_one(word: str, result: str) -> None:
    facts = stated_facts(f"Lab\nResult: {word}\n")
    assert stated_result(facts) == result
    assert read_fields(facts)["result"] == ("" if result == "not_stated" else result)


def test_a_result_that_is_no_clean_word_is_left_to_the_person(
    officer: Client, sender: Sender
) -> None:
    data = plain_pdf("Lab One", "Report number: L-1", "Result: Complies with exceptions, see 4.2")
    draft = open_draft(Upload(data, "a.pdf", {}), sender).draft
    page = f"/admin/providers/certificatedraft/{draft.pk}/change/"
    [row] = [r for r in officer.get(page).context["rows"] if r.kind.name == "result"]
    assert row.value == ""
    assert row.note == "It can't be told for certain from the document: read the page."
    named = plain_pdf("Lab One", "Report number: L-2", "Result: Complies with exceptions, see 4.2")
    given = open_draft(Upload(named, "b.pdf", {"result": "complies"}), sender).draft
    page = f"/admin/providers/certificatedraft/{given.pk}/change/"
    [row] = [r for r in officer.get(page).context["rows"] if r.kind.name == "result"]
    assert (row.value, row.note_tone) == ("complies", "warning")
    assert row.note.startswith("The spreadsheet says so; the document does not say it for certain")


def posted(draft: CertificateDraft, *names: str, **corrected: str) -> dict[str, str]:
    values = proposed(draft, **corrected)
    boxes = {
        f"value-{name}": as_lines(value) if name in LIST_FIELDS else value
        for name, value in values.items()
    }
    return {**boxes, **{f"right-{name}": "yes" for name in names}}


def test_a_draft_that_names_the_rehearsals_place_says_so_and_is_not_registered(
    officer: Client, sender: Sender, now: datetime
) -> None:
    make_provider()
    draft = opened(sender, "baccarat.pdf")
    assert "rehearsal_place" in codes(draft, now, jurisdictions="MT;ZZ")
    page = f"/admin/providers/certificatedraft/{draft.pk}/change/"
    sent = posted(draft, *FIELD_NAMES, jurisdictions="MT;ZZ")
    ending = {"do": "register", "reason": "From the lab's portal.", "new_lab": "yes"}
    refused = officer.post(page, {**sent, **ending})
    assert refused.status_code == 400
    text = " ".join(refused.content.decode().split())
    assert "jurisdictions holds ZZ, which is for rehearsals: nobody lives there" in text
    assert "ZZ is for rehearsals: nobody lives there, and nothing real is of it" in text
    assert (Certificate.objects.count(), Lab.objects.count()) == (0, 0)

    done = officer.post(page, {**posted(draft, *FIELD_NAMES, jurisdictions="MT"), **ending})
    assert done.status_code == 302
    assert [str(place) for place in Certificate.objects.get().jurisdictions.all()] == ["MT"]


def test_an_officer_confirms_and_registers_in_the_browser(officer: Client) -> None:
    make_provider()
    data = (SAMPLES / "baccarat.pdf").read_bytes()
    sent = {"document": SimpleUploadedFile("baccarat.pdf", data)}
    page = officer.post("/admin/providers/certificate/add/", sent)["Location"]
    draft = CertificateDraft.objects.get()
    text = officer.get(page).content.decode()
    assert "0 of 18 fields confirmed" in text
    assert "R. Hallam, Test Manager" in text

    officer.post(page, {**posted(draft, "lab", "kind"), "do": "save"})
    assert draft.fields.filter(confirmed_at__isnull=False).count() == 2
    ending = {"do": "register", "reason": "From the lab's portal."}
    refused = officer.post(page, {**posted(draft, *FIELD_NAMES), **ending})
    assert refused.status_code == 400
    assert "is no known laboratory" in refused.content.decode()
    assert draft.fields.filter(confirmed_at__isnull=False).count() == 18
    unsaid = {**posted(draft, *FIELD_NAMES), "do": "register", "reason": " ", "new_lab": "yes"}
    page_again = officer.post(page, unsaid).content.decode()
    assert '<p class="pb-field-error">Say why, in a few words' in page_again
    assert 'name="new_lab" value="yes" checked' in page_again
    assert not Certificate.objects.exists()

    # Confirmed before, and not called right by the one who registers.
    doubted = {**posted(draft, *FIELD_NAMES), **ending, "new_lab": "yes"}
    del doubted["right-expires_on"]
    page_again = officer.post(page, {**doubted, "value-expires_on": "2027-02-10"}).content.decode()
    assert "Valid through: it is not ticked as right." in page_again
    assert not Certificate.objects.exists()

    other = {"document": SimpleUploadedFile("t.pdf", (SAMPLES / "tables.pdf").read_bytes())}
    next_page = officer.post("/admin/providers/certificate/add/", other)["Location"]
    done = officer.post(page, {**posted(draft, *FIELD_NAMES), **ending, "new_lab": "yes"})
    certificate = Certificate.objects.get()
    assert done["Location"] == f"/admin/providers/certificate/{certificate.pk}/change/"
    version = Certificate.history.get()
    assert (str(version.history_user), version.history_change_reason) == (
        "olivia",
        "From the lab's portal.",
    )
    assert {str(item) for item in certificate.games.all()} == {
        "aurora-baccarat-01",
        "aurora-baccarat-02",
    }
    after = officer.get(page).content.decode()
    assert f'<a href="{next_page}">Review the next of 1</a>' in after
    assert "Registered as" in after
    assert 'name="do"' not in after


def test_a_page_is_a_picture_that_carries_nothing_else(officer: Client, sender: Sender) -> None:
    draft = opened(sender, "tables.pdf")
    response = officer.get(f"/admin/providers/certificatedraft/{draft.pk}/page/1/")
    assert response.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert (response["Content-Type"], response["Content-Security-Policy"]) == (
        "image/png",
        "sandbox; default-src 'none'",
    )
    assert "no-store" in response["Cache-Control"]
    assert officer.get(f"/admin/providers/certificatedraft/{draft.pk}/page/2/").status_code == 404
    assert officer.get("/admin/providers/certificatedraft/99/page/1/").status_code == 404


def test_what_is_no_pdf_has_no_picture() -> None:
    assert page_png(b"no pdf", 1) is None
    assert page_png(plain_pdf(), 9) is None


def test_who_may_read_changes_nothing_and_a_stranger_sees_nothing(sender: Sender) -> None:
    draft = opened(sender, "baccarat.pdf")
    page = f"/admin/providers/certificatedraft/{draft.pk}/change/"
    reader, stranger = Client(), Client()
    reader.force_login(make_user("rita", permissions=("providers.view_certificatedraft",)))
    stranger.force_login(make_user("steve"))
    shown = reader.get(page)
    assert shown.status_code == 200
    assert 'name="do"' not in shown.content.decode()
    for client in (reader, stranger):
        assert client.post(page, {**posted(draft, *FIELD_NAMES), "do": "save"}).status_code == 403
    assert stranger.get(page).status_code == 403
    assert stranger.get(f"{page[:-7]}page/1/").status_code == 403
    assert not draft.fields.filter(confirmed_at__isnull=False).exists()


def test_a_store_that_does_not_answer_leaves_no_row(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_order(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store, "store_evidence", out_of_order)
    with pytest.raises(StoreUnavailableError):
        opened(sender, "baccarat.pdf")
    assert (Document.objects.count(), CertificateDraft.objects.count()) == (0, 0)


def test_the_database_refuses_what_the_services_refuse(sender: Sender) -> None:
    draft = opened(sender, "baccarat.pdf")
    rows = CertificateDraft.objects.filter(pk=draft.pk)
    item = DraftField.objects.filter(draft=draft, name="games")
    by: Any = {"decided_at": sender.now, "decided_by": sender.acting_user, "reason": "x"}
    attempts: list[tuple[Callable[[], Any], str]] = [
        (lambda: rows.update(state="registered", **by), "registered_with_its_certificate"),
        (lambda: rows.update(state="discarded"), "decided_by_a_person_with_a_reason"),
        (lambda: rows.update(state="lost", **by), "draft_state_is_known"),
        (lambda: item.update(confirmed_at=sender.now), "confirmed_by_a_person"),
        (
            lambda: CertificateDraft.objects.create(
                document=draft.document, door="form", file_name="x", created_at=sender.now
            ),
            "open_once_per_document",
        ),
        (
            lambda: DraftField.objects.create(draft=draft, name="games"),
            "field_once_per_draft",
        ),
    ]
    for attempt, name in attempts:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            attempt()
    guarded_ones: list[Callable[[], Any]] = [
        lambda: item.update(extracted_value="aurora-slot-99"),
        lambda: item._raw_delete("default"),
        lambda: rows._raw_delete("default"),
    ]
    for guarded in guarded_ones:
        with pytest.raises(Exception, match="pgtrigger: Cannot"), transaction.atomic():
            guarded()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_officers_who_register_one_draft_at_once_make_one_certificate(
    sender: Sender, vetter: PdfVetter
) -> None:
    draft = opened(sender, "baccarat.pdf")
    confirmed(draft, sender)
    other = replace(decided(draft, sender), acting_user=make_user("otto", permissions=OFFICER))
    outcomes = race(
        [partial(register_draft, decision, vetter) for decision in (decided(draft, sender), other)]
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "Certificate",
        "DraftStateError",
    ]
    assert Certificate.objects.count() == 1


def test_the_certificate_says_who_confirmed_each_field_when_and_from_which_page(
    officer: Client, sender: Sender, vetter: PdfVetter
) -> None:
    draft = opened(sender, "baccarat.pdf")
    confirmed(draft, sender, expires_on="2028-02-09")
    certificate = register_draft(decided(draft, sender), vetter)
    page = officer.get(f"/admin/providers/certificate/{certificate.pk}/change/")
    (panel,) = [one for one in page.context["panels"] if one.title == "Confirmed by"]
    rows = {row[0]: row for row in panel.rows}
    assert set(rows) == {kind.label for kind in FIELDS}
    assert [row[2] for row in rows.values()] == ["olivia"] * len(FIELDS)
    assert rows["Report number"][5] == "the same"
    item = draft.fields.get(name="expires_on")
    label = next(kind.label for kind in FIELDS if kind.name == "expires_on")
    assert rows[label][1] == "2028-02-09"
    review = f"/admin/providers/certificatedraft/{draft.pk}/change/"
    assert f'href="{review}#page-{item.page}">page {item.page}<' in rows[label][4]
    assert f'id="page-{item.page}"' in officer.get(review).content.decode()
    assert (rows["Kind"][1], rows["Result"][1]) == ("Game", "Complies")
    assert rows[label][5] == "2028-02-10"
    assert panel.link == review
    (history,) = [one for one in page.context["panels"] if one.title == "History"]
    assert [row[2] for row in history.rows] == ["Registered"]


def test_a_certificate_that_was_imported_says_that_nobody_confirmed_its_fields(
    officer: Client, now: datetime
) -> None:
    request = ImportRequest(folder=SAMPLES, trust=(), acting_user=None, now=now)
    import_folder(request, lambda _done, _total: None)
    certificate = Certificate.objects.order_by("pk")[0]
    page = officer.get(f"/admin/providers/certificate/{certificate.pk}/change/")
    (panel,) = [one for one in page.context["panels"] if one.title == "Confirmed by"]
    assert (panel.rows, panel.link) == ([], "")
    assert "Nobody confirmed the fields one by one" in page.content.decode()


def test_a_mistyped_report_is_put_right_by_withdrawing_it_and_registering_it_again(
    sender: Sender, vetter: PdfVetter, now: datetime
) -> None:
    draft = opened(sender, "slots-a.pdf")
    confirmed(draft, sender, expires_on="2036-11-30")
    wrong = register_draft(decided(draft, sender), vetter)

    early = opened(sender, "slots-a.pdf")
    confirmed(early, sender)
    with pytest.raises(CertificateConflictError):
        register_draft(decided(early, sender, is_new_lab=False), vetter)
    assert Certificate.objects.count() == 1

    withdraw_certificate(
        certificate_id=wrong.pk, acting_user=None, reason="Wrong day of expiry.", now=now
    )
    remarks = {
        remark.code: remark.text
        for remark in draft_remarks(early.document, proposed(early), now.date())
    }
    assert remarks["duplicate_file"].endswith("withdrawn.")
    right = register_draft(decided(early, sender, is_new_lab=False), vetter)
    assert list(
        Certificate.objects.order_by("pk").values_list("pk", "state", "report_number", "revision")
    ) == [
        (wrong.pk, "withdrawn", right.report_number, right.revision),
        (right.pk, "registered", right.report_number, right.revision),
    ]
    assert str(right.expires_on) == proposed(early)["expires_on"]

    with pytest.raises(IntegrityError, match="once_per_revision"), transaction.atomic():
        Certificate.objects.filter(pk=wrong.pk).update(state="registered")
