"""One short soak of the real product, and proof that its evidence can turn the checker red."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.layers import REPOSITORY
from tests.soak.checker import check
from tests.soak.contracts import Evidence, State
from tests.soak.evidence import load_evidence

SEED = 20_261_122

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Soak for twenty seconds; return the folder that it leaves."""
    parent = tmp_path_factory.mktemp("soak")
    command = [sys.executable, "-m", "tests.soak", "--minutes", "0.34", "--seed", str(SEED)]
    command += ["--kill-every", "4", "--patience", "4", "--keep", "--folder", str(parent)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [kept] = parent.iterdir()
    return kept


@pytest.fixture(scope="module")
def evidence(folder: Path) -> Evidence:
    return load_evidence(folder)


def test_a_short_soak_ends_with_equal_books(folder: Path, evidence: Evidence) -> None:
    report: dict[str, Any] = json.loads((folder / "soak-report.json").read_text())
    assert report["holds"]
    assert (report["lost"], report["extra"], report["differing"]) == (0, 0, 0)
    assert report["seed"] == SEED
    assert report["compared"] > 0
    assert len(evidence.kills) > 0
    assert report["parked"] > 0
    assert {entry.provider for entry in evidence.entries if entry.moved_money} == {
        "soak-native",
        "soak-swipe",
        "soak-hub88",
        "soak-iplaygames",
    }


def test_the_kept_evidence_gives_the_same_verdict_again(evidence: Evidence) -> None:
    assert check(evidence).holds


def test_one_acknowledged_event_dropped_from_our_copy_is_found(evidence: Evidence) -> None:
    standing = next(event for event in evidence.ours.events if event.moved_money)
    events = tuple(event for event in evidence.ours.events if event is not standing)
    verdict = check(replace(evidence, ours=replace(evidence.ours, events=events)))
    assert verdict.lost == 1
    assert standing.id in verdict.findings[0].what


def test_one_operation_booked_twice_is_found(evidence: Evidence) -> None:
    standing = next(event for event in evidence.ours.events if event.moved_money)
    twice = replace(standing, net_minor=2 * standing.net_minor)
    events = tuple(twice if event is standing else event for event in evidence.ours.events)
    verdict = check(replace(evidence, ours=replace(evidence.ours, events=events)))
    assert verdict.differing == 1


def test_one_stake_that_its_provider_took_back_and_we_kept_is_found(evidence: Evidence) -> None:
    accepted = next(
        entry
        for entry in evidence.entries
        if entry.kind == "stake" and entry.state == State.ACCEPTED and entry.moved_money
    )
    cancelled = replace(accepted, state=State.CANCELLED)
    entries = tuple(cancelled if entry is accepted else entry for entry in evidence.entries)
    assert check(replace(evidence, entries=entries)).extra == 1
