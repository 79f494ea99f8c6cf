"""What game servers run is compared with what the laboratory certified."""

import contextlib
import json
from dataclasses import replace
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from apps.core.models import AuditEntry, OutboxMessage
from apps.integrity import reading
from apps.integrity.contracts import DigestLine, MeasuredReport, ReportOutcome
from apps.integrity.enums import OnMismatch, ReportSource
from apps.integrity.errors import (
    DigestReportConflictError,
    DigestReportRefusedError,
    FaultNotOpenError,
)
from apps.integrity.models import DigestReport, Fault, IntegrityPolicy, MeasuredFile
from apps.integrity.selectors import games_measured
from apps.integrity.services import accepting
from apps.integrity.services.reports import compare_all, take_report
from apps.play.errors import LaunchRefusedError
from apps.play.services import can_serve, open_session
from apps.providers.errors import UnknownProviderError
from apps.providers.models import (
    Certificate,
    CertifiedBuild,
    CriticalFile,
    Deployment,
    Game,
    GameBuild,
    SupplierChange,
)
from apps.staff.enums import Role
from apps.staff.errors import ApprovalVoidError, SelfApprovalError
from apps.staff.services import approve, sync_roles
from tests.factories import MADE_AT, make_cover, make_game, make_player, make_provider, make_user
from tests.operator_api.builders import make_api
from tests.races import race

pytestmark = pytest.mark.django_db

GOOD, OTHER, THIRD = "a" * 64, "b" * 64, "c" * 64
CORE, TABLE = "bin/core.so", "data/paytable.bin"
_PERMISSIONS = ("integrity.request_acceptance", "integrity.approve_acceptance")


@pytest.fixture
def game() -> Game:
    game = make_game(make_provider())
    certify(make_cover(game))
    build = GameBuild.objects.create(game=game, version="1.0", created_at=MADE_AT)
    Deployment.objects.create(
        game=game, jurisdiction="MT", build=build, starts_at=MADE_AT, created_at=MADE_AT
    )
    return game


def certify(
    certificate: Certificate,
    version: str = "1.0",
    digest: str = GOOD,
    *,
    is_from_document: bool = False,
) -> None:
    """Have a report print the digests of two files of a build."""
    build = CertifiedBuild.objects.create(
        certificate=certificate,
        game_code="aurora-reef",
        build_version=version,
        is_from_document=is_from_document,
        created_at=MADE_AT,
    )
    for path in (CORE, TABLE):
        CriticalFile.objects.create(build=build, path=path, algorithm="sha256", digest=digest)


def line(path: str = CORE, digest: str = GOOD, **changes: str) -> DigestLine:
    return replace(DigestLine("aurora-reef", "1.0", path, "sha256", "", digest), **changes)


def report(now: datetime, *lines: DigestLine, ref: str = "r-1") -> MeasuredReport:
    return MeasuredReport(ref, now, lines or (line(), line(TABLE)))


def take(measured: MeasuredReport, now: datetime) -> ReportOutcome:
    return take_report("aurora", measured, source=ReportSource.FILE, received_from="test", now=now)


def served(game: Game, now: datetime) -> list[str]:
    answer = can_serve(game_id=game.pk, jurisdiction="MT", at=now)
    return [reason.code for reason in answer.reasons]


def told() -> list[tuple[str, str]]:
    messages = OutboxMessage.objects.filter(
        topic="integrity.fault_opened", task="reports.raise_alert"
    ).order_by("pk")
    return [(message.payload["kind"], message.payload["path"]) for message in messages]


def test_files_as_certified_leave_the_game_open(game: Game, now: datetime) -> None:
    outcome = take(report(now), now)
    assert (outcome.lines, outcome.matches, outcome.mismatches) == (2, 2, 0)
    assert (outcome.unknown, outcome.missing) == (0, 0)
    assert not Fault.objects.exists()
    assert served(game, now) == []


def test_a_wrong_file_closes_the_game_and_is_told_once(game: Game, now: datetime) -> None:
    make_player("p-1001")
    wrong = report(now, line(digest=OTHER), line(TABLE))
    assert take(wrong, now).mismatches == 1
    assert take(wrong, now).is_new is False
    for _ in range(2):
        compare_all(now=now)
    fault = Fault.objects.get()
    assert (fault.path, fault.certified, fault.reported) == (CORE, GOOD, OTHER)
    assert told() == [("mismatch", CORE)]
    assert served(game, now) == ["digest_mismatch"]
    with pytest.raises(LaunchRefusedError):
        open_session(player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=now)


