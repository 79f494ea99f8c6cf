"""What an auditor takes away carries its own proof, and nothing that they may not have."""

import csv
import hashlib
import io
import itertools
import json
import time
import zipfile
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from apps.auditing import services
from apps.auditing.archive import ExportArchive
from apps.auditing.enums import ExportFormat
from apps.auditing.errors import (
    ExportAlteredError,
    ExportNotReadyError,
    ExportNotYoursError,
    LinkExpiredError,
    PersonalDataNotYoursError,
    PopulationNotYoursError,
)
from apps.auditing.models import Export
from apps.auditing.services import draw_sample
from apps.auditing.services.exports import KEPT_FOR
from apps.auditing.services.trail import note_export
from apps.auditing.tasks import make_exports
from apps.core.errors import ReasonRequiredError, StoreUnavailableError
from apps.core.models import AuditEntry
from apps.core.populations import ExportFile, populations
from apps.core.services import verify_audit_chain
from apps.players.models import Limit, Player
from apps.rounds.models import Round
from apps.staff.enums import ApprovalState, Role
from apps.staff.models import Approval, AuditorLookUp, User
from apps.wallet.models import Transfer
from tests.auditing.export_makers import agreed, archive_of, ask, file_of, made, rows_of
from tests.auditing.makers import DAY, client_of, make_rounds, narrowing, sample_request
from tests.factories import make_user

# The snapshot is a transaction of its own; a test that wraps everything in one can't take it.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("roles")]


def test_rounds_come_with_events_ledger_lines_and_players_and_their_sums(
    auditor: User, player: Player, moment: datetime
) -> None:
    head = AuditEntry.objects.latest("pk") if AuditEntry.objects.exists() else None
    export = made(ask(auditor, moment))

    assert (export.state, export.failure) == ("ready", "")
    assert len(rows_of(export, "rounds.csv")) == 3
    assert [row["event"] for row in rows_of(export, "events.csv")] == ["a-0", "a-1", "a-2"]
    lines = rows_of(export, "ledger_lines.csv")
    assert {int(row["id"]) for row in lines} == set(
        Transfer.objects.exclude(kind="deposit").values_list("pk", flat=True)
    )
    assert [row["player"] for row in rows_of(export, "players.csv")] == ["p-1"]
    manifest = json.loads(archive_of(export).read("manifest.json"))
    assert manifest == export.manifest
    by_name = {one["name"]: one for one in manifest["files"]}
    assert by_name["rounds.csv"]["rows"] == 3
    assert by_name["rounds.csv"]["sums"] == {
        "stake_minor": {"EUR": 600},
        "stake_bonus_minor": {"EUR": 0},
        "win_minor": {"EUR": 1050},
    }
    for one in manifest["files"]:
        content = archive_of(export).read(one["name"])
        assert hashlib.sha256(content).hexdigest() == one["sha256"]
        assert len(content) == one["bytes"]
    asked = AuditEntry.objects.get(action="auditing.export.requested")
    assert manifest["audit_chain"] == {"entries": asked.sequence, "head_hash": asked.entry_hash}
    assert head is None or asked.sequence > head.sequence
    assert (manifest["asked_by"], manifest["personal_data"]) == ("aud", "hidden")
    assert export.rows_written == sum(one["rows"] for one in manifest["files"])


def test_personal_data_is_hidden_unless_asked_for_with_a_reason(
    auditor: User, player: Player, moment: datetime
) -> None:
    hidden = made(ask(auditor, moment))
    assert rows_of(hidden, "players.csv")[0]["date_of_birth"] == "hidden"
    assert "1988" not in str([archive_of(hidden).read(n) for n in archive_of(hidden).namelist()])

    shown = made(agreed(ask(auditor, moment, with_personal_data=True, reason="Stake caps by age.")))
    assert rows_of(shown, "players.csv")[0]["date_of_birth"] == "1988-04-17"
    entry = AuditEntry.objects.filter(action="auditing.export.requested").latest("pk")
    assert (entry.reason, entry.details["personal_data"]) == ("Stake caps by age.", "shown")

    officer = make_user(permissions=("auditing.add_export", "rounds.view_round"))
    with pytest.raises(PersonalDataNotYoursError):
        ask(officer, moment, with_personal_data=True)
    with pytest.raises(ReasonRequiredError):
        ask(auditor, moment, reason=" ")
    with pytest.raises(PopulationNotYoursError):
        ask(make_user(permissions=("auditing.add_export",)), moment)
    assert Export.objects.count() == 2


