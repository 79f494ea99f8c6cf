"""The gate refuses what the law forbids, whatever certificates say, and says by which rule."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.play.contracts import GateAnswer
from apps.play.services import can_serve, gate
from apps.players.errors import RehearsalPlaceError
from apps.providers.contracts import Cover
from apps.providers.errors import NotOverridableError, OverrideChangedError, TimesError
from apps.providers.models import (
    Certificate,
    CertificateRtpVariant,
    CertifiedBuild,
    Deployment,
    Game,
    GameBuild,
    GateOverride,
)
from apps.providers.selectors.proof import proof_at
from apps.providers.services.builds import (
    Editing,
    NewBuild,
    NewDeployment,
    NewVariant,
    add_build,
    add_variant,
    deploy,
    end_deployment,
)
from apps.providers.services.overrides import OverrideWish, end_override, request_override
from apps.staff.errors import SelfApprovalError
from apps.staff.models import Approval
from apps.staff.services import approve
from tests.factories import MADE_AT, make_cover, make_game, make_provider, make_user
from tests.older_schema import schema_at

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def _codes(answer: GateAnswer) -> list[str]:
    return [reason.code for reason in answer.reasons]


def _ask(game: Game, now: Any, jurisdiction: str = "MT", **names: str) -> GateAnswer:
    return can_serve(game_id=game.pk, jurisdiction=jurisdiction, at=now, **names)


@pytest.mark.parametrize("is_said_to_be_covered", [False, True])
def test_what_names_no_certificate_is_not_served(*, is_said_to_be_covered: bool) -> None:
    cover = Cover(allowed=is_said_to_be_covered, certificate=None)
    assert [reason.code for reason in gate._proof_reasons(cover)] == ["no_certificate"]


@pytest.mark.parametrize("place", ["AU", "AU-NT", "AU-NSW"])
def test_online_casino_for_people_in_australia_ships_blocked(now: Any, place: str) -> None:
    game = make_game(make_provider(), offered_in=(place,))
    make_cover(game, place)
    answer = _ask(game, now, place)
    assert (answer.allowed, _codes(answer)) == (False, ["prohibited_product"])
    assert answer.reasons[0].rule == "AU-0"
    assert "Interactive Gambling Act 2001" in answer.reasons[0].text


def test_an_rtp_below_the_legal_floor_is_refused_by_the_variant_that_runs(now: Any) -> None:
    game = make_game(make_provider())
    make_cover(game)
    why = Editing(None, "Delivered.", now)
    build = add_build(NewBuild(game.pk, "1.0"), why)
    low, high = (
        add_variant(NewVariant(game.pk, code, Decimal(rtp), "PAR sheet"), why)
        for code, rtp in (("V84", "84.9999"), ("V85", "85"))
    )
    deploy(NewDeployment("MT", build.pk, low.pk, now), why)
    answer = _ask(game, now)
    assert (_codes(answer), answer.reasons[0].rule) == (["rtp_below_floor"], "MT-RTP")
    assert (answer.builds, answer.variants) == (("1.0",), ("V84",))
    assert _ask(game, now, variant="V85").allowed
    deploy(NewDeployment("MT", build.pk, high.pk, now + HOUR), why)
    assert _ask(game, now + HOUR).allowed


@pytest.mark.parametrize(("stated", "codes"), [("0.8", ["rtp_below_floor"]), ("0.95", [])])
def test_a_channel_without_a_variant_on_file_counts_with_the_figure_of_the_catalogue(
    now: Any, stated: str, codes: list[str]
) -> None:
    game = make_game(make_provider())
    make_cover(game)
    Game.objects.filter(pk=game.pk).update(theoretical_rtp=Decimal(stated))
    why = Editing(None, "Delivered.", now)
    build = add_build(NewBuild(game.pk, "1.0"), why)
    high = add_variant(NewVariant(game.pk, "V96", Decimal(96), "PAR sheet"), why)
    deploy(NewDeployment("MT", build.pk, high.pk, now, channel="desktop"), why)
    assert _codes(_ask(game, now)) == []
    deploy(NewDeployment("MT", build.pk, None, now, channel="mobile"), why)
    assert _codes(_ask(game, now)) == codes


def test_an_unknown_build_or_variant_is_refused(now: Any) -> None:
    game = make_game(make_provider())
    make_cover(game)
    assert _codes(_ask(game, now, build="7.7")) == ["unknown_build"]
    assert _codes(_ask(game, now, variant="V7")) == ["unknown_variant"]


def test_a_build_and_variant_asked_about_are_judged_where_nothing_runs_any_more(now: Any) -> None:
    game = make_game(make_provider())
    certificate = make_cover(game)
    CertificateRtpVariant.objects.create(certificate=certificate, rtp_percent=Decimal(96))
    why = Editing(None, "Delivered.", now - 2 * HOUR)
    build = add_build(NewBuild(game.pk, "1.0"), why)
    for code, rtp in (("V80", 80), ("V96", 96)):
        add_variant(NewVariant(game.pk, code, Decimal(rtp), "PAR sheet"), why)
    ran = deploy(NewDeployment("MT", build.pk, None, now - 2 * HOUR), why)
    end_deployment(deployment_id=ran.pk, ends_at=now - HOUR, editing=why)
    answer = _ask(game, now, build="1.0", variant="V80")
    assert _codes(answer) == ["rtp_below_floor", "other_variant"]
    assert (answer.builds, answer.variants) == (("1.0",), ("V80",))
    allowed = _ask(game, now, build="1.0", variant="V96")
    assert (allowed.allowed, allowed.variants) == (True, ("V96",))
    assert _codes(_ask(game, now, variant="V96")) == ["not_deployed"]


def _override(game: Game, now: Any, jurisdiction: str = "MT") -> GateOverride:
    asking, agreeing = (
        make_user("asks"),
        make_user("agrees", permissions=("providers.approve_gateoverride",)),
    )
    wish = OverrideWish(game.pk, jurisdiction, now + HOUR)
    approval_id = request_override(wish, acting_user=asking, reason="Lab confirms.", now=now)
    approve(approval_id=approval_id, user=agreeing, reason="Seen the mail.", now=now)
    return GateOverride.objects.get()


def test_two_people_stand_in_for_a_missing_report_until_it_expires(now: Any) -> None:
    game = make_game(make_provider())
    assert _codes(_ask(game, now)) == ["no_certificate"]
    override = _override(game, now)
    answer = _ask(game, now)
    assert (answer.allowed, answer.override_id) == (True, override.pk)
    assert answer.override_ends_at == now + HOUR
    assert [remark.code for remark in answer.remarks] == ["no_certificate"]
    assert _codes(_ask(game, now - timedelta(microseconds=1))) == ["no_certificate"]
    assert _codes(_ask(game, now + HOUR)) == ["no_certificate"]
    assert "no_certificate" in _codes(_ask(game, now, "IM"))
    early = Editing(make_user("ends"), "The report came.", now + HOUR / 2)
    end_override(override_id=override.pk, editing=early)
    assert _codes(_ask(game, now + HOUR / 2)) == ["no_certificate"]
    with pytest.raises(OverrideChangedError):
        end_override(override_id=override.pk, editing=early)


def test_an_override_never_lifts_the_law_nor_switches_a_game_on(now: Any) -> None:
    game = make_game(make_provider())
    _override(game, now)
    Game.objects.filter(pk=game.pk).update(is_active=False, theoretical_rtp=Decimal("0.8"))
    assert _codes(_ask(game, now)) == ["game_inactive", "rtp_below_floor"]


def test_an_override_stands_in_for_no_build_or_variant_that_nobody_knows(now: Any) -> None:
    game = make_game(make_provider())
    _override(game, now)
    assert _ask(game, now).allowed
    for names, code in (
        ({"build": "7.7"}, "unknown_build"),
        ({"variant": "V7"}, "unknown_variant"),
    ):
        answer = _ask(game, now, **names)
        assert (answer.allowed, _codes(answer), answer.override_id) == (False, [code], None)


def test_an_override_hides_no_rtp_behind_a_build_that_nobody_knows(now: Any) -> None:
    game = make_game(make_provider())
    _override(game, now)
    why = Editing(None, "Delivered.", now)
    build = add_build(NewBuild(game.pk, "1.0"), why)
    low = add_variant(NewVariant(game.pk, "V80", Decimal(80), "PAR sheet"), why)
    deploy(NewDeployment("MT", build.pk, low.pk, now), why)
    assert _codes(_ask(game, now)) == ["rtp_below_floor"]
    assert _codes(_ask(game, now, build="7.7")) == ["unknown_build"]


def test_an_override_stands_in_for_nothing_where_nothing_runs_or_another_package(now: Any) -> None:
    game = make_game(make_provider())
    certificate = make_cover(game)
    CertifiedBuild.objects.create(
        certificate=certificate,
        game_code=game.game_code,
        build_version="1.0",
        digest="a" * 64,
        created_at=MADE_AT,
    )
    _override(game, now)
    build = GameBuild.objects.create(game=game, version="1.0", created_at=MADE_AT)
    runs = Deployment.objects.create(
        game=game,
        jurisdiction="MT",
        build=build,
        digest="b" * 64,
        starts_at=MADE_AT,
        created_at=MADE_AT,
    )
    for ends_at, code in ((None, "digest_mismatch"), (now, "not_deployed")):
        Deployment.objects.filter(pk=runs.pk).update(ends_at=ends_at)
        assert _codes(_ask(game, now)) == [code]
        proof = proof_at(game.pk, "MT", now)
        assert proof is not None
        assert proof.override_id is None


def test_nobody_may_ask_for_what_the_law_forbids_or_for_ever(now: Any) -> None:
    game = make_game(make_provider())
    user = make_user("asks")
    for error, jurisdiction, ends_at in (
        (NotOverridableError, "AU-NT", now + HOUR),
        (RehearsalPlaceError, "ZZ", now + HOUR),
        (TimesError, "MT", now),
        (TimesError, "MT", now + timedelta(days=7, seconds=1)),
    ):
        wish = OverrideWish(game.pk, jurisdiction, ends_at)
        with pytest.raises(error):
            request_override(wish, acting_user=user, reason="Please.", now=now)
    assert not Approval.objects.exists()


def test_the_page_of_an_override_names_its_game_and_who_agreed(now: Any, client: Client) -> None:
    override = _override(make_game(make_provider()), now)
    client.force_login(make_user(permissions=("providers.view_gateoverride",)))
    text = client.get(f"/admin/providers/gateoverride/{override.pk}/change/").content.decode()
    assert f"aurora-reef in MT until {now + HOUR:%Y-%m-%d %H:%M} UTC" in text
    assert "agrees" in text


def test_one_person_is_never_enough(now: Any) -> None:
    game = make_game(make_provider())
    alone = make_user("alone", permissions=("providers.approve_gateoverride",))
    wish = OverrideWish(game.pk, "MT", now + HOUR)
    approval_id = request_override(wish, acting_user=alone, reason="Please.", now=now)
    with pytest.raises(SelfApprovalError):
        approve(approval_id=approval_id, user=alone, reason="Yes.", now=now)
    assert not GateOverride.objects.exists()
    facts = {
        "game": game,
        "jurisdiction": "MT",
        "starts_at": now,
        "reason": "x",
        "created_at": now,
        "approval_id": approval_id,
        "requested_by": alone,
    }
    for name, changes in (
        (
            "providers_open_override_is_in_no_rehearsal",
            {"approved_by": make_user("b"), "ends_at": now + HOUR, "jurisdiction": "ZZ"},
        ),
        ("given_by_two_people", {"approved_by": alone, "ends_at": now + HOUR}),
        (
            "lasts_a_week_at_most",
            {"approved_by": make_user("other"), "ends_at": now + timedelta(days=8)},
        ),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            GateOverride.objects.create(**{**facts, **changes})


@pytest.mark.django_db(transaction=True)
def test_what_was_opened_for_rehearsals_before_that_was_refused_can_be_ended(now: Any) -> None:
    game = make_game(make_provider())
    why = Editing(None, "It was for a rehearsal.", now)
    build = add_build(NewBuild(game.pk, "1.0"), why)
    asking, agreeing = make_user("asks"), make_user("agrees")
    wish = OverrideWish(game.pk, "MT", now + HOUR)
    approval_id = request_override(wish, acting_user=asking, reason="Please.", now=now)
    there: dict[str, Any] = {"game": game, "jurisdiction": "ZZ", "starts_at": now - HOUR}
    with schema_at("providers", "0024_mark_rehearsal_reports"):
        deployment = Deployment.objects.create(**there, build=build, created_at=now)
        override = GateOverride.objects.create(
            **there,
            ends_at=now + HOUR,
            reason="A rehearsal.",
            requested_by=asking,
            approved_by=agreeing,
            approval_id=approval_id,
            created_at=now,
        )

    end_deployment(deployment_id=deployment.pk, ends_at=now, editing=why)
    end_override(override_id=override.pk, editing=why)

    deployment.refresh_from_db()
    override.refresh_from_db()
    assert (deployment.ends_at, override.ended_at) == (now, now)
    # What has ended is not opened again.
    with pytest.raises(IntegrityError, match="open_deployment_is_in_no_rehearsal"):
        Deployment.objects.update(ends_at=None)
    with pytest.raises(IntegrityError, match="open_override_is_in_no_rehearsal"):
        GateOverride.objects.update(ended_at=None)


def test_an_override_agreed_too_late_opens_nothing(now: Any) -> None:
    game = make_game(make_provider())
    wish = OverrideWish(game.pk, "MT", now + HOUR)
    approval_id = request_override(wish, acting_user=make_user("a"), reason="Please.", now=now)
    agreeing = make_user("b", permissions=("providers.approve_gateoverride",))
    with pytest.raises(OverrideChangedError):
        approve(approval_id=approval_id, user=agreeing, reason="Yes.", now=now + HOUR)
    assert not GateOverride.objects.exists()


def test_the_gate_asks_two_queries(now: Any) -> None:
    game = make_game(make_provider())
    make_cover(game)
    for names in ({}, {"variant": "V"}, {"build": "1"}):
        with CaptureQueriesContext(connection) as queries:
            _ask(game, now, **names)
        assert len(queries) == 2


def _run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("can_serve", *arguments, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_the_command_ends_with_one_for_no_and_says_why() -> None:
    game = make_game(make_provider())
    certificate: Certificate = make_cover(game)
    when = ("--at", "2026-11-22T10:15:30Z")
    status, text = _run("aurora:aurora-reef", "--jurisdiction", "MT", *when)
    assert status == 0
    assert f"proof: {certificate.report_number} rev 1 of Northlight Labs, until 2027-06-30" in text
    status, text = _run("aurora:aurora-reef", "--jurisdiction", "AU-NT", "--json", *when)
    answer = json.loads(text)
    assert (status, answer["allowed"], answer["certificate"]) == (1, False, None)
    assert [reason["rule"] for reason in answer["reasons"]] == ["", "AU-0", ""]
    for arguments in (["aurora:none"], ["nobody:none"]):
        with pytest.raises(CommandError):
            _run(*arguments, "--jurisdiction", "MT")
    with pytest.raises(CommandError):
        _run("aurora:aurora-reef", "--jurisdiction", "MT", "--at", "2026-11-22T10:15:30")