def test_a_build_that_only_an_import_read_closes_no_game_that_may_not_run_it(
    now: datetime,
) -> None:
    game = make_game(make_provider())
    certify(make_cover(game), is_from_document=True)
    outcome = take(report(now, line(digest=OTHER), line(TABLE)), now)
    assert (outcome.mismatches, outcome.unknown) == (0, 2)
    assert "digest_mismatch" not in served(game, now)

    build = GameBuild.objects.create(game=game, version="1.0", created_at=MADE_AT)
    Deployment.objects.create(
        game=game, jurisdiction="MT", build=build, starts_at=MADE_AT, created_at=MADE_AT
    )
    assert take(report(now, line(digest=OTHER), line(TABLE), ref="r-2"), now).mismatches == 1
    assert served(game, now) == ["digest_mismatch"]


def test_a_provider_may_be_told_of_only(game: Game, now: datetime) -> None:
    IntegrityPolicy.objects.create(provider=game.provider, on_mismatch="alert")
    take(report(now, line(digest=OTHER), line(TABLE)), now)
    assert told() == [("mismatch", CORE)]
    assert served(game, now) == []


def test_a_later_right_report_opens_the_game_again(game: Game, now: datetime) -> None:
    take(report(now, line(digest=OTHER), line(TABLE)), now)
    later = now + timedelta(hours=1)
    take(report(later, ref="r-2"), later)
    fault = Fault.objects.get()
    assert (fault.state, fault.closed_at) == ("cleared", later)
    assert served(game, later) == []


def test_a_wrong_file_that_is_not_named_any_more_keeps_the_game_closed(
    game: Game, now: datetime
) -> None:
    take(report(now, line(digest=OTHER), line(TABLE)), now)
    later = now + timedelta(hours=1)
    without = report(later, line(TABLE), ref="r-2")
    assert take(without, later).missing == 1
    compare_all(now=later)
    fault = Fault.objects.get()
    assert (fault.kind, fault.state, fault.reported) == ("mismatch", "open", OTHER)
    assert served(game, later) == ["digest_mismatch"]
    right = later + timedelta(hours=1)
    assert take(report(right, ref="r-3"), right).missing == 0
    assert served(game, right) == []
    repeated = take(without, right)
    assert (repeated.is_new, repeated.missing) == (False, 1)


def test_a_missing_file_that_turns_out_wrong_is_told_and_closes_the_game(
    game: Game, now: datetime
) -> None:
    take(report(now, line(TABLE)), now)
    assert served(game, now) == []
    later = now + timedelta(hours=1)
    take(report(later, line(digest=OTHER), line(TABLE), ref="r-2"), later)
    assert told() == [("missing", CORE), ("mismatch", CORE)]
    assert served(game, later) == ["digest_mismatch"]
    missing, wrong = Fault.objects.order_by("pk")
    assert (missing.state, missing.closed_at) == ("cleared", later)
    assert (wrong.state, wrong.opened_at) == ("open", later)


def test_a_report_that_comes_late_says_nothing_about_now(game: Game, now: datetime) -> None:
    take(report(now), now)
    earlier = now - timedelta(hours=2)
    assert take(report(earlier, line(digest=OTHER), line(TABLE), ref="r-0"), now).mismatches == 1
    assert not Fault.objects.exists()


def test_a_certified_file_that_is_not_reported_is_a_fault_but_closes_nothing(
    game: Game, now: datetime
) -> None:
    assert take(report(now, line()), now).missing == 1
    assert told() == [("missing", TABLE)]
    assert served(game, now) == []


def test_a_file_that_no_report_names_proves_nothing(game: Game, now: datetime) -> None:
    outcome = take(report(now, line(), line(TABLE), line("bin/extra.so", OTHER)), now)
    assert (outcome.unknown, outcome.mismatches) == (1, 0)
    assert not Fault.objects.exists()


def second_build(game: Game, channel: str, since: datetime) -> None:
    """Have build 2.0 certified with other digests, and deploy it."""
    certify(Certificate.objects.get(), "2.0", OTHER)
    build = GameBuild.objects.create(game=game, version="2.0", created_at=MADE_AT)
    Deployment.objects.create(
        game=game,
        jurisdiction="MT",
        channel=channel,
        build=build,
        starts_at=since,
        created_at=MADE_AT,
    )


