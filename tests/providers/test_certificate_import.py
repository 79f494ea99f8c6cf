"""Taking in a folder: each row wholly or not at all, and the same again changes nothing."""

import csv
import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, override

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from apps.core.models import AuditEntry, OutboxMessage
from apps.players.errors import RehearsalPlaceError
from apps.providers.enums import CertificateResult, RootState
from apps.providers.errors import (
    CertificateConflictError,
    CertificateEntryError,
    CertificateStateError,
    DocumentAlteredError,
    InvalidRootError,
    RegisterRefusedError,
)
from apps.providers.models import (
    Certificate,
    CertificateFinding,
    CertificateGame,
    CertificateJurisdiction,
    CriticalFile,
    Document,
    GameBuild,
    Lab,
    TrustedRoot,
)
from apps.providers.pdf.contracts import VettedPdf
from apps.providers.pdf.text import stated_facts
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register.compare import compare
from apps.providers.register.entries import CertificateEntry, read_entry
from apps.providers.register.file import read_rows
from apps.providers.register.names import display_name
from apps.providers.register.reading import read_fields
from apps.providers.selectors.coverage import cover
from apps.providers.services.certificates import (
    Registration,
    register_certificate,
    withdraw_certificate,
)
from apps.providers.services.import_register import (
    ImportReport,
    ImportRequest,
    TrustChoice,
    import_folder,
)
from apps.providers.services.store import read_document
from apps.providers.services.trust import Decision, decide_root, recheck_signatures
from tests.factories import make_game, make_provider
from tests.providers.certificate_files import SAMPLES, authority, plain_pdf, signed_pdf
from tests.races import race

pytestmark = pytest.mark.django_db

type Take = Callable[..., ImportReport]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "in"
    shutil.copytree(SAMPLES, copy)
    return copy


@pytest.fixture
def take(evidence: Path, now: datetime, vetter: PdfVetter) -> Take:
    def run(folder: Path, *trust: TrustChoice) -> ImportReport:
        request = ImportRequest(folder=folder, trust=trust, acting_user=None, now=now)
        return import_folder(request, lambda _done, _total: None, vetter=vetter)

    return run


def rewrite(folder: Path, change: Callable[[list[dict[str, str]]], None]) -> None:
    path = folder / "register.csv"
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    header = list(rows[0])
    change(rows)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, header)
        writer.writeheader()
        writer.writerows(rows)


def stored(evidence: Path) -> list[Path]:
    folder = evidence / "certificates"
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def test_the_samples_are_registered_with_their_scope_and_kept_byte_for_byte(
    take: Take, folder: Path, evidence: Path
) -> None:
    report = take(folder)
    assert not report.has_failed
    assert [(row.line, row.file, row.findings) for row in report.registered] == [
        (2, "rng-2025.pdf", ()),
        (3, "slots-a.pdf", ()),
        (4, "slots-b.pdf", ()),
        (5, "slots-c-expired.pdf", ()),
        (6, "slots-c-renewal.pdf", ()),
        (7, "tables.pdf", ()),
        (8, "baccarat.pdf", ()),
        (9, "platform.pdf", ()),
        (10, "live-tampered.pdf", ()),
    ]
    tables = Certificate.objects.get(report_number="BLT/2025/7781")
    assert (tables.revision, tables.kind, tables.result, str(tables.expires_on)) == (
        2,
        "game",
        "complies",
        "2026-11-30",
    )
    assert {str(item) for item in tables.standards.all()} == {"UKGC RTS 2021", "GLI-19 v3.0"}
    assert {str(item) for item in tables.jurisdictions.all()} == {"GB", "MT"}
    assert {str(item) for item in tables.rtp_variants.all()} == {"97.30 %", "99.40 %"}
    assert tables.games.count() == 5
    assert read_document(tables.document) == (SAMPLES / "tables.pdf").read_bytes()
    assert len(stored(evidence)) == Document.objects.count() == 9
    assert not any("tables" in path.name for path in stored(evidence))
    assert AuditEntry.objects.filter(action="providers.certificate.registered").count() == 9


def test_the_same_folder_again_changes_nothing(take: Take, folder: Path, evidence: Path) -> None:
    take(folder)
    before = (stored(evidence), list(Certificate.objects.order_by("pk").values()))
    again = take(folder)
    assert (len(again.registered), len(again.unchanged), len(again.refused)) == (0, 9, 0)
    assert (stored(evidence), list(Certificate.objects.order_by("pk").values())) == before
    assert Certificate.history.count() == 9


def test_hostile_files_beside_the_register_are_reported_and_never_kept(
    take: Take, folder: Path
) -> None:
    report = take(folder)
    assert {(item.file, item.codes[0]) for item in report.unlisted_refused} == {
        ("hostile/attachment.pdf", "embedded_file"),
        ("hostile/empty.pdf", "empty"),
        ("hostile/encrypted.pdf", "encrypted"),
        ("hostile/openaction.pdf", "open_action"),
        ("hostile/page.pdf", "not_a_pdf"),
        ("hostile/polyglot.pdf", "bytes_before_header"),
        ("hostile/truncated.pdf", "truncated"),
    }
    assert Document.objects.count() == 9