def test_what_people_wrote_in_an_approval_is_hidden_unless_asked_for(
    auditor: User, moment: datetime
) -> None:
    said = {
        "title": "Credit Ada Byron",
        "request_reason": "Ada Byron telephoned.",
        "decision_reason": "Ada Byron is owed it.",
    }
    approval = Approval.objects.create(
        kind="test.credit",
        subject="disputes.case:7",
        title=said["title"],
        payload={"note": "Ada Byron"},
        payload_hash="0" * 64,
        requested_by=make_user("asks"),
        requested_at=moment - DAY,
        request_reason=said["request_reason"],
    )
    Approval.objects.filter(pk=approval.pk).update(
        state=ApprovalState.EXECUTED,
        decided_by=make_user("decides"),
        decided_at=moment - DAY,
        decision_reason=said["decision_reason"],
        executed_at=moment - DAY,
        result={"told": "Ada Byron"},
    )
    hidden = made(ask(auditor, moment, population="approvals"))
    (row,) = rows_of(hidden, "approvals.csv")
    assert {name for name, value in row.items() if value == "hidden"} == {
        *said,
        "payload",
        "result",
    }
    assert (row["subject"], row["decided_by"]) == ("disputes.case:7", "decides")
    assert b"Byron" not in b"".join(
        archive_of(hidden).read(name) for name in archive_of(hidden).namelist()
    )
    asked = ask(auditor, moment, population="approvals", with_personal_data=True)
    shown = made(agreed(asked))
    (row,) = rows_of(shown, "approvals.csv")
    assert {name: row[name] for name in said} == said


def test_an_export_of_a_sample_holds_its_members_and_no_other_row(
    auditor: User, player: Player, moment: datetime
) -> None:
    game = Round.objects.latest("pk").game
    make_rounds(game.provider, player, game, 20, at=moment - DAY)
    sample = draw_sample(sample_request(moment, size=4), acting_user=auditor, now=timezone.now())
    make_rounds(game.provider, player, game, 20, at=moment - DAY)

    export = made(ask(auditor, moment, sample_id=sample.pk))
    ids = {int(row["id"]) for row in rows_of(export, "rounds.csv")}
    assert ids == set(sample.members.values_list("member_id", flat=True))
    assert export.manifest is not None
    assert export.manifest["sample"]["members_sha256"] == sample.members_sha256
    assert export.manifest["sample"]["seed"] == "2026-Q4"


def test_the_same_rows_are_the_same_bytes(auditor: User, player: Player, moment: datetime) -> None:
    first, second = made(ask(auditor, moment)), made(ask(auditor, moment))
    for name in ("rounds.csv", "events.csv", "ledger_lines.csv", "players.csv"):
        assert archive_of(first).read(name) == archive_of(second).read(name)

    def written() -> bytes:
        stream = io.BytesIO()
        archive = ExportArchive(stream, lambda _rows: None)
        file = ExportFile("a.csv", ("id", "amount_minor", "currency"), lambda _rows: iter(()))
        archive.add(file, iter([(1, 5, "EUR"), (2, -7, "EUR")]), with_personal_data=False)
        archive.close({"export": 1})
        return stream.getvalue()

    once = written()
    with time_machine.travel(timezone.now() + DAY):
        assert written() == once


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\uff1d1"])
def test_a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe(start: str) -> None:
    stream = io.BytesIO()
    archive = ExportArchive(stream, lambda _rows: None)
    file = ExportFile("a.csv", ("id", "text"), lambda _rows: iter(()))
    archive.add(file, iter([(-1, start)]), with_personal_data=False)
    archive.close({})

    text = zipfile.ZipFile(stream).read("a.csv").decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text, newline="")))[1] == ["-1", f"'{start}"]


