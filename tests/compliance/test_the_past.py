"""What was on offer, withdrawn or wrong at a moment is judged by that moment, not by today."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.compliance.contracts import MatrixQuery
from apps.compliance.selectors.matrix import gaps_at, matrix_at
from apps.core.history import note_edit
from apps.integrity.models import DigestReport, Fault
from apps.play.services.gate import can_serve
from apps.providers.models import Game, Provider
from apps.providers.selectors.coverage import offer_count
from apps.providers.selectors.matrix import offered_games, offered_places
from apps.providers.selectors.register import active_offers, serving
from apps.providers.services.offers import restore_offer, withdraw_offer
from apps.staff.models import User
from tests.compliance.makers import make_officer
from tests.factories import make_cover, make_game, make_provider, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def game(now: datetime) -> Game:
    """Return a covered game that was added a year ago."""
    game = make_game(make_provider())
    make_cover(game)
    for history in (Provider.history, Game.history):
        history.update(history_date=now - timedelta(days=365))
    return game


@pytest.fixture
def officer(db: None) -> User:
    return make_user("olga")


def said(at: datetime) -> dict[str, str]:
    return {
        place: cell.text
        for row in matrix_at(at, MatrixQuery()).rows
        for place, cell in row.cells.items()
    }


def codes(game: Game, at: datetime) -> list[str]:
    answer = can_serve(game_id=game.pk, jurisdiction="MT", at=at)
    return [reason.code for reason in answer.reasons]


def switch(row: Game | Provider, *, on: bool, at: datetime) -> None:
    row.is_active = on
    note_edit(row, acting_user=None, reason="For a while.", now=at)
    row.save()


@pytest.mark.parametrize("switched", ["game", "provider"])
def test_what_is_switched_off_today_was_served_before(
    game: Game, now: datetime, switched: str
) -> None:
    row = game if switched == "game" else game.provider
    switch(row, on=False, at=now)
    before = now - timedelta(seconds=1)
    assert said(before) == {"MT": "Covered"}
    assert codes(game, before) == []
    assert said(now) == {}
    assert codes(game, now) == [f"{switched}_inactive"]

    switch(row, on=True, at=now + timedelta(hours=1))
    assert codes(game, now + timedelta(minutes=59)) == [f"{switched}_inactive"]
    assert said(now + timedelta(minutes=59)) == {}
    assert said(now + timedelta(hours=1)) == {"MT": "Covered"}
    assert codes(game, now + timedelta(hours=1)) == []


def test_what_is_withdrawn_today_was_on_offer_before(
    game: Game, now: datetime, officer: User
) -> None:
    def change(act: Callable[..., object], at: datetime) -> None:
        act(
            game_id=game.pk,
            jurisdiction="MT",
            acting_user=officer,
            reason="The lab asked.",
            now=at,
        )

    change(withdraw_offer, now)
    change(restore_offer, now + timedelta(hours=1))
    for minutes, cells, reasons in (
        (-1, {"MT": "Covered"}, []),
        (30, {}, ["offer_withdrawn"]),
        (60, {"MT": "Covered"}, []),
    ):
        at = now + timedelta(minutes=minutes)
        assert said(at) == cells
        assert codes(game, at) == reasons


type Stand = dict[str, bool]


def turn(game: Game, officer: User, what: str, at: datetime, *, on: bool) -> None:
    if what == "offer":
        act = restore_offer if on else withdraw_offer
        act(game_id=game.pk, jurisdiction="MT", acting_user=officer, reason="So.", now=at)
    else:
        switch(game if what == "game" else game.provider, on=on, at=at)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.sampled_from(["game", "provider", "offer"]), max_size=6))
def test_the_lists_the_judge_and_the_gate_agree_on_what_was_on_offer(
    steps: list[str], now: datetime
) -> None:
    minute = timedelta(minutes=1)
    with transaction.atomic():
        officer, game = make_user(), make_game(make_provider(), offered_in=("IM", "MT"))
        for history in (Provider.history, Game.history):
            history.update(history_date=now - timedelta(days=365))
        stand = {"game": True, "provider": True, "offer": True}
        since: list[tuple[datetime, Stand]] = [(now - minute, dict(stand))]
        for number, what in enumerate(steps):
            stand[what] = not stand[what]
            turn(game, officer, what, now + number * minute, on=stand[what])
            since.append((now + number * minute, dict(stand)))
        assert offer_count() == len(places_in(stand))
        for start, then in since:
            for at in (start, start + minute - timedelta(microseconds=1)):
                on_offer = {place for one in active_offers(None, at) for place in one.places}
                assert on_offer == places_in(then)
                assert bool(offered_games(at)) == bool(on_offer)
                assert set(offered_places(at)) == {"IM"} | ({"MT"} if then["offer"] else set())
                facts = serving(game.pk, "MT", at)
                assert facts is not None
                assert facts.is_offered
                assert (facts.is_game_active, facts.is_provider_active) == (
                    then["game"],
                    then["provider"],
                )
                assert facts.is_withdrawn is not then["offer"]
        transaction.set_rollback(True)


def places_in(stand: Stand) -> set[str]:
    is_on = stand["game"] and stand["provider"]
    return ({"IM", "MT"} if stand["offer"] else {"IM"}) if is_on else set()


def test_a_wrong_file_found_today_closes_nothing_before_nor_after_it_is_put_right(
    game: Game, now: datetime
) -> None:
    report = DigestReport.objects.create(
        provider=game.provider,
        report_ref="r-1",
        source="file",
        content_hash="0" * 64,
        measured_at=now,
        received_at=now,
        received_from="the game server",
    )
    Fault.objects.create(
        game=game,
        kind="mismatch",
        state="cleared",
        path="reels.bin",
        report=report,
        certified="a" * 40,
        algorithm="sha1",
        seed="",
        reported="b" * 40,
        opened_at=now,
        closed_at=now + timedelta(hours=1),
        closing_note="Put back.",
    )
    for minutes, gaps, reasons in ((-1, 0, []), (30, 1, ["digest_mismatch"]), (60, 0, [])):
        at = now + timedelta(minutes=minutes)
        assert len(gaps_at(at, MatrixQuery())) == gaps
        assert codes(game, at) == reasons


def test_the_cell_of_a_game_that_was_switched_off_since_is_still_there(
    game: Game, now: datetime
) -> None:
    switch(game, on=False, at=now)
    client = Client()
    client.force_login(
        make_officer("pat", permissions=("compliance.view_coveragematrix",)),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    page = reverse("admin:compliance_coveragematrix_cell", args=[game.pk, "MT"])
    then = client.get(page, {"at": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}"})
    assert "A launch would be allowed" in then.content.decode()
    assert client.get(page, {"at": f"{now + timedelta(days=1):%Y-%m-%dT%H:%M}"}).status_code == 404


def test_before_a_provider_was_live_nothing_was_served(game: Game, now: datetime) -> None:
    Provider.objects.update(live_since=now)
    assert said(now - timedelta(seconds=1)) == {"MT": "Provider not live"}
    assert codes(game, now - timedelta(seconds=1)) == ["provider_not_live"]
    assert said(now) == {"MT": "Covered"}
    assert codes(game, now) == []