def test_a_folder_without_a_register_is_only_vetted(take: Take, evidence: Path) -> None:
    report = take(SAMPLES / "hostile")
    assert report.has_failed
    assert len(report.refused) == 7
    assert all(item.reason for item in report.refused)
    assert (Certificate.objects.count(), Document.objects.count(), stored(evidence)) == (0, 0, [])


@pytest.mark.parametrize("name", sorted(path.name for path in (SAMPLES / "hostile").glob("*.pdf")))
def test_a_hostile_file_in_a_row_leaves_no_object_and_no_row(
    take: Take, folder: Path, evidence: Path, name: str
) -> None:
    def put_hostile_first(rows: list[dict[str, str]]) -> None:
        rows[0]["file"] = f"hostile/{name}"
        del rows[2:]

    rewrite(folder, put_hostile_first)
    report = take(folder)
    assert [(item.line, item.file) for item in report.refused] == [(2, f"hostile/{name}")]
    assert [row.line for row in report.registered] == [3]
    assert not Certificate.objects.filter(report_number="STL-RNG-25-0117").exists()
    assert (len(stored(evidence)), Document.objects.count()) == (1, 1)


def test_a_failure_after_the_file_was_stored_takes_it_away_again(
    take: Take, folder: Path, evidence: Path
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE providers_certificategame "
            "ADD CONSTRAINT broken CHECK (game_code <> 'aurora-slot-02')"
        )
    with pytest.raises(IntegrityError, match="broken"):
        take(folder)
    assert len(stored(evidence)) == Document.objects.count() == 1
    assert not Certificate.objects.filter(report_number="STL-GAM-25-0441").exists()


def test_a_root_in_the_folder_is_proposed_and_not_trusted(take: Take, folder: Path) -> None:
    report = take(folder)
    root = TrustedRoot.objects.get()
    assert (root.state, root.lab.name) == ("proposed", "Sample Test Laboratory")
    assert report.roots[0].state == RootState.PROPOSED
    assert Document.objects.filter(signature_state="valid").count() == 0
    assert Document.objects.filter(signature_state="untrusted").count() == 5
    assert Document.objects.get(signature_state="invalid").original_name == "live-tampered.pdf"


def test_a_root_that_a_person_names_counts_for_its_lab(take: Take, folder: Path) -> None:
    take(folder)
    report = take(folder, TrustChoice(folder / "lab-root.pem"))
    assert {(change.before, change.after) for change in report.rechecked} == {
        ("untrusted", "valid")
    }
    states = Document.objects.values_list("signature_state", flat=True)
    assert sorted(states) == ["invalid", "none", "none", "none", *["valid"] * 5]
    assert TrustedRoot.objects.get().decided_at is not None
    assert take(folder, TrustChoice(folder / "lab-root.pem")).rechecked == []


def test_another_labs_root_does_not_vouch_for_a_lab(
    take: Take, folder: Path, now: datetime
) -> None:
    take(folder, TrustChoice(folder / "lab-root.pem", lab="Blue Lake Testing"))
    assert Document.objects.filter(signature_state="valid").count() == 0


def test_a_withdrawn_root_takes_its_signatures_down(
    take: Take, folder: Path, now: datetime, vetter: PdfVetter
) -> None:
    take(folder, TrustChoice(folder / "lab-root.pem"))
    root = TrustedRoot.objects.get()
    leaked = Decision(RootState.WITHDRAWN, "Leaked.", now)
    decide_root(root_id=root.pk, decision=leaked)
    changes = recheck_signatures(lab_id=root.lab_id, vetter=vetter, now=now)
    assert {change.after for change in changes} == {"untrusted"}
    with pytest.raises(CertificateStateError):
        decide_root(root_id=root.pk, decision=leaked)