def leave_over(digest: str) -> None:
    """Have a build certified that never ran, with one file that no other build has."""
    old = CertifiedBuild.objects.create(
        certificate=Certificate.objects.get(),
        game_code="aurora-reef",
        build_version="0.9",
        created_at=MADE_AT,
    )
    CriticalFile.objects.create(build=old, path="bin/old.so", algorithm="sha256", digest=digest)


def wrong_files() -> list[tuple[str, str, str]]:
    faults = Fault.objects.filter(state="open", kind="mismatch").order_by("path")
    return [(one.path, one.held_to, one.looks_like) for one in faults]


def test_each_build_is_held_to_its_own_digests(game: Game, now: datetime) -> None:
    second_build(game, "mobile", MADE_AT)
    files = (line(digest=OTHER), line(TABLE, OTHER))
    unnamed = [replace(one, build_version="") for one in files]
    named = [replace(one, build_version="2.0") for one in files]
    assert take(report(now, *unnamed), now).mismatches == 0
    assert take(report(now, *named, ref="r-2"), now).mismatches == 0
    assert take(report(now, *files, ref="r-3"), now).mismatches == 2
    assert wrong_files() == [(CORE, "1.0", "2.0"), (TABLE, "1.0", "2.0")]


@pytest.mark.parametrize("names", [("", ""), ("1.0", "2.0"), ("2.0", "1.0")])
def test_files_of_two_certified_builds_are_no_certified_build(
    game: Game, now: datetime, names: tuple[str, str]
) -> None:
    second_build(game, "mobile", MADE_AT)
    core, table = names
    mixed = (line(build_version=core), line(TABLE, OTHER, build_version=table))
    assert take(report(now, *mixed), now).mismatches > 0
    assert served(game, now) == ["digest_mismatch"]


def test_a_server_that_runs_another_certified_build_than_deployed_closes_the_game(
    game: Game, now: datetime
) -> None:
    Deployment.objects.update(ends_at=MADE_AT + timedelta(hours=1))
    second_build(game, "any", MADE_AT + timedelta(hours=1))
    for ref, version in (("r-1", "1.0"), ("r-2", ""), ("r-3", "2.0")):
        old = (line(build_version=version), line(TABLE, build_version=version))
        assert take(report(now, *old, ref=ref), now).mismatches == 2
    assert wrong_files() == [(CORE, "2.0", "1.0"), (TABLE, "2.0", "1.0")]
    assert served(game, now) == ["digest_mismatch"]


def test_files_that_only_another_build_has_close_the_game_where_nothing_deployed_is_seen(
    game: Game, now: datetime
) -> None:
    leave_over(THIRD)
    left_over = line("bin/old.so", THIRD)
    assert take(report(now, line(), line(TABLE), left_over), now).unknown == 1
    assert not Fault.objects.exists()
    assert take(report(now, left_over, ref="r-2"), now).mismatches == 1
    assert wrong_files() == [("bin/old.so", "1.0", "0.9")]
    assert served(game, now) == ["digest_mismatch"]


def test_a_build_deployed_since_the_measurement_is_not_held_against_it(
    game: Game, now: datetime
) -> None:
    take(report(now), now)
    Deployment.objects.update(ends_at=now + timedelta(minutes=1))
    second_build(game, "any", now + timedelta(minutes=1))
    later = now + timedelta(hours=1)
    compare_all(now=later)
    assert not Fault.objects.exists()
    take(report(later, ref="r-2"), later)
    assert wrong_files() == [(CORE, "2.0", "1.0"), (TABLE, "2.0", "1.0")]


def test_a_build_that_came_by_a_minor_change_is_held_to_the_digests_it_inherits(
    game: Game, now: datetime
) -> None:
    first = GameBuild.objects.get()
    second = GameBuild.objects.create(game=game, version="1.1", created_at=now)
    SupplierChange.objects.create(
        from_build=first,
        to_build=second,
        classification="minor",
        rationale="New sounds.",
        decided_by=make_user(),
        decided_at=MADE_AT,
    )
    certify(Certificate.objects.get(), "0.9", OTHER)
    Deployment.objects.update(ends_at=MADE_AT + timedelta(hours=1))
    Deployment.objects.create(
        game=game,
        jurisdiction="MT",
        build=second,
        starts_at=MADE_AT + timedelta(hours=1),
        created_at=MADE_AT,
    )
    assert take(report(now, line(digest=OTHER), line(TABLE, OTHER)), now).mismatches == 2
    assert wrong_files() == [(CORE, "1.0", "0.9"), (TABLE, "1.0", "0.9")]
    right = (line(build_version="1.1"), line(TABLE, build_version="1.1"))
    assert take(report(now, *right, ref="r-2"), now).mismatches == 0
    assert served(game, now) == []


