"""Personal data and many rows leave only when two people agree; what waits can be taken back."""

import json
import zipfile
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from apps.auditing import services
from apps.auditing.enums import ExportFormat, ExportState
from apps.auditing.errors import (
    ExportNeedsTwoError,
    ExportNotReadyError,
    ExportNotWaitingError,
    ExportNotYoursError,
)
from apps.auditing.models import Export
from apps.auditing.services.consents import check_consent
from apps.auditing.tasks import make_exports
from apps.core.errors import ReasonRequiredError
from apps.core.models import AuditEntry
from apps.players.models import Player
from apps.staff.enums import Role
from apps.staff.errors import (
    AlreadyDecidedError,
    ApprovalVoidError,
    NotAllowedToDecideError,
    SelfApprovalError,
)
from apps.staff.models import Approval, User
from apps.staff.services import approve, reject
from tests.auditing.export_makers import agreed, archive_of, ask, file_of, made, rows_of
from tests.auditing.makers import client_of
from tests.factories import make_user
from tests.older_schema import schema_at
from tests.races import race

# The snapshot is a transaction of its own; a test that wraps everything in one can't take it.
pytestmark = pytest.mark.django_db(transaction=True)


def decide(verb: Any, export: Export, user: User, reason: str = "I looked at it.") -> None:
    verb(approval_id=export.approval_id, user=user, reason=reason, now=timezone.now())


@pytest.fixture
def officer(roles: None) -> User:
    return make_user("olga", roles=(Role.COMPLIANCE_OFFICER,))


def test_personal_data_waits_until_somebody_else_agrees(
    auditor: User, player: Player, moment: datetime, officer: User
) -> None:
    export = ask(auditor, moment, with_personal_data=True)
    assert (export.state, export.needs_second_person) == ("awaiting", True)
    assert made(export).state == "awaiting"
    with pytest.raises(ExportNotReadyError):
        services.mint_link(export_id=export.pk, acting_user=auditor, now=timezone.now())

    approval = Approval.objects.get()
    assert approval.title == f"Export {export.pk}: it shows personal data"
    assert approval.payload["personal_data"] == "shown"
    decide(approve, export, officer)
    export.refresh_from_db()
    assert (export.state, export.approved_by) == ("waiting", officer)
    assert made(export).state == "ready"
    assert export.manifest is not None
    assert (export.manifest["asked_by"], export.manifest["agreed_by"]) == ("aud", "olga")
    assert AuditEntry.objects.filter(action="auditing.export.agreed").count() == 1


def test_many_rows_want_a_second_person_and_few_do_not(
    auditor: User, player: Player, moment: datetime
) -> None:
    with override_settings(PITBOSS_EXPORT_ROWS_FOR_ONE=3):
        few = ask(auditor, moment)
    with override_settings(PITBOSS_EXPORT_ROWS_FOR_ONE=2):
        many = ask(auditor, moment)
    assert (few.state, few.needs_second_person, few.approval) == ("waiting", False, None)
    assert (many.state, many.why_second_person) == ("awaiting", "it holds more than 2 rows")
    # What came to hold more meanwhile is not made on one person's word.
    with override_settings(PITBOSS_EXPORT_ROWS_FOR_ONE=2):
        assert made(few).state == "failed"
        assert few.failure == (
            "A second person must agree to this export: it came to hold more than 2 rows. "
            "Ask again."
        )
        assert made(agreed(many)).state == "ready"


def test_neither_who_asked_nor_who_may_not_can_agree(
    auditor: User, player: Player, moment: datetime
) -> None:
    auditor.user_permissions.add(
        *make_user(permissions=("auditing.approve_export",)).user_permissions.all()
    )
    export = ask(auditor, moment, with_personal_data=True)
    with pytest.raises(SelfApprovalError):
        decide(approve, export, auditor)
    with pytest.raises(NotAllowedToDecideError):
        decide(approve, export, make_user("fin", roles=(Role.FINANCE_ANALYST,)))
    export.refresh_from_db()
    assert (export.state, export.approved_by) == ("awaiting", None)