def test_only_who_asked_gets_the_file_for_a_minute_and_it_is_on_record(
    auditor: User, player: Player, moment: datetime
) -> None:
    export = made(ask(auditor, moment))
    url = reverse("admin:auditing_export_download", args=[export.pk])
    client = client_of(auditor)
    link = client.get(url)["Location"]
    answer: Any = client.get(link)

    content = b"".join(answer.streaming_content)
    assert hashlib.sha256(content).hexdigest() == export.sha256
    assert answer["Content-Disposition"] == (
        f'attachment; filename="pitboss-export-{export.pk}.zip"'
    )
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cache-Control"].startswith("no-store, private")
    entry = AuditEntry.objects.get(action="auditing.export.downloaded")
    assert (entry.actor_id, entry.details) == (auditor.pk, {"sha256": export.sha256})

    other = make_user(roles=(Role.AUDITOR,))
    token = link.split("token=")[1].replace("%3A", ":")
    with pytest.raises(LinkExpiredError):
        services.hand_out(export_id=export.pk, token=token, acting_user=other, now=timezone.now())
    with pytest.raises(ExportNotYoursError):
        services.mint_link(export_id=export.pk, acting_user=other, now=timezone.now())
    with time_machine.travel(time.time() + 61), pytest.raises(LinkExpiredError):
        services.hand_out(export_id=export.pk, token=token, acting_user=auditor, now=timezone.now())
    assert AuditEntry.objects.filter(action="auditing.export.downloaded").count() == 1


def test_a_permission_that_is_gone_by_then_ends_the_download(
    auditor: User, player: Player, moment: datetime
) -> None:
    person = make_user(permissions=("auditing.add_export", "rounds.view_round"))
    export = made(ask(person, moment))
    token = services.mint_link(export_id=export.pk, acting_user=person, now=timezone.now())
    person.user_permissions.filter(codename="view_round").delete()
    person = User.objects.get(pk=person.pk)

    with pytest.raises(PopulationNotYoursError):
        services.hand_out(export_id=export.pk, token=token, acting_user=person, now=timezone.now())
    assert not AuditEntry.objects.filter(action="auditing.export.downloaded").exists()


def test_a_stored_file_that_was_altered_is_not_handed_out(
    auditor: User, player: Player, moment: datetime
) -> None:
    export = made(ask(auditor, moment))
    path = Path(storages["evidence"].path(export.storage_key))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    token = services.mint_link(export_id=export.pk, acting_user=auditor, now=timezone.now())
    with pytest.raises(ExportAlteredError):
        services.hand_out(export_id=export.pk, token=token, acting_user=auditor, now=timezone.now())


def test_the_file_is_dropped_after_a_week_and_its_hashes_stay(
    auditor: User, player: Player, moment: datetime
) -> None:
    export = made(ask(auditor, moment))
    assert services.drop_old_files(now=moment + KEPT_FOR - DAY) == 0
    later = timezone.now() + KEPT_FOR + DAY
    assert services.drop_old_files(now=later) == 1
    assert services.drop_old_files(now=later) == 0

    assert not storages["evidence"].exists(export.storage_key)
    with pytest.raises(ExportNotReadyError):
        services.mint_link(export_id=export.pk, acting_user=auditor, now=later)
    page = client_of(auditor).get(reverse("admin:auditing_export_change", args=[export.pk]))
    assert export.sha256 in page.content.decode()


def test_a_store_that_does_not_answer_is_said_and_the_download_works_later(
    auditor: User, player: Player, moment: datetime
) -> None:
    export = made(ask(auditor, moment))
    url = reverse("admin:auditing_export_download", args=[export.pk])
    # A folder where the file was: to be opened it is an error, and not that nothing is there.
    path = Path(storages["evidence"].path(export.storage_key))
    content = path.read_bytes()
    path.unlink()
    path.mkdir()
    page = client_of(auditor).get(url, follow=True)
    assert page.status_code == 200
    assert "The store for files does not answer" in page.content.decode()
    assert not AuditEntry.objects.filter(action="auditing.export.downloaded").exists()

    path.rmdir()
    path.write_bytes(content)
    answer: Any = client_of(auditor).get(url, follow=True)
    assert b"".join(answer.streaming_content) == content


