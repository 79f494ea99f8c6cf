"""A round's proof says what had been measured on the game server when it was played."""

from datetime import datetime, timedelta

import pytest

from apps.integrity.models import Fault
from apps.integrity.services import accepting
from apps.integrity.services.reports import compare_all
from apps.providers.models import Certificate, CertifiedBuild, CriticalFile, Deployment, GameBuild
from apps.rounds.models import Round
from apps.rounds.panels import measured_cell
from apps.rounds.proving import proof_of_round
from apps.staff.services import approve
from tests.factories import MADE_AT, make_cover, make_game, make_player, make_provider, make_user
from tests.integrity.test_digests import CORE, GOOD, OTHER, TABLE, line, report, take
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
PACKAGE = "d" * 64


@pytest.fixture(autouse=True)
def deployed(now: datetime) -> None:
    """Have rounds played at each of six hours, of a build whose package is as certified."""
    provider = make_provider()
    game = make_game(provider)
    certificate: Certificate = make_cover(game)
    certified = CertifiedBuild.objects.create(
        certificate=certificate,
        game_code=game.game_code,
        build_version="1.0",
        digest=PACKAGE,
        created_at=MADE_AT,
    )
    for path in (CORE, TABLE):
        CriticalFile.objects.create(build=certified, path=path, algorithm="sha256", digest=GOOD)
    build = GameBuild.objects.create(game=game, version="1.0", digest=PACKAGE, created_at=MADE_AT)
    Deployment.objects.create(
        game=game,
        jurisdiction="MT",
        build=build,
        digest=PACKAGE,
        starts_at=MADE_AT,
        created_at=MADE_AT,
    )
    player = make_player()
    fund(player, 100_000, now)
    for hour in range(6):
        at = now + hour * HOUR
        play(provider, [round_event(player, f"h-{hour}", at)], at)


def said() -> list[tuple[str, str]]:
    """Return what each round says of the deployed package and of the measured files."""
    proofs = [proof_of_round(one) for one in Round.objects.order_by("opened_at")]
    return [(one.digests, one.measured.verdict) for one in proofs if one is not None]


def test_a_package_as_certified_does_not_hide_a_wrong_file(now: datetime) -> None:
    take(report(now + HOUR), now + HOUR)
    wrong_at = now + 2 * HOUR
    take(report(wrong_at, line(digest=OTHER), line(TABLE), ref="r-2"), wrong_at)
    left_out_at = now + 3 * HOUR
    take(report(left_out_at, line(TABLE), ref="r-3"), left_out_at)
    right_at = now + 4 * HOUR
    take(report(right_at, ref="r-4"), right_at)
    less_at = now + 5 * HOUR
    take(report(less_at, line(), ref="r-5"), less_at)
    assert said() == [
        ("match", "not measured"),
        ("match", "match"),
        ("match", "mismatch"),
        ("match", "mismatch"),
        ("match", "match"),
        ("match", "incomplete"),
    ]
    proof = proof_of_round(Round.objects.order_by("opened_at")[3])
    assert proof is not None
    assert proof.measured.wrong_files == (CORE,)
    cell = measured_cell(proof.measured)
    assert f"report r-3 of {left_out_at:%Y-%m-%d %H:%M} UTC: {CORE}" in cell


def test_a_report_that_came_late_speaks_of_when_it_was_measured(now: datetime) -> None:
    late = now + 6 * HOUR
    take(report(now + 3 * HOUR), now + 3 * HOUR)
    wrong = report(now + HOUR, line(digest=OTHER), line(TABLE), ref="r-0")
    take(wrong, late)
    assert [measured for _package, measured in said()] == [
        "not measured",
        "mismatch",
        "mismatch",
        "match",
        "match",
        "match",
    ]


def test_what_two_people_accepted_is_wrong_until_then_and_not_after(now: datetime) -> None:
    permissions = ("integrity.request_acceptance", "integrity.approve_acceptance")
    one, two = make_user(permissions=permissions), make_user(permissions=permissions)
    take(report(now, line(digest=OTHER), line(TABLE)), now)
    approval_id = accepting.request_acceptance(
        fault_id=Fault.objects.get().pk, acting_user=one, reason="The lab confirmed it.", now=now
    )
    approve(approval_id=approval_id, user=two, reason="Mail seen.", now=now + 2 * HOUR)
    compare_all(now=now + 3 * HOUR)
    assert [measured for _package, measured in said()] == ["mismatch"] * 2 + ["match"] * 4


def test_a_measurement_of_the_day_before_yesterday_says_so(now: datetime) -> None:
    before = now - 25 * HOUR
    take(report(before), before)
    proof = proof_of_round(Round.objects.order_by("opened_at")[0])
    assert proof is not None
    assert (proof.measured.verdict, proof.measured.is_overdue) == ("match", True)
    assert "over 24 hours before" in measured_cell(proof.measured)