def test_the_day_a_report_lapses_its_digests_stop_speaking(game: Game, now: datetime) -> None:
    take(report(now, line(digest=OTHER), line(TABLE)), now)
    Certificate.objects.update(state="withdrawn")
    later = now + timedelta(hours=1)
    outcome = take(report(later, line(digest=OTHER), line(TABLE), ref="r-2"), later)
    assert (outcome.unknown, outcome.mismatches) == (2, 0)
    # What was wrong stays open: nobody measured it right.
    assert Fault.objects.get().state == "open"


def test_the_same_id_with_other_content_is_a_conflict(game: Game, now: datetime) -> None:
    take(report(now), now)
    with pytest.raises(DigestReportConflictError):
        take(report(now, line(digest=OTHER)), now)
    assert MeasuredFile.objects.count() == 2


def test_what_can_not_be_is_refused_and_leaves_no_trace(game: Game, now: datetime) -> None:
    with pytest.raises(DigestReportRefusedError, match="no game nova"):
        take(report(now, line(game_code="nova")), now)
    with pytest.raises(DigestReportRefusedError, match="future"):
        take(report(now + timedelta(seconds=1)), now)
    with pytest.raises(UnknownProviderError):
        take_report("nova", report(now), source=ReportSource.FILE, received_from="x", now=now)
    assert not DigestReport.objects.exists()


def test_two_people_accept_one_digest_of_one_file(game: Game, now: datetime) -> None:
    one, two = make_user(permissions=_PERMISSIONS), make_user(permissions=_PERMISSIONS)
    take(report(now, line(digest=OTHER), line(TABLE)), now)
    fault = Fault.objects.get()
    approval_id = accepting.request_acceptance(
        fault_id=fault.pk, acting_user=one, reason="The lab confirmed it by mail.", now=now
    )
    with pytest.raises(SelfApprovalError):
        approve(approval_id=approval_id, user=one, reason="Fine.", now=now)
    assert served(game, now) == ["digest_mismatch"]
    approve(approval_id=approval_id, user=two, reason="Mail seen.", now=now)
    fault.refresh_from_db()
    assert (fault.state, fault.closing_note) == ("accepted", f"Approval {approval_id}")
    assert served(game, now) == []
    compare_all(now=now)
    assert Fault.objects.count() == 1
    assert AuditEntry.objects.filter(action="integrity.digest_accepted").count() == 1
    with pytest.raises(FaultNotOpenError):
        accepting.request_acceptance(fault_id=fault.pk, acting_user=one, reason="Again.", now=now)
    # A third digest is as wrong as before.
    later = now + timedelta(hours=1)
    take(report(later, line(digest=THIRD), line(TABLE), ref="r-2"), later)
    assert served(game, later) == ["digest_mismatch"]


def accept(fault: Fault, now: datetime) -> None:
    one, two = make_user(permissions=_PERMISSIONS), make_user(permissions=_PERMISSIONS)
    approval_id = accepting.request_acceptance(
        fault_id=fault.pk, acting_user=one, reason="The lab confirmed it.", now=now
    )
    approve(approval_id=approval_id, user=two, reason="Mail seen.", now=now)


def test_a_file_of_another_build_that_two_people_accept_stays_accepted(
    game: Game, now: datetime
) -> None:
    leave_over(THIRD)
    left_over = line("bin/old.so", THIRD)
    take(report(now, left_over), now)
    accept(Fault.objects.get(kind="mismatch"), now)
    for ref in ("r-2", "r-3"):
        assert served(game, now) == []
        compare_all(now=now)
        assert take(report(now, left_over, ref=ref), now).mismatches == 0
    assert Fault.objects.filter(kind="mismatch").count() == 1


