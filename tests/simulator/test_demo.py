"""The demo's parts that need no running stack."""

import io
import os
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper

from apps.providers.pdf.signatures import check_signatures
from apps.providers.pdf.text import extract_text, stated_facts
from apps.simulator.certificates.folder import make_lab_folder
from apps.simulator.certificates.reports import expected_flags, renewed_reports
from apps.simulator.demo.people import CHARACTERS, seed_people
from apps.simulator.demo.steps import Finding, Outcome, Step, tell_story
from apps.simulator.errors import BadRequestError
from apps.simulator.progress import Lines
from apps.staff.enums import Role

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def test_a_story_names_what_failed_and_what_was_not_reached() -> None:
    def fail(_stage: list[str]) -> Finding:
        raise BadRequestError("no such day")

    steps = [
        Step[list[str]]("first", lambda _stage: Finding(is_held=False, text="differs")),
        Step("second", fail),
        Step("third", lambda stage: Finding(is_held=True, text=str(stage.append("x")))),
    ]
    stage: list[str] = []
    ended: list[Outcome] = []
    outcomes = tell_story(steps, stage, on_start=stage.append, on_end=ended.append)
    assert [outcome.finding.is_held for outcome in outcomes] == [False, False, False]
    assert outcomes[1].finding.text == "no such day (bad_request)"
    assert outcomes[2].finding.text.startswith("Not reached")
    assert stage == ["first", "second"]
    assert ended == outcomes


def test_a_story_into_a_file_says_what_it_is_at_when_it_is_at_it() -> None:
    written, at_start = io.StringIO(), []
    lines = Lines(OutputWrapper(written), 2)

    def run(_stage: None) -> Finding:
        at_start.append(written.getvalue())
        return Finding(is_held=len(at_start) < 2, text="30 breaks found, 31 planted")

    steps = [Step("Pull round logs", run), Step("Reconcile", run)]
    tell_story(steps, None, on_start=lines.start, on_end=lines.end)
    first = "1 of 2: Pull round logs ...\n"
    assert at_start == [first, f"{first}2 of 2: Reconcile ...\n"]
    assert written.getvalue().removeprefix(at_start[1]) == (
        "FAILED: Reconcile: 30 breaks found, 31 planted\n"
    )


def test_a_bug_in_a_step_ends_the_story_loudly() -> None:
    def crash(_stage: None) -> Finding:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        tell_story([Step("crash", crash)], None, on_start=lambda _: None, on_end=lambda _: None)


def test_the_laboratory_signs_what_it_says_and_the_forged_report_shows(tmp_path: Path) -> None:
    folder = make_lab_folder(tmp_path / "lab", now=NOW)
    root = folder.root.read_text()
    states = {}
    for report in folder.reports:
        data = (folder.path / report.file).read_bytes()
        states[report.file] = str(check_signatures(data, [root], NOW).state)
        facts = stated_facts(extract_text(data))
        assert (facts.report_number, facts.revision) == (report.report_number, str(report.revision))
        assert (facts.issued_on == str(report.issued_on)) is not report.is_altered
    assert states == {
        "rng.pdf": "valid",
        "slots-old.pdf": "valid",
        "slots.pdf": "valid",
        "cascades.pdf": "valid",
        "roulette.pdf": "valid",
        "tables.pdf": "none",
        "wheels.pdf": "invalid",
    }


def test_the_renewals_to_upload_are_signed_and_close_two_gaps(tmp_path: Path) -> None:
    folder = make_lab_folder(tmp_path / "lab", now=NOW)
    root = folder.root.read_text()
    with zipfile.ZipFile(folder.renewals) as archive:
        assert archive.namelist() == [
            "register.csv",
            "roulette-renewed.pdf",
            "cascades-renewed.pdf",
        ]
        for name in archive.namelist()[1:]:
            assert str(check_signatures(archive.read(name), [root], NOW).state) == "valid"
    flags = expected_flags([*folder.reports, *renewed_reports(folder.made_on)], folder.made_on)
    assert flags["uncovered"] == [
        f"borealis-live-0{number} {place}" for number in (1, 2) for place in ("IM", "MT")
    ]


def test_a_laboratory_folder_is_made_once_and_keeps_its_day(tmp_path: Path) -> None:
    first = make_lab_folder(tmp_path / "lab", now=NOW)
    files = {path.name: path.read_bytes() for path in first.path.iterdir()}
    second = make_lab_folder(tmp_path / "lab", now=datetime(2027, 1, 1, tzinfo=UTC))
    assert second == first
    assert {path.name: path.read_bytes() for path in second.path.iterdir()} == files


def test_expected_flags_follow_the_calendar(tmp_path: Path) -> None:
    reports = make_lab_folder(tmp_path / "lab", now=NOW).reports
    today = expected_flags(reports, date(2026, 11, 22))
    assert today["expired"] == ["NCT-GAM-0203"]
    assert today["expiring"] == ["NCT-GAM-0202", "NCT-RNG-0101"]
    assert len(today["uncovered"]) == 10
    # Thirteen days on, the cascades have lapsed in both jurisdictions.
    later = expected_flags(reports, date(2026, 12, 5))
    assert later["expired"] == ["NCT-GAM-0202", "NCT-GAM-0203"]
    assert len(later["uncovered"]) == 12


def test_the_demo_has_somebody_in_every_role_and_seeds_them_once(db: None, tmp_path: Path) -> None:
    assert {one.role for one in CHARACTERS} == set(Role)
    # What one analyst asks for, such as the end of a receivable, another has to agree to.
    assert sum(one.role == Role.FINANCE_ANALYST for one in CHARACTERS) == 2
    first = seed_people(tmp_path / "demo" / "password.txt", now=NOW)
    second = seed_people(tmp_path / "demo" / "password.txt", now=NOW)
    assert second == first
    assert (tmp_path / "demo" / "password.txt").stat().st_mode & 0o777 == 0o600
    assert all(user.check_password(first.password) for user in first.users.values())


def test_the_demo_refuses_to_run_under_other_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SETTINGS_MODULE", "config.settings.production")
    with pytest.raises(CommandError, match="shared password"):
        call_command("demo", "--once")


def test_the_demo_does_not_even_start_in_production() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.production"}
    ended = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo", "--once"],
        env=environment,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode != 0