def test_the_database_refuses_an_export_for_two_that_one_person_took(
    auditor: User, player: Player, moment: datetime, officer: User
) -> None:
    export = ask(auditor, moment, with_personal_data=True)
    rows = Export.objects.filter(pk=export.pk)
    for changes, name in (
        ({"state": "waiting"}, "auditing_export_for_two_is_made_when_both_agreed"),
        (
            {"state": "waiting", "approved_by": auditor},
            "auditing_export_second_person_is_another",
        ),
        ({"needs_second_person": False, "state": "waiting"}, "pgtrigger"),
        ({"file_format": "jsonl"}, "pgtrigger"),
    ):
        with pytest.raises(DatabaseError, match=name), transaction.atomic():
            rows.update(**changes)
    for wrong, name in (
        ({}, "auditing_export_with_personal_data_is_for_two"),
        ({"state": "ready"}, "pgtrigger"),
        ({"state": "cancelled", "finished_at": moment}, "pgtrigger"),
        (
            {"with_personal_data": False, "approval": export.approval},
            "auditing_export_agreed_to_where_two_are_needed",
        ),
        ({"file_format": "xls"}, "auditing_export_format_is_known"),
        ({"needs_second_person": True}, "auditing_export_for_two_says_why"),
    ):
        few = Export.objects.get(pk=export.pk)
        few.pk, few.approval, few.why_second_person, few.needs_second_person = None, None, "", False
        for field, value in wrong.items():
            setattr(few, field, value)
        with pytest.raises(DatabaseError, match=name), transaction.atomic():
            few.save(force_insert=True)
    assert Export.objects.count() == 1


def test_the_database_keeps_who_agreed_and_to_which_request(
    auditor: User, player: Player, moment: datetime, officer: User
) -> None:
    other = ask(auditor, moment, with_personal_data=True)
    export = ask(auditor, moment, with_personal_data=True)
    rows = Export.objects.filter(pk=export.pk)
    for approval in (other.approval, None):
        with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
            rows.update(approval=approval)
    decide(approve, export, officer)
    for changes in ({"approved_by": make_user("pia")}, {"approval": other.approval}):
        with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
            rows.update(**changes)
    kept = rows.get()
    assert (kept.approval_id, kept.approved_by) == (export.approval_id, officer)


@pytest.mark.parametrize(("is_personal", "members"), [(True, 1), (False, 3)])
def test_what_wants_a_second_person_is_not_written_without_one(
    auditor: User, officer: User, settings: Any, *, is_personal: bool, members: int
) -> None:
    settings.PITBOSS_EXPORT_ROWS_FOR_ONE = 2
    export = Export(requested_by=auditor, with_personal_data=is_personal)
    with pytest.raises(ExportNeedsTwoError):
        check_consent(export, members)
    export.approved_by = officer
    check_consent(export, members)
    check_consent(Export(requested_by=auditor), 2)


def test_an_export_from_before_two_were_asked_is_failed_while_it_waits_and_kept_when_made(
    auditor: User, player: Player, moment: datetime
) -> None:
    made_from = made(ask(auditor, moment))
    with schema_at("auditing", "0003_two_people_and_json_lines"):
        old = Export.objects.get(pk=made_from.pk)
        old.pk, old.with_personal_data = None, True
        old.save(force_insert=True)
        ready_id, old.pk, old.state, old.begun_at = old.pk, None, ExportState.WAITING, None
        old.finished_at, old.storage_key = None, ""
        old.save(force_insert=True)
        waiting_id = old.pk

    ready, waiting = Export.objects.get(pk=ready_id), Export.objects.get(pk=waiting_id)
    assert (ready.state, ready.sha256) == ("ready", made_from.sha256)
    assert (waiting.state, waiting.failure) == (
        "failed",
        "A second person must agree to this export: it shows personal data. Ask again.",
    )
    assert made(waiting).state == "failed"
    assert services.drop_old_files(now=timezone.now() + timedelta(days=8)) == 2


def test_what_a_second_person_refuses_is_ended_with_their_words(
    auditor: User, player: Player, moment: datetime, officer: User
) -> None:
    export = ask(auditor, moment, with_personal_data=True)
    decide(reject, export, officer, "Ask for the ages alone.")
    make_exports()
    export.refresh_from_db()
    assert (export.state, export.failure) == (
        "failed",
        "A second person did not agree: Ask for the ages alone.",
    )
    make_exports()
    assert AuditEntry.objects.filter(action="auditing.export.failed").count() == 1
    page = client_of(auditor).get(reverse("admin:auditing_export_change", args=[export.pk]))
    assert "Ask for the ages alone." in page.content.decode()