def test_a_file_of_a_mixed_build_that_two_people_accept_stays_accepted(
    game: Game, now: datetime
) -> None:
    second_build(game, "mobile", MADE_AT)
    mixed = (line(build_version="1.0"), line(TABLE, OTHER, build_version="2.0"))
    assert take(report(now, *mixed), now).mismatches == 2
    accept(Fault.objects.get(path=CORE), now)
    # With that file accepted in its place, build 2.0 is whole again.
    for ref in ("r-2", "r-3"):
        compare_all(now=now)
        assert served(game, now) == []
        assert take(report(now, *mixed, ref=ref), now).mismatches == 0
    assert Fault.objects.count() == 2


def test_an_acceptance_is_void_where_another_digest_came_since(game: Game, now: datetime) -> None:
    one, two = make_user(permissions=_PERMISSIONS), make_user(permissions=_PERMISSIONS)
    take(report(now, line(digest=OTHER), line(TABLE)), now)
    approval_id = accepting.request_acceptance(
        fault_id=Fault.objects.get().pk, acting_user=one, reason="Known.", now=now
    )
    later = now + timedelta(hours=1)
    take(report(later, line(digest=THIRD), line(TABLE), ref="r-2"), later)
    with pytest.raises(ApprovalVoidError):
        approve(approval_id=approval_id, user=two, reason="Fine.", now=later)
    assert Fault.objects.get().state == "open"


def test_a_game_with_certified_files_is_overdue_after_a_day(game: Game, now: datetime) -> None:
    assert [one.is_overdue for one in games_measured(now)] == [True]
    take(report(now), now)
    day = timedelta(hours=24)
    assert [one.is_overdue for one in games_measured(now + day)] == [False]
    assert [one.is_overdue for one in games_measured(now + day + timedelta(seconds=1))] == [True]


def test_the_database_refuses_it_too(game: Game, now: datetime) -> None:
    take(report(now, line(digest=OTHER), line(TABLE)), now)
    fault = Fault.objects.get()
    twin: dict[str, Any] = {
        "game": game,
        "kind": "mismatch",
        "path": CORE,
        "algorithm": "sha256",
        "reported": OTHER,
        "report": DigestReport.objects.get(),
        "opened_at": now,
    }
    with pytest.raises(IntegrityError, match="one_open_per_file"), transaction.atomic():
        Fault.objects.create(**twin)
    with pytest.raises(IntegrityError, match="closed_at_a_time"), transaction.atomic():
        Fault.objects.update(state="cleared")
    with pytest.raises(IntegrityError, match="names_what_was_reported"), transaction.atomic():
        Fault.objects.update(reported="")
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        Fault.objects.update(kind="missing", reported="")
    with pytest.raises(ProgrammingError, match="Cannot delete"), transaction.atomic():
        fault.delete()
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        MeasuredFile.objects.update(digest=GOOD)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"algorithm": "md5"}, "algorithm is one of"),
        ({"digest": "a" * 63}, "not hex of its algorithm"),
        ({"digest": "g" * 64}, "not hex of its algorithm"),
        ({"seed": "00"}, "CRC16"),
        ({"algorithm": "crc16", "digest": "abcd"}, "CRC16"),
        ({"path": ""}, "needed"),
        ({"path": "x" * 256}, "too long"),
        ({"path": "a\nb"}, "printable"),
        ({"digest": 5}, "printable"),
    ],
)
def test_a_bad_file_is_named(change: dict[str, Any], said: str) -> None:
    row = {"game_code": "g", "path": "p", "algorithm": "sha256", "digest": GOOD, **change}
    with pytest.raises(DigestReportRefusedError) as refused:
        reading.report_of("r-1", "2026-11-22T04:00:00Z", [row])
    assert refused.value.problems[0].startswith("File 1: ")
    assert said in refused.value.problems[0]


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"[]",
            b"{}",
            b'{"files": 1}',
            b'{"files": []}',
            b"\xff\xfe",
            b"[" * 100_000,
            b"NaN",
        ),
        b'{"report_id": "r", "measured_at": "0001-01-01T00:00:00+14:00", "files": [{}]}',
    ],
)
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(DigestReportRefusedError):
        reading.read_json(content)


@given(st.binary(max_size=300))
def test_no_bytes_bring_the_reader_down(content: bytes) -> None:
    with contextlib.suppress(DigestReportRefusedError):
        reading.read_json(content)
    with contextlib.suppress(DigestReportRefusedError):
        reading.read_csv(content, report_ref="r", measured_at="2026-11-22T04:00:00Z")


