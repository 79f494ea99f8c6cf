"""Whatever is measured, files are right only as files of one whole build that runs."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.integrity.contracts import DigestLine
from apps.integrity.enums import LineVerdict
from apps.integrity.services.judging import _Desk
from apps.providers.contracts import GameRef
from apps.providers.selectors.digests import CertifiedFile

GAME = GameRef(1, "aurora-reef", "Aurora Reef", "slot", is_active=True)
VERSIONS = ("1.0", "2.0", "3.0")
PATHS = ("a", "b", "c", "d")

type Builds = dict[str, dict[str, str]]


def drawn(dice: random.Random) -> tuple[Builds, list[str]]:
    """Draw certified builds, few digests apart, and which of them run."""
    builds = {
        version: {
            path: dice.choice("xy") * 64 for path in dice.sample(PATHS, dice.randint(1, len(PATHS)))
        }
        for version in dice.sample(VERSIONS, dice.randint(1, 3))
    }
    return builds, dice.sample(sorted(builds), dice.randint(1, len(builds)))


def desk(builds: Builds, running: list[str]) -> _Desk:
    files = [
        CertifiedFile(version, "any", path, "sha256", "", digest, is_from_document=False)
        for version, printed in builds.items()
        for path, digest in printed.items()
    ]
    return _Desk(GAME, files, {version: {version} for version in running}, {})


def line(path: str, digest: str, version: str = "") -> DigestLine:
    return DigestLine(GAME.game_code, version, path, "sha256", "", digest)


@settings(max_examples=500)
@given(seed=st.integers(0, 2**32))
def test_where_nothing_is_wrong_each_right_file_is_of_a_whole_build_that_runs(seed: int) -> None:
    dice = random.Random(seed)
    builds, running = drawn(dice)
    measured = {path: dice.choice("xyz") * 64 for path in dice.sample(PATHS, dice.randint(1, 4))}
    named = {path: dice.choice(["", *VERSIONS]) for path in measured}
    judged = desk(builds, running).verdicts(
        [line(path, digest, named[path]) for path, digest in measured.items()]
    )
    if any(one.verdict == LineVerdict.MISMATCH for one in judged):
        return
    whole = [
        builds[version]
        for version in running
        if all(
            measured[path] == builds[version][path] for path in measured.keys() & builds[version]
        )
    ]
    for one in judged:
        is_of_a_whole_build = any(one.line.path in printed for printed in whole)
        assert (one.verdict == LineVerdict.MATCH) == is_of_a_whole_build


@settings(max_examples=200)
@given(seed=st.integers(0, 2**32))
def test_a_server_with_the_files_of_a_build_that_runs_is_never_wrong(seed: int) -> None:
    dice = random.Random(seed)
    builds, running = drawn(dice)
    version = dice.choice(running)
    lines = [
        line(path, digest, dice.choice(["", version])) for path, digest in builds[version].items()
    ]
    judge = desk(builds, running)
    assert {one.verdict for one in judge.verdicts(lines)} == {LineVerdict.MATCH}
    assert {one.line.path for one in judge.missing(lines)} == {
        path for other in running for path in builds[other]
    } - builds[version].keys()


@settings(max_examples=200)
@given(seed=st.integers(0, 2**32))
def test_a_digest_that_no_report_prints_for_a_file_that_runs_is_always_wrong(seed: int) -> None:
    dice = random.Random(seed)
    builds, running = drawn(dice)
    version = dice.choice(running)
    altered = dice.choice(sorted(builds[version]))
    lines = [
        line(path, "z" * 64 if path == altered else digest)
        for path, digest in builds[version].items()
    ]
    [found] = [one for one in desk(builds, running).verdicts(lines) if one.line.path == altered]
    assert (found.verdict, found.looks_like) == (LineVerdict.MISMATCH, ())
