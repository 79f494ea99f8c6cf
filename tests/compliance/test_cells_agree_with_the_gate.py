"""The matrix and its gaps say of every cell what the launch gate answers there."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from apps.compliance.contracts import Cell, MatrixQuery
from apps.compliance.enums import CellState
from apps.compliance.selectors.matrix import gaps_at, matrix_at, with_next_action
from apps.integrity.models import DigestReport, Fault, IntegrityPolicy
from apps.play.services import can_serve
from apps.play.services.gate import places_open_among
from apps.providers.models import Game, Provider
from apps.providers.services.builds import (
    Editing,
    NewBuild,
    NewDeployment,
    NewVariant,
    add_build,
    add_variant,
    deploy,
)
from tests.compliance.makers import make_officer
from tests.compliance.test_coverage_pages import PAGES
from tests.factories import make_cover, make_game, make_override, make_provider
from tests.providers import test_coverage_oracle as oracle

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
SERVED = {CellState.OVERRIDE, CellState.REVIEW_OVERDUE, CellState.EXPIRING, CellState.COVERED}


def cells_at(at: datetime) -> dict[tuple[int, str], Cell]:
    return {
        (row.game.id, place): cell
        for row in matrix_at(at, MatrixQuery()).rows
        for place, cell in row.cells.items()
    }


def open_fault(game: Game, at: datetime, kind: str = "mismatch") -> None:
    report, _ = DigestReport.objects.get_or_create(
        provider=game.provider,
        report_ref="r-1",
        defaults={"source": "api", "content_hash": "0" * 64, "measured_at": at, "received_at": at},
    )
    Fault.objects.create(
        game=game,
        kind=kind,
        path=f"bin/{kind}.so",
        algorithm="sha256",
        certified="a" * 64,
        reported="b" * 64 if kind == "mismatch" else "",
        report=report,
        opened_at=at,
    )


@oracle.PROPERTY
@given(seed=st.integers(0, 2**32), window=st.sampled_from(oracle.WINDOWS))
def test_a_cell_is_served_exactly_if_the_gate_allows_it(
    seed: int, window: oracle.Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(oracle.FIGURES, "V2", "80.0")
    draw = oracle.Draw(seed, window)
    dice = draw.dice
    facts, asked = draw.register(), draw.moments(2)
    with oracle.written(facts) as games:
        stated = draw.seldom("0.961", "0.849", "0.84", share=0.3)
        Game.objects.update(theoretical_rtp=Decimal(stated))
        Provider.objects.update(stage=draw.seldom("live", "onboarding"))
        if dice.random() < 0.3:
            IntegrityPolicy.objects.create(
                provider=Provider.objects.get(), on_mismatch=dice.choice(["alert", "close"])
            )
        for game in games.values():
            if dice.random() < 0.2:
                open_fault(game, asked[0], dice.choice(["missing", "mismatch"]))
            for place in oracle.PLACES:
                if dice.random() < 0.3:
                    make_override(game, place, asked[0])
        for at in asked:
            cells = cells_at(at)
            assert len(cells) == len(oracle.GAMES) * len(oracle.PLACES)
            gaps = {(game.id, cell.jurisdiction) for game, cell in gaps_at(at, MatrixQuery())}
            at_one_look = places_open_among(cells.keys(), at)
            for (game_id, place), cell in cells.items():
                answer = can_serve(game_id=game_id, jurisdiction=place, at=at)
                assert (cell.state in SERVED) == answer.allowed, (cell, answer)
                is_lifted = answer.allowed and answer.override_id is not None
                assert (cell.state == "override") == is_lifted
                is_open = answer.allowed and not is_lifted
                assert ((game_id, place) in at_one_look) == is_open
                assert not cell.code or cell.code in {one.code for one in answer.reasons}
                assert answer.allowed or (game_id, place) in gaps


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(
        make_officer("olga", permissions=(*PAGES, "integrity.view_fault")),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return client


def only_cell(at: datetime) -> tuple[str, str, str]:
    [cell] = cells_at(at).values()
    return cell.state, cell.text, cell.code


def only_gap(at: datetime) -> tuple[str, str, str]:
    [gap] = with_next_action(gaps_at(at, MatrixQuery()), at)
    return gap.code, gap.why, gap.action


def test_a_wrong_file_on_the_server_is_a_gap_with_a_way_to_the_fault(
    browser: Client, now: datetime
) -> None:
    game = make_game(make_provider())
    make_cover(game)
    open_fault(game, now)
    assert only_cell(now) == ("closed", "Wrong file on the server", "digest_mismatch")
    assert only_gap(now) == (
        "digest_mismatch",
        "bin/mismatch.so on the game server is not the file that was certified.",
        "Have the certified file put back and measured again",
    )
    page = browser.get(reverse("admin:compliance_coveragematrix_gaps")).content.decode()

    assert "/admin/integrity/fault/?state=open&amp;q=aurora-reef" in page
    IntegrityPolicy.objects.create(provider=game.provider, on_mismatch="alert")
    assert only_cell(now)[0] == "covered"


def test_a_provider_that_is_not_live_is_served_nowhere(now: datetime) -> None:
    game = make_game(make_provider())
    make_cover(game)
    Provider.objects.update(stage="onboarding")
    assert only_cell(now) == ("closed", "Provider not live", "provider_not_live")
    assert only_gap(now) == (
        "provider_not_live",
        "aurora is not live yet: two people take it live by its checklist.",
        "Take the provider live by its checklist",
    )


def test_the_floor_is_held_against_what_runs_and_not_against_the_catalogue(now: datetime) -> None:
    game = make_game(make_provider())
    make_cover(game)
    why = Editing(None, "Delivered.", now)
    build = add_build(NewBuild(game.pk, "1.0"), why)
    low, high = (
        add_variant(NewVariant(game.pk, code, Decimal(rtp), "PAR sheet"), why)
        for code, rtp in (("V80", "80"), ("V96", "96"))
    )
    deploy(NewDeployment("MT", build.pk, low.pk, now), why)
    assert only_cell(now) == ("prohibited", "RTP below floor (MT-RTP)", "rtp_below_floor")
    assert only_gap(now)[1].startswith("The RTP is 80")
    Game.objects.update(theoretical_rtp=Decimal("0.8"))
    deploy(NewDeployment("MT", build.pk, high.pk, now + HOUR), why)
    assert only_cell(now + HOUR)[0] == "covered"
    assert gaps_at(now + HOUR, MatrixQuery()) == []