def test_an_export_that_the_store_does_not_take_is_begun_again(
    auditor: User, player: Player, moment: datetime
) -> None:
    export = ask(auditor, moment)
    # A file where the folder of the year would be.
    far = moment.replace(year=2999)
    year = Path(storages["evidence"].path("exports/2999"))
    year.parent.mkdir(parents=True, exist_ok=True)
    year.write_text("in the way")
    assert services.begin_export(now=moment) == export.pk
    with pytest.raises(StoreUnavailableError):
        services.make_export(export.pk, now=far)
    export.refresh_from_db()
    assert (export.state, export.storage_key) == ("making", "")

    year.unlink()
    later = moment + timedelta(minutes=6)
    assert services.begin_export(now=later) == export.pk
    services.make_export(export.pk, now=later)
    export.refresh_from_db()
    assert (export.state, export.attempts) == ("ready", 2)


def test_a_file_that_cannot_be_deleted_keeps_no_other_one(
    auditor: User, player: Player, moment: datetime
) -> None:
    stuck, other = made(ask(auditor, moment)), made(ask(auditor, moment))
    # Not empty, the folder where the file was can't be removed.
    path = Path(storages["evidence"].path(stuck.storage_key))
    path.unlink()
    (path / "in the way").mkdir(parents=True)
    later = timezone.now() + KEPT_FOR + DAY
    assert services.drop_old_files(now=later) == 1
    stuck.refresh_from_db()
    other.refresh_from_db()
    assert (stuck.dropped_at, other.dropped_at) == (None, later)

    (path / "in the way").rmdir()
    assert services.drop_old_files(now=later + DAY) == 1
    stuck.refresh_from_db()
    assert stuck.dropped_at == later + DAY
    assert AuditEntry.objects.filter(action="auditing.export.file_dropped").count() == 2


def test_a_run_makes_one_export_so_that_each_has_the_whole_time_limit(
    auditor: User, player: Player, moment: datetime
) -> None:
    asked = [ask(auditor, moment), ask(auditor, moment)]

    def states() -> list[str]:
        return [Export.objects.get(pk=one.pk).state for one in asked]

    make_exports()
    assert states() == ["ready", "waiting"]
    make_exports()
    assert states() == ["ready", "ready"]


def test_a_repeated_task_makes_nothing_twice(
    auditor: User, player: Player, moment: datetime
) -> None:
    export = made(ask(auditor, moment))
    again = made(export)

    assert again.storage_key == export.storage_key
    assert AuditEntry.objects.filter(action="auditing.export.made").count() == 1
    assert again.attempts == 1


def test_what_a_dead_worker_left_is_made_by_another_and_given_up_after_three(
    auditor: User, player: Player, moment: datetime
) -> None:
    export = ask(auditor, moment)
    begun = timezone.now()
    assert services.begin_export(now=begun) == export.pk
    assert services.begin_export(now=begun + timedelta(minutes=4)) is None
    later = begun + timedelta(minutes=6)
    assert services.begin_export(now=later) == export.pk
    services.make_export(export.pk, now=later)
    export.refresh_from_db()
    assert (export.state, export.attempts) == ("ready", 2)

    doomed = ask(auditor, moment)
    for attempt in range(3):
        at = begun + timedelta(minutes=10 * attempt)
        assert services.begin_export(now=at) == doomed.pk
    assert services.begin_export(now=begun + DAY) is None
    doomed.refresh_from_db()
    assert doomed.state == "failed"
    assert doomed.failure == (
        "Begun 3 times and never done: too much for one file, or the store was away. "
        "Narrow it, or ask again."
    )


def test_of_two_workers_at_one_export_the_first_file_stays(
    auditor: User, player: Player, moment: datetime
) -> None:
    export = ask(auditor, moment)
    services.begin_export(now=timezone.now())
    services.make_export(export.pk, now=timezone.now())
    export.refresh_from_db()
    services.make_export(export.pk, now=timezone.now())

    again = Export.objects.get(pk=export.pk)
    assert (again.storage_key, again.sha256) == (export.storage_key, export.sha256)
    assert AuditEntry.objects.filter(action="auditing.export.made").count() == 1