@pytest.mark.parametrize(
    "content",
    [b"", b"not pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
)
def test_a_file_to_trust_that_is_no_root_stops_the_import(
    take: Take, folder: Path, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "root.pem"
    path.write_bytes(content)
    with pytest.raises(InvalidRootError):
        take(folder, TrustChoice(path))
    assert (Certificate.objects.count(), TrustedRoot.objects.count()) == (0, 0)


def test_a_root_of_nobody_in_the_register_needs_its_lab_said(
    take: Take, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "stranger.pem"
    path.write_text(authority("Somebody Else").pem)
    with pytest.raises(InvalidRootError, match="say whose it is"):
        take(folder, TrustChoice(path))


def test_a_stored_file_that_was_altered_is_not_handed_out_and_turns_invalid(
    take: Take, folder: Path, evidence: Path, now: datetime, vetter: PdfVetter
) -> None:
    take(folder, TrustChoice(folder / "lab-root.pem"))
    document = Document.objects.get(original_name="platform.pdf")
    (evidence / document.storage_key).write_bytes(b"%PDF-1.4 other")
    with pytest.raises(DocumentAlteredError):
        read_document(document)
    root = TrustedRoot.objects.get()
    decide_root(root_id=root.pk, decision=Decision(RootState.WITHDRAWN, "Leaked.", now))
    recheck_signatures(lab_id=root.lab_id, vetter=vetter, now=now)
    document.refresh_from_db()
    assert document.signature_state == "invalid"


def test_a_register_that_says_other_than_the_document_is_found_out(
    take: Take, folder: Path
) -> None:
    def lie(rows: list[dict[str, str]]) -> None:
        rows[5]["expires_on"] = "2028-11-30"
        rows[5]["jurisdictions"] = "GB;MT;AU-NT"
        rows[5]["games"] += ";aurora-blackjack-03"
        rows[5]["report_number"] = "BLT/2025/7782"

    rewrite(folder, lie)
    report = take(folder)
    assert not report.has_failed
    found = CertificateFinding.objects.order_by("pk").values_list(
        "field", "register_value", "document_value"
    )
    assert list(found) == [
        ("report_number", "BLT/2025/7782", "BLT/2025/7781"),
        ("jurisdictions", "AU-NT, GB, MT", "GB, MT"),
        ("expires_on", "2028-11-30", "2026-11-30"),
        ("games", "aurora-blackjack-03", ""),
    ]
    assert report.registered[5].findings[0] == "report_number: mismatch"


def test_a_changed_row_for_a_revision_on_file_is_refused_and_names_the_difference(
    take: Take, folder: Path
) -> None:
    take(folder)
    rewrite(folder, lambda rows: rows[0].update(expires_on="2027-12-15"))
    report = take(folder)
    assert report.has_failed
    assert report.refused[0].codes == ("certificate_conflict",)
    assert "expires_on is 2026-12-15, given was 2027-12-15" in report.refused[0].reason
    assert str(Certificate.objects.get(kind="rng").expires_on) == "2026-12-15"


def test_other_bytes_for_a_revision_on_file_are_refused_and_not_kept(
    take: Take, folder: Path, evidence: Path
) -> None:
    take(folder)
    (folder / "baccarat.pdf").write_bytes(plain_pdf("Report number: BLT/2026/0102"))
    report = take(folder)
    assert [item.codes for item in report.refused] == [("certificate_conflict",)]
    assert len(stored(evidence)) == 9


def test_the_same_bytes_under_another_number_are_kept_once(take: Take, folder: Path) -> None:
    def twice(rows: list[dict[str, str]]) -> None:
        rows.append({**rows[6], "report_number": "BLT/2026/0999"})

    rewrite(folder, twice)
    take(folder)
    assert Document.objects.count() == 9
    twin = Certificate.objects.get(report_number="BLT/2026/0999")
    assert [finding.field for finding in twin.findings.all()] == ["report_number"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"revision": "-1"}, "revision is '-1'"),
        ({"revision": "one"}, "revision is 'one'"),
        ({"kind": "toaster"}, "kind is 'toaster'"),
        ({"issued_on": "2026-02-30"}, "issued_on is '2026-02-30'"),
        ({"issued_on": ""}, "issued_on is ''"),
        ({"issued_on": "20260211"}, "issued_on is '20260211'"),
        ({"issued_on": "9999-02-11", "expires_on": ""}, "issued_on 9999-02-11 is in the last year"),
        ({"expires_on": "2026-02-11"}, "expires_on 2026-02-11 is not after"),
        ({"review_due_on": "2020-01-01"}, "review_due_on 2020-01-01 is not after"),
        ({"games": ""}, "games is empty"),
        ({"games": "*"}, "must name its games"),
        ({"games": "*;aurora-slot-01"}, "one or the other"),
        ({"games": "a game"}, "'a game'"),
        ({"jurisdictions": ""}, "jurisdictions is empty"),
        ({"jurisdictions": "Malta"}, "'Malta'"),
        ({"jurisdictions": "MT;ZZ"}, "jurisdictions holds ZZ, which is for rehearsals"),
        ({"standards": ""}, "standards is empty"),
        ({"rtp_variants": "961.0"}, "not above 0 and up to 100"),
        ({"rtp_variants": "0"}, "not above 0 and up to 100"),
        ({"rtp_variants": "96,1"}, "'96,1'"),
        ({"rtp_variants": "NaN"}, "'NaN'"),
        ({"report_number": "../x\x00"}, "report_number"),
        ({"lab": ""}, "lab is ''"),
        ({"provider": "Aurora Studios"}, "provider is 'Aurora Studios'"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, str], problem: str) -> None:
    _, fields = read_rows((SAMPLES / "register.csv").read_bytes())[6]
    assert fields is not None
    read_entry(fields)
    with pytest.raises(CertificateEntryError) as refused:
        read_entry({**fields, **change})
    assert any(problem in text for text in refused.value.problems)


def test_bad_rows_are_refused_by_line_and_the_others_are_taken(take: Take, folder: Path) -> None:
    def spoil(rows: list[dict[str, str]]) -> None:
        rows[0]["kind"] = "toaster"
        rows[1]["file"] = "../in/slots-a.pdf/../../secret.pdf"
        rows[2]["file"] = "nowhere.pdf"
        rows[3]["file"] = "/etc/passwd"
        rows[4]["file"] = ""

    rewrite(folder, spoil)
    report = take(folder)
    assert report.has_failed
    assert [(item.line, item.codes) for item in report.refused] == [
        (2, ("certificate_entry",)),
        (3, ("unsafe_path",)),
        (4, ("file_missing",)),
        (5, ("unsafe_path",)),
        (6, ("unsafe_path",)),
    ]
    assert [row.line for row in report.registered] == [7, 8, 9, 10]


def test_a_row_that_names_the_rehearsals_place_is_refused_alone_and_leaves_nothing(
    take: Take, folder: Path
) -> None:
    def move(rows: list[dict[str, str]]) -> None:
        rows[0]["jurisdictions"] = "ZZ"
        rows[1]["jurisdictions"] += ";ZZ"

    rewrite(folder, move)
    report = take(folder)
    assert [(item.line, item.codes) for item in report.refused] == [
        (2, ("certificate_entry",)),
        (3, ("certificate_entry",)),
    ]
    assert "ZZ, which is for rehearsals: nobody lives there" in report.refused[0].reason
    assert [row.line for row in report.registered] == [4, 5, 6, 7, 8, 9, 10]
    assert not CertificateJurisdiction.objects.filter(jurisdiction="ZZ").exists()
    assert Document.objects.count() == 7


def test_builds_and_files_that_a_row_leaves_open_come_from_the_document(
    take: Take, folder: Path, now: datetime
) -> None:
    game = make_game(make_provider(), "aurora-slot-01")
    take(folder)
    report = Certificate.objects.get(report_number="STL-GAM-25-0441")
    assert set(report.builds.values_list("game_code", "build_version", "channel")) == {
        (f"aurora-slot-0{number}", f"3.{number - 1}.2", "any") for number in range(1, 6)
    }
    assert all(report.builds.values_list("is_from_document", flat=True))
    assert CriticalFile.objects.filter(build__certificate=report).count() == 15
    assert report.conditions.startswith("relates only to the items tested")
    assert report.signatory == "R. Hallam, Test Manager"

    unrecorded = cover(game.pk, "MT", now)
    assert unrecorded.allowed
    remarks = {remark.code: remark.text for remark in unrecorded.remarks}
    assert remarks["build_not_on_file"] == (
        "The document of STL-GAM-25-0441 rev 1 names build 3.0.2 of aurora-slot-01; which one "
        "runs is not on file."
    )
    for version in ("3.0.2", "9.9.9"):
        GameBuild.objects.create(game=game, version=version, created_at=now - timedelta(days=9))
    assert cover(game.pk, "MT", now, build="3.0.2").allowed
    other = cover(game.pk, "MT", now, build="9.9.9")
    assert [reason.code for reason in other.reasons] == ["other_build"]
    assert not Certificate.objects.get(kind="rng").builds.exists()


LATER = (
    "Lab One",
    "Report number: R-1    Revision: 0",
    "Type: GAME",
    "Supplier: Somebody Else Ltd",
    "Standards: GLI-19 v3.0",
    "Jurisdictions: MT",
    "Date of issue: 2026-01-01",
    "Effective from: 1 June 2027",
    "Valid until: 2028-01-01",
    "Result: COMPLIES",
    "Items tested:",
    "  g-1  build 3.0.2  channel HTML5",
    "  g-1  build 3.0.2  channel Flash",
    "Critical files (SHA-1):",
    f"  core.bin  {'a' * 40}",
    f"  twice.bin  {'b' * 40}",
    f"  twice.bin  {'c' * 40}",
    "Conditions: void if the RTP is changed",
)
ROW = {
    "file": "a.pdf",
    "report_number": "R-1",
    "revision": "0",
    "lab": "Lab One",
    "kind": "game",
    "standards": "GLI-19 v3.0",
    "jurisdictions": "MT",
    "provider": "aurora",
    "issued_on": "2026-01-01",
    "expires_on": "2028-01-01",
    "games": "g-1",
}


def test_a_row_that_says_no_more_takes_effect_as_its_document_says(
    evidence: Path, now: datetime, vetter: PdfVetter
) -> None:
    registration = Registration(None, "For the test.", now, vetter)
    report = register_certificate(read_entry(ROW), plain_pdf(*LATER), registration).certificate
    assert (report.effective_on, report.conditions) == (
        date(2027, 6, 1),
        "void if the RTP is changed",
    )
    assert list(report.builds.values_list("build_version", "channel")) == [("3.0.2", "any")]
    # A path with two digests proves nothing: it is a finding and no file.
    assert [str(file) for file in CriticalFile.objects.all()] == ["core.bin (sha1)"]
    findings = report.findings.order_by("pk").values_list("field", "register_value")
    assert list(findings) == [
        ("supplier", "aurora"),
        ("critical_files", f"core.bin sha1 {'a' * 40}"),
    ]


def test_a_row_that_leaves_its_end_and_figures_open_has_those_of_its_document(
    evidence: Path, now: datetime, vetter: PdfVetter
) -> None:
    registration = Registration(None, "For the test.", now, vetter)
    printed = ("Return to player variants: 96.10 %,", "  94.00 %")
    lines = [line.replace("2028-01-01", "1 January 2028, unless revised") for line in LATER]
    data = plain_pdf(*lines, *printed)
    entry = read_entry({**ROW, "expires_on": ""})
    report = register_certificate(entry, data, registration).certificate
    assert report.expires_on == date(2028, 1, 1)
    figures = report.rtp_variants.order_by("rtp_percent").values_list("rtp_percent", flat=True)
    assert list(figures) == [Decimal(94), Decimal("96.1")]
    assert not report.findings.filter(field__in=["expires_on", "rtp_variants"]).exists()
    for same in (entry, read_entry({**ROW, "rtp_variants": "96.10;94.00"})):
        assert not register_certificate(same, data, registration).is_new
    with pytest.raises(CertificateConflictError, match="expires_on is 2028-01-01, given was 2029"):
        register_certificate(read_entry({**ROW, "expires_on": "2029-01-01"}), data, registration)


@pytest.mark.parametrize("figures", ["NaN", "sNaN, 96.10", "96.1234567 %", "1e99999999", "0"])
def test_figures_that_no_row_may_say_are_not_taken_from_a_document(
    evidence: Path, now: datetime, vetter: PdfVetter, figures: str
) -> None:
    registration = Registration(None, "For the test.", now, vetter)
    data = plain_pdf(*LATER, f"Return to player variants: {figures}")
    report = register_certificate(read_entry(ROW), data, registration).certificate
    assert not report.rtp_variants.exists()
    assert not register_certificate(read_entry(ROW), data, registration).is_new


@pytest.mark.parametrize(
    "label", ["Valid until", "Valid through", "Expiry date", "Date of expiry", "Expires on"]
)
def test_the_end_is_read_by_the_names_that_laboratories_give_it(label: str) -> None:
    assert stated_facts(f"Lab\n{label}: 1 January 2028\n").expires_on == "1 January 2028"


@pytest.mark.parametrize("end", ["01/02/2028", "2028-01-01 or 2029-01-01", "2025-01-01"])
def test_a_row_without_an_end_needs_a_clear_one_in_its_document(
    evidence: Path, now: datetime, vetter: PdfVetter, end: str
) -> None:
    registration = Registration(None, "For the test.", now, vetter)
    data = plain_pdf(*[line.replace("2028-01-01", end) for line in LATER])
    with pytest.raises(CertificateEntryError, match="say in the row which day"):
        register_certificate(read_entry({**ROW, "expires_on": ""}), data, registration)
    assert (Certificate.objects.count(), stored(evidence)) == (0, [])
    said = register_certificate(read_entry(ROW), data, registration).certificate
    assert said.expires_on == date(2028, 1, 1)
    assert said.findings.filter(field="expires_on", document_value=end).exists()


def test_an_end_that_a_document_does_not_state_leaves_a_review(
    evidence: Path, now: datetime, vetter: PdfVetter
) -> None:
    registration = Registration(None, "For the test.", now, vetter)
    words = "not stated; subject to review on change of version 2"
    data = plain_pdf(*[line.replace("2028-01-01", words) for line in LATER])
    entry = read_entry({**ROW, "expires_on": ""})
    report = register_certificate(entry, data, registration).certificate
    assert (report.expires_on, report.review_due_on) == (None, date(2027, 1, 1))


def test_a_condition_is_read_to_its_end() -> None:
    first = "void where the configuration differs, " * 20
    text = "\n".join(
        [
            *("Lab One", "Jurisdictions: MT,", "  AU-NT;", "GB", "Date of issue: 2026-01-01"),
            *(f"Conditions: {first.strip()}", "and where the recipient disagrees.", "Note: not in"),
            *("Germany", "R-1 rev 0  page 1 of 2", "Something else"),
        ]
    )
    facts = stated_facts(text)
    assert facts.conditions == (f"{first}and where the recipient disagrees. Note: not in Germany")
    assert (facts.jurisdictions, facts.issued_on) == ("MT, AU-NT; GB", "2026-01-01")


def test_what_nobody_sees_in_a_condition_stops_no_review_of_it() -> None:
    """Lists in office documents begin with a bullet that is no character of Unicode's."""
    bullet = "\uf0b7"
    result = ("Result: Complies", f"{bullet} with exceptions")
    conditions = ("Conditions: sold as test\u00aded,", f"{bullet} in Malta,", bullet, "to adults.")
    fields = read_fields(stated_facts("\n".join(("Lab One", *result, *conditions, bullet, ""))))
    assert fields["conditions"] == "sold as tested, in Malta, to adults."
    assert fields["result"] == ""
    assert read_entry({**ROW, "conditions": fields["conditions"]}).conditions


def test_each_field_where_row_and_document_differ_is_a_finding() -> None:
    said = {
        "effective_on": "2026-02-01",
        "result": "complies",
        "builds": "g-1 3.0.1 HTML5",
        "critical_files": f"core.bin SHA-1 {'d' * 40}",
        "conditions": "none",
        "signatory": "A. Nobody",
    }
    text = "\n".join([*LATER, "Authorised by: R. Hallam"])
    facts = stated_facts(text)
    findings = compare(read_entry({**ROW, **said}), text, facts, company="Aurora Studios")
    assert {(item.field, item.register_value) for item in findings} == {
        ("supplier", "Aurora Studios"),
        ("builds", "g-1 3.0.1 any"),
        ("critical_files", f"core.bin sha1 {'d' * 40}"),
        ("effective_on", "2026-02-01"),
        ("conditions", "none"),
        ("signatory", "A. Nobody"),
    }
    assert {item.code for item in findings} == {"mismatch"}
    bare = {item.field for item in compare(read_entry(ROW), text, facts)}
    assert bare == {item.field for item in findings}


def test_a_row_without_a_result_needs_a_clear_one_in_its_document(
    evidence: Path, now: datetime, vetter: PdfVetter
) -> None:
    entry = read_entry(read_rows((SAMPLES / "register.csv").read_bytes())[6][1] or {})
    registration = Registration(None, "For the test.", now, vetter)
    unclear = plain_pdf("A report", "Result: Complies with exceptions, see 4.2")
    with pytest.raises(CertificateEntryError, match="say in the row which of complies"):
        register_certificate(entry, unclear, registration)
    assert (Certificate.objects.count(), Document.objects.count(), stored(evidence)) == (0, 0, [])

    said = replace(entry, result=CertificateResult.COMPLIES)
    certificate = register_certificate(said, unclear, registration).certificate
    assert certificate.result == "complies"
    finding = certificate.findings.get(field="result")
    assert (finding.register_value, finding.document_value) == (
        "complies",
        "Complies with exceptions, see 4.2",
    )
    failed = replace(said, report_number="BLT/2026/0900")
    certificate = register_certificate(
        failed, plain_pdf("A report", "Result: PASSED, 2 failures"), registration
    ).certificate
    assert certificate.result == "does_not_comply"


@pytest.mark.parametrize(
    ("places", "is_rehearsal"),
    [(("ZZ",), False), (("MT", "ZZ"), False), (("MT",), True), (("MT", "ZZ"), True)],
)
def test_only_the_kits_report_is_of_the_rehearsals_place_and_of_no_other(
    evidence: Path, now: datetime, vetter: PdfVetter, places: tuple[str, ...], *, is_rehearsal: bool
) -> None:
    _, fields = read_rows((SAMPLES / "register.csv").read_bytes())[6]
    entry = replace(read_entry(fields or {}), jurisdictions=places)
    registration = Registration(None, "For the test.", now, vetter, is_rehearsal=is_rehearsal)
    with pytest.raises(RehearsalPlaceError):
        register_certificate(entry, plain_pdf("A report"), registration)
    assert (Certificate.objects.count(), Document.objects.count(), Lab.objects.count()) == (0, 0, 0)
    assert stored(evidence) == []


def test_a_report_tells_from_which_past_day_on_its_games_have_other_cover(
    evidence: Path, now: datetime, vetter: PdfVetter
) -> None:
    _, fields = read_rows((SAMPLES / "register.csv").read_bytes())[6]
    entry = read_entry(fields or {})
    provider = make_provider(entry.provider_code)
    old, new = make_game(provider, "old-game"), make_game(provider, "new-game")
    first = replace(entry, games=("old-game",), revision=1, effective_on=date(2026, 6, 1))
    second = replace(first, games=("new-game",), revision=2)
    registration = Registration(None, "For the test.", now, vetter)
    register_certificate(first, plain_pdf("A report"), registration)
    register_certificate(first, plain_pdf("A report"), registration)
    register_certificate(second, plain_pdf("The same for another game"), registration)
    told = OutboxMessage.objects.filter(topic="providers.past_cover_moved").order_by("pk")
    assert [message.payload for message in told] == [
        {"game_ids": [old.pk], "since": "2026-06-01", "is_gain": True},
        {"game_ids": [old.pk, new.pk], "since": "2026-06-01", "is_gain": False},
    ]


def test_the_database_lets_no_real_report_name_the_rehearsals_place(
    take: Take, folder: Path, now: datetime, vetter: PdfVetter
) -> None:
    take(folder)
    real = Certificate.objects.get(report_number="BLT/2026/0102")
    entry = replace(
        read_entry(read_rows((SAMPLES / "register.csv").read_bytes())[6][1] or {}),
        report_number="ACCEPTANCE-1",
        jurisdictions=("ZZ",),
    )
    registration = Registration(None, "For the test.", now, vetter, is_rehearsal=True)
    kit = register_certificate(entry, plain_pdf("No report"), registration).certificate
    before = list(CertificateJurisdiction.objects.order_by("pk").values())
    attempts: list[Callable[[], Any]] = [
        lambda: real.jurisdictions.create(jurisdiction="ZZ"),
        lambda: kit.jurisdictions.create(jurisdiction="MT"),
        lambda: Certificate.objects.filter(pk=real.pk).update(is_rehearsal=True),
        lambda: Certificate.objects.filter(pk=kit.pk).update(is_rehearsal=False),
    ]
    for attempt in attempts:
        with (
            pytest.raises(IntegrityError, match="providers_real_report_names_real_places"),
            transaction.atomic(),
        ):
            attempt()
    assert list(CertificateJurisdiction.objects.order_by("pk").values()) == before
    assert list(Certificate.objects.filter(is_rehearsal=True)) == [kit]


def test_a_link_out_of_the_folder_is_not_followed(take: Take, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(plain_pdf())
    (folder / "slots-a.pdf").unlink()
    (folder / "slots-a.pdf").symlink_to(secret)
    report = take(folder)
    assert [item.line for item in report.refused] == [3]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"file,report_number\nx,y\n",
        (SAMPLES / "register.csv").read_bytes().replace(b"file,", b"file,remarks,", 1),
        (SAMPLES / "register.csv").read_bytes() + b'"unclosed',
    ],
)
def test_a_register_that_cannot_be_read_is_refused_whole(
    take: Take, folder: Path, data: bytes
) -> None:
    (folder / "register.csv").write_bytes(data)
    with pytest.raises(RegisterRefusedError):
        take(folder)
    assert (Certificate.objects.count(), Lab.objects.count()) == (0, 0)