def test_a_csv_says_the_same_as_json() -> None:
    csv = f"game_code,build_version,path,algorithm,seed,digest\ng,1.0,p,SHA256,,{GOOD.upper()}\n"
    at = "2026-11-22T04:00:00Z"
    file = {"game_code": "g", "build_version": "1.0", "path": "p", "algorithm": "sha256"}
    document = {"report_id": "r", "measured_at": at, "files": [{**file, "digest": GOOD}]}
    read = reading.read_csv(csv.encode(), report_ref="r", measured_at=at)
    assert read == reading.read_json(json.dumps(document).encode())


def _document(now: datetime, digest: str = GOOD) -> dict[str, Any]:
    file = {"game_code": "aurora-reef", "build_version": "1.0", "algorithm": "sha256"}
    return {
        "report_id": "r-1",
        "measured_at": now.isoformat(),
        "files": [{**file, "path": path, "digest": digest} for path in (CORE, TABLE)],
    }


def test_the_command_ends_with_one_where_a_file_is_wrong(
    game: Game, now: datetime, tmp_path: Path
) -> None:
    path = tmp_path / "digests.json"
    path.write_text(json.dumps(_document(now)))
    out = StringIO()
    call_command("import_digests", str(path), "--provider", "aurora", stdout=out)
    assert "2 files, 2 as certified" in out.getvalue()
    path.write_text(json.dumps({**_document(now, OTHER), "report_id": "r-2"}))
    with pytest.raises(SystemExit) as ended:
        call_command("import_digests", str(path), "--provider", "aurora", stdout=out)
    assert ended.value.code == 1
    path.write_text("[]")
    with pytest.raises(CommandError, match="not taken"):
        call_command("import_digests", str(path), "--provider", "aurora", stdout=out)


def test_game_servers_report_through_the_api(game: Game, now: datetime) -> None:
    api = make_api()
    body = {"provider": "aurora", **_document(now, OTHER)}
    status, answer = api.post("digest-reports", body)
    assert (status, answer["mismatches"], answer["is_new"]) == (201, 2, True)
    status, answer = api.post("digest-reports", body)
    assert (status, answer["is_new"]) == (200, False)
    status, answer = api.post("digest-reports", {**body, "measured_at": "2026-11-01T00:00:00Z"})
    assert (status, answer["code"]) == (409, "digest_report_conflict")
    body["files"][0]["digest"] = "zz"
    status, answer = api.post("digest-reports", {**body, "report_id": "r-2"})
    assert (status, answer["code"]) == (400, "digest_report_refused")
    assert Fault.objects.count() == 2


def test_an_officer_imports_a_report_and_sees_what_is_wrong(
    game: Game, now: datetime, client: Client
) -> None:
    sync_roles(now=now)
    client.force_login(make_user("carla", roles=(Role.COMPLIANCE_OFFICER,)))
    at = now - timedelta(days=1)
    file = SimpleUploadedFile("r.json", json.dumps(_document(at, OTHER)).encode())
    page = "/admin/integrity/digestreport/upload/"
    answer = client.post(page, {"provider": "aurora", "file": file}, follow=True)
    assert "Files measured: 2. As certified: 0; another digest: 2;" in answer.content.decode()
    fault = f"/admin/integrity/fault/{Fault.objects.order_by('pk')[0].pk}/change/"
    text = client.get(fault).content.decode()
    assert GOOD in text
    assert OTHER in text
    assert "Ask to accept this digest" in text
    assert "Closing note" not in text
    assert "Seed (hex)" not in text
    assert "No session of this game opens, and those that run end." in text
    IntegrityPolicy.objects.create(provider=game.provider, on_mismatch=OnMismatch.ALERT)
    assert "By policy the game stays open." in client.get(fault).content.decode()
    client.post(f"{fault.removesuffix('change/')}do/accept/", {"reason": "Put back on Monday."})
    asked = client.get(fault).content.decode()
    assert "it awaits a second person" in asked
    assert "Ask to accept this digest" not in asked
    standing = client.get("/admin/integrity/digestreport/standing/").content.decode()
    assert "2 open" in standing
    assert f'href="{page}"' in standing


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_one_report_sent_ten_times_at_once_is_taken_once(game: Game, now: datetime) -> None:
    wrong = report(now, line(digest=OTHER), line(TABLE))
    outcomes = race([lambda: take(wrong, now)] * 10)
    assert sum(isinstance(one, ReportOutcome) and one.is_new for one in outcomes) == 1
    assert all(isinstance(one, ReportOutcome) for one in outcomes)
    assert told() == [("mismatch", CORE)]