def test_what_waits_is_taken_back_by_who_asked_and_by_nobody_else(
    auditor: User, player: Player, moment: datetime, officer: User
) -> None:
    waiting, awaiting = ask(auditor, moment), ask(auditor, moment, with_personal_data=True)
    facts: dict[str, Any] = {"export_id": awaiting.pk, "now": timezone.now()}
    with pytest.raises(ExportNotYoursError):
        services.cancel_export(**facts, acting_user=officer, reason="Not mine.")
    with pytest.raises(ReasonRequiredError):
        services.cancel_export(**facts, acting_user=auditor, reason=" ")
    for export in (waiting, awaiting):
        services.cancel_export(
            export_id=export.pk, acting_user=auditor, reason="Wrong month.", now=timezone.now()
        )
        assert made(export).state == "cancelled"
    with pytest.raises(AlreadyDecidedError):
        decide(approve, awaiting, officer)
    with pytest.raises(ExportNotWaitingError):
        services.cancel_export(**facts, acting_user=auditor, reason="Again.")
    entries = AuditEntry.objects.filter(action="auditing.export.cancelled")
    assert {(entry.actor_id, entry.reason) for entry in entries} == {(auditor.pk, "Wrong month.")}


def test_what_is_ready_can_not_be_taken_back(
    auditor: User, player: Player, moment: datetime
) -> None:
    export = made(ask(auditor, moment))
    with pytest.raises(ExportNotWaitingError):
        services.cancel_export(
            export_id=export.pk, acting_user=auditor, reason="Too late.", now=timezone.now()
        )
    export.refresh_from_db()
    assert export.state == "ready"


def test_agreed_to_and_taken_back_at_once_is_one_of_the_two(
    auditor: User, player: Player, moment: datetime, officer: User
) -> None:
    export = ask(auditor, moment, with_personal_data=True)

    def agree() -> str:
        try:
            decide(approve, export, officer)
        except (AlreadyDecidedError, ApprovalVoidError):
            return "refused"
        return "agreed"

    def take_back() -> str:
        services.cancel_export(
            export_id=export.pk, acting_user=auditor, reason="Wrong month.", now=timezone.now()
        )
        return "taken back"

    said = race([agree, take_back])
    export.refresh_from_db()
    approval = Approval.objects.get()
    assert export.state == "cancelled"
    assert (said[0], approval.state) in {("agreed", "executed"), ("refused", "cancelled")}


def test_an_auditor_takes_an_export_back_on_its_page(
    auditor: User, player: Player, moment: datetime
) -> None:
    export = ask(auditor, moment, with_personal_data=True)
    client = client_of(auditor)
    address = reverse("admin:auditing_export_change", args=[export.pk])
    page = client.get(address)
    assert "Refresh" not in page.headers
    assert "Waiting for a second person" in page.content.decode()
    url = reverse("admin:auditing_export_do", args=[export.pk, "cancel"])
    assert url in page.content.decode()
    assert client.post(url, {"reason": "Wrong month."}).status_code == 302
    gone = client.get(address).content.decode()
    assert "Taken back" in gone
    assert url not in gone


def test_json_lines_keep_numbers_and_text_as_they_are(
    auditor: User, player: Player, moment: datetime, tmp_path: Path
) -> None:
    Player.objects.filter(pk=player.pk).update(player_ref="=1+1")
    csv, lines = (made(ask(auditor, moment, file_format=one)) for one in ExportFormat)
    text = archive_of(lines).read("rounds.jsonl").decode()
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["stake_minor"] for row in rows] == [200, 200, 200]
    assert [list(row) for row in rows] == [list(row) for row in rows_of(csv, "rounds.csv")]
    people = [json.loads(line) for line in archive_of(lines).read("players.jsonl").splitlines()]
    assert [(one["player"], one["date_of_birth"]) for one in people] == [("=1+1", "hidden")]
    sums = [
        [one["sums"] for one in json.loads(archive_of(export).read("manifest.json"))["files"]]
        for export in (csv, lines)
    ]
    assert sums[0] == sums[1]
    out = StringIO()
    call_command("verify_export", file_of(lines, tmp_path), chain=True, stdout=out)
    assert "Files: JSON lines, for programs" in out.getvalue()
    assert "rounds.jsonl: 3 rows" in out.getvalue()


def test_a_manifest_of_a_format_that_is_none_of_ours_is_refused(
    auditor: User, player: Player, moment: datetime, tmp_path: Path
) -> None:
    path, forged = file_of(made(ask(auditor, moment)), tmp_path), tmp_path / "forged.zip"
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(forged, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "manifest.json":
                content = content.replace(b'"file_format": "csv"', b'"file_format": "xls"')
            after.writestr(name, content)
    with pytest.raises(CommandError, match="Its files are 'xls'"):
        call_command("verify_export", forged, stdout=StringIO())