def test_an_export_that_is_too_large_fails_by_name(
    auditor: User, player: Player, moment: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.auditing.services.exports.LARGEST", 2)
    export = made(ask(auditor, moment))

    assert (export.state, export.storage_key) == ("failed", "")
    assert export.failure == "3 rows; an export has 2 at most. Narrow it."
    page = client_of(auditor).get(reverse("admin:auditing_export_change", args=[export.pk]))
    assert "3 rows; an export has 2 at most" in page.content.decode()


def test_the_database_keeps_what_was_asked_and_what_was_made(
    auditor: User, player: Player, moment: datetime
) -> None:
    export = made(ask(auditor, moment))
    for changes in (
        {"with_personal_data": True},
        {"reason": "Another."},
        {"sha256": "0" * 64},
        {"state": "waiting", "storage_key": "", "finished_at": None},
    ):
        with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
            Export.objects.filter(pk=export.pk).update(**changes)
    with pytest.raises(DatabaseError, match="pgtrigger"), transaction.atomic():
        export.delete()
    fresh = ask(auditor, moment)
    with pytest.raises(DatabaseError, match="auditing_export_ready_has_its_file"):
        Export.objects.filter(pk=fresh.pk).update(state="ready")


def test_verify_export_answers_for_the_file_and_against_the_chain(
    auditor: User, player: Player, moment: datetime, tmp_path: Path
) -> None:
    path = file_of(made(ask(auditor, moment)), tmp_path)
    out = StringIO()
    call_command("verify_export", path, chain=True, stdout=out)
    assert "rounds.csv: 3 rows, SHA-256" in out.getvalue()
    assert "The audit chain holds the same manifest, and the head it names." in out.getvalue()

    altered = tmp_path / "altered.zip"
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(altered, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "rounds.csv":
                content = content.replace(b",200,", b",900,", 1)
            after.writestr(name, content)
    with pytest.raises(CommandError, match="not the export"):
        call_command("verify_export", altered, stdout=(out := StringIO()))
    assert "rounds.csv: its bytes are not those of then" in out.getvalue()


def test_an_export_that_was_taken_often_is_still_the_one_that_was_made(
    auditor: User, player: Player, moment: datetime, tmp_path: Path
) -> None:
    export = made(ask(auditor, moment))
    path = file_of(export, tmp_path)
    for _ in range(101):
        note_export(export, "downloaded", auditor, {"sha256": export.sha256}, moment)
    call_command("verify_export", path, chain=True, stdout=(out := StringIO()))
    assert "The audit chain holds the same manifest" in out.getvalue()


def test_an_export_whose_manifest_was_rewritten_too_is_found_by_the_chain(
    auditor: User, player: Player, moment: datetime, tmp_path: Path
) -> None:
    path = file_of(made(ask(auditor, moment)), tmp_path)
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(forged, "w") as after:
        content = before.read("rounds.csv").replace(b",200,", b",900,", 1)
        manifest = json.loads(before.read("manifest.json"))
        manifest["files"][0] |= {
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
        }
        after.writestr("rounds.csv", content)
        for name in ("events.csv", "ledger_lines.csv", "players.csv"):
            after.writestr(name, before.read(name))
        after.writestr("manifest.json", json.dumps(manifest))

    call_command("verify_export", forged, stdout=StringIO())
    with pytest.raises(CommandError, match="the manifest is not the one that was made"):
        call_command("verify_export", forged, chain=True, stdout=StringIO())


@pytest.mark.parametrize("content", [b"", b"PK", b"{}"])
def test_a_file_that_is_no_export_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(CommandError, match="is not an export"):
        call_command("verify_export", path, stdout=StringIO())


def test_every_population_can_be_exported(auditor: User, player: Player, moment: datetime) -> None:
    Limit.objects.create(
        player=player,
        kind="loss_24h",
        amount_minor=5_000,
        effective_from=moment,
        asked_by="agent",
        reason="Asked by telephone.",
    )
    for population, file_format in itertools.product(populations(), ExportFormat):
        period = narrowing(timezone.now(), since=datetime(2026, 1, 1, tzinfo=moment.tzinfo))
        facts = {"population": population.name, "narrowing": period, "file_format": file_format}
        export = made(ask(auditor, moment, **facts))
        assert (population.name, export.state, export.failure) == (population.name, "ready", "")
        assert export.manifest is not None
        assert export.manifest["file_format"] == file_format
        assert [one["name"] for one in export.manifest["files"]] == [
            one.name.replace(".csv", f".{file_format}") for one in population.files
        ]
    assert verify_audit_chain().holds


def test_an_export_asks_for_a_fresh_code(auditor: User, player: Player, moment: datetime) -> None:
    export = made(ask(auditor, moment))
    with override_settings(PITBOSS_MFA_REQUIRED=True):
        client = client_of(auditor)
        for url in (
            reverse("admin:auditing_export_add"),
            reverse("admin:auditing_export_download", args=[export.pk]),
        ):
            answer = client.get(url)
            assert answer.status_code == 302
            assert "second-factor" in answer["Location"]
    assert not AuditEntry.objects.filter(action="auditing.export.link_minted").exists()


def test_an_auditor_asks_on_the_page_watches_and_downloads(
    auditor: User, player: Player, moment: datetime
) -> None:
    sample = draw_sample(sample_request(moment), acting_user=auditor, now=timezone.now())
    client = client_of(auditor)
    page = client.get(reverse("admin:auditing_sample_change", args=[sample.pk])).content.decode()
    url = f"{reverse('admin:auditing_export_add')}?sample={sample.pk}"
    assert url in page
    assert client.get(url).status_code == 200
    answer = client.post(url, {"reason": "For the working papers.", "file_format": "csv"})
    export = Export.objects.get()
    assert answer["Location"] == reverse("admin:auditing_export_change", args=[export.pk])
    waiting = client.get(answer["Location"]).content.decode()
    assert "Waiting for the worker" in waiting

    made(export)
    ready = client.get(answer["Location"]).content.decode()
    assert reverse("admin:auditing_export_download", args=[export.pk]) in ready
    assert "6.00 EUR" in ready
    today = timezone.now().date()
    listed = {
        "population": "certificates",
        "since": "2026-01-01",
        "until": f"{today}",
        "provider": "",
        "jurisdiction": "",
        "file_format": "jsonl",
        "reason": "All of the year.",
    }
    assert client.post(reverse("admin:auditing_export_add"), listed).status_code == 302
    assert made(Export.objects.latest("pk")).state == "ready"


def test_a_page_that_watches_its_export_is_one_look_and_stops_when_it_is_made(
    auditor: User, player: Player, moment: datetime
) -> None:
    export = ask(auditor, moment)
    url = reverse("admin:auditing_export_change", args=[export.pk])
    client, other = client_of(auditor), client_of(make_user(roles=(Role.AUDITOR,)))
    page = client.get(url)
    assert "data-pb-live " in page.content.decode()
    assert "Refresh" not in page
    opened = AuditorLookUp.objects.count()

    part = client.get(url, headers={"X-Pitboss-Fragment": "1"})
    assert "Waiting for the worker" in part.content.decode()
    assert "<html" not in part.content.decode()
    assert "X-Pitboss-Live" not in part
    assert AuditorLookUp.objects.count() == opened
    unwatched = other.get(url, headers={"X-Pitboss-Fragment": "1"})
    assert "Reload the page" in unwatched.content.decode()
    assert AuditorLookUp.objects.count() == opened + 1

    made(export)
    last = client.get(url, headers={"X-Pitboss-Fragment": "1"})
    assert last["X-Pitboss-Live"] == "over"
    assert reverse("admin:auditing_export_download", args=[export.pk]) in last.content.decode()
    assert AuditorLookUp.objects.count() == opened + 1
    assert "data-pb-live " not in client.get(url).content.decode()