def test_a_row_with_too_many_fields_is_refused_alone(take: Take, folder: Path) -> None:
    path = folder / "register.csv"
    path.write_text(path.read_text() + "one,too,few\n")
    report = take(folder)
    assert [(item.line, item.codes) for item in report.refused] == [(11, ("register_refused",))]
    assert len(report.registered) == 9


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../x.pdf", "x.pdf"),
        ("..\\..\\x.pdf", "x.pdf"),
        ("a\x00b\r\n.pdf", "ab.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("x" * 300 + ".pdf", "x" * 120),
        (".htaccess", "htaccess"),
        ("\u2066 \u200b", "unnamed"),
        ("", "unnamed"),
        ("Bericht Straße 🎰.pdf", "Bericht Straße 🎰.pdf"),
        ('a"b.pdf', 'a"b.pdf'),
    ],
)
def test_a_file_name_is_shown_without_what_could_deceive(given: str, shown: str) -> None:
    assert display_name(given) == shown


def test_the_database_refuses_what_the_service_refuses(take: Take, folder: Path) -> None:
    take(folder)
    certificate = Certificate.objects.get(report_number="BLT/2026/0102")
    for change, name in (
        ({"expires_on": certificate.issued_on}, "expires_after_issue"),
        ({"expires_on": None, "review_due_on": None}, "expires_or_is_reviewed"),
        ({"all_games": True}, "of_games_names_them"),
        ({"kind": "toaster"}, "kind_is_known"),
        ({"report_number": "BLT/2025/7781", "revision": 2}, "once_per_revision"),
        ({"document_id": None}, "document_id"),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Certificate.objects.filter(pk=certificate.pk).update(**change)


def test_documents_and_scopes_cannot_be_rewritten_or_removed(take: Take, folder: Path) -> None:
    take(folder)
    attempts: list[Callable[[], Any]] = [
        lambda: Document.objects.update(sha256="0" * 64),
        lambda: Document.objects.update(storage_key="elsewhere"),
        lambda: Document.objects.filter(certificates__isnull=False)._raw_delete("default"),
        lambda: CertificateGame.objects.update(game_code="aurora-slot-14"),
        lambda: CertificateGame.objects.all()._raw_delete("default"),
        lambda: Certificate.objects.all()._raw_delete("default"),
    ]
    for attempt in attempts:
        with pytest.raises(Exception, match="pgtrigger: Cannot"), transaction.atomic():
            attempt()
    assert CertificateGame.objects.count() == 22


def test_withdrawing_needs_a_reason_and_happens_once(
    take: Take, folder: Path, now: datetime
) -> None:
    take(folder)
    pk = Certificate.objects.get(kind="platform").pk
    withdraw_certificate(certificate_id=pk, acting_user=None, reason="Recalled by lab.", now=now)
    newest = Certificate.history.filter(id=pk).latest()
    assert (newest.state, newest.history_change_reason) == ("withdrawn", "Recalled by lab.")
    with pytest.raises(CertificateStateError):
        withdraw_certificate(certificate_id=pk, acting_user=None, reason="Again.", now=now)


def test_a_register_that_is_read_again_does_not_bring_a_withdrawn_row_back(
    take: Take, folder: Path, now: datetime
) -> None:
    take(folder)
    pk = Certificate.objects.get(kind="platform").pk
    withdraw_certificate(certificate_id=pk, acting_user=None, reason="Wrong day.", now=now)
    report = take(folder)
    assert (len(report.registered), len(report.unchanged)) == (0, 9)
    assert Certificate.objects.get(kind="platform").state == "withdrawn"


def test_the_command_reports_as_json_and_fails_only_for_refused_rows(
    evidence: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("import_certificates", str(folder), "--json", "--trust", "lab-root.pem")
    report = json.loads(capsys.readouterr().out)
    assert (len(report["registered"]), report["failed"]) == (9, False)
    with pytest.raises(SystemExit) as stopped:
        call_command("import_certificates", str(folder / "hostile"))
    assert stopped.value.code == 1
    assert "polyglot.pdf: 39 bytes stand before the PDF header" in capsys.readouterr().out


def test_a_signed_document_under_a_trusted_root_is_taken_as_valid_at_once(
    take: Take, folder: Path
) -> None:
    lab = authority("Blue Lake Testing")
    (folder / "blue.pem").write_text(lab.pem)
    (folder / "baccarat.pdf").write_bytes(signed_pdf((SAMPLES / "baccarat.pdf").read_bytes(), lab))
    take(folder, TrustChoice(folder / "blue.pem"))
    document = Document.objects.get(original_name="baccarat.pdf")
    assert (document.signature_state, document.signer) == (
        "valid",
        "T. Manager, Blue Lake Testing",
    )


def _register_twice(vetter: PdfVetter, now: datetime, entries: list[Any]) -> list[Any]:
    data = (SAMPLES / "baccarat.pdf").read_bytes()
    both_vetted = threading.Barrier(2)
    vetted = vetter.vet(data, trusted_pems=[], moment=now)

    class Ready(PdfVetter):
        @override
        def vet(self, data: bytes, *, trusted_pems: list[str], moment: datetime) -> VettedPdf:
            # Both have looked and found nothing on file before either writes.
            both_vetted.wait(timeout=20)
            return vetted

    registration = Registration(acting_user=None, reason="Race.", now=now, vetter=Ready())
    return race([partial(register_certificate, entry, data, registration) for entry in entries])


def _baccarat() -> CertificateEntry:
    fields = read_rows((SAMPLES / "register.csv").read_bytes())[6][1]
    assert fields is not None
    return read_entry(fields)


@pytest.mark.django_db(transaction=True)
def test_the_same_certificate_registered_twice_at_once_is_one_row_and_one_file(
    vetter: PdfVetter, now: datetime, evidence: Path
) -> None:
    outcomes = _register_twice(vetter, now, [_baccarat(), _baccarat()])
    assert sorted(outcome.is_new for outcome in outcomes) == [False, True]
    assert (Certificate.objects.count(), Lab.objects.count()) == (1, 1)
    assert len(stored(evidence)) == Document.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_versions_of_one_revision_at_once_leave_the_first_and_refuse_the_second(
    vetter: PdfVetter, now: datetime, evidence: Path
) -> None:
    other = replace(_baccarat(), expires_on=date(2030, 1, 1))
    outcomes = _register_twice(vetter, now, [_baccarat(), other])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "CertificateConflictError",
        "Registered",
    ]
    assert len(stored(evidence)) == Certificate.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_control_two_different_certificates_at_once_are_both_registered(
    vetter: PdfVetter, now: datetime, evidence: Path
) -> None:
    other = replace(_baccarat(), report_number="BLT/2026/0103")
    outcomes = _register_twice(vetter, now, [_baccarat(), other])
    assert [outcome.is_new for outcome in outcomes] == [True, True]
    # The bytes are the same, so they are kept once.
    assert (Certificate.objects.count(), Document.objects.count()) == (2, 1)
    assert len(stored(evidence)) == 1
