"""One event with everything behind it, and whether a game may be served."""

import base64
import json
from typing import Any

import pytest

from apps.providers.models import Game
from tests.factories import make_cover, make_game, make_provider
from tests.gateway.builders import Casino, open_casino, open_player
from tests.operator_api.builders import Api, make_api

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return make_api()


@pytest.fixture
def aurora() -> Casino:
    casino = open_casino()
    casino.player = open_player("p-70001", cash_minor=10_000)
    casino.book["p-70001"] = 10_000
    return casino


def test_an_event_comes_with_its_bytes_its_lines_and_its_certificate(
    api: Api, aurora: Casino
) -> None:
    certificate = make_cover(Game.objects.get(game_code="aurora-reef"))
    aurora.send(aurora.event("au-1"))
    aurora.send(aurora.sent["au-1"])
    status, answer = api.get("rounds/aurora/au-1")
    assert (status, answer["bet"], answer["win"], answer["money"]) == (
        200,
        "2.00",
        "3.50",
        "settled",
    )
    assert [(line["kind"], line["amount"]) for line in answer["ledger_lines"]] == [
        ("Stake", "2.00"),
        ("Win", "3.50"),
    ]
    assert [attempt["status"] for attempt in answer["attempts"]] == ["accepted", "duplicate"]
    sent = json.loads(base64.b64decode(answer["attempts"][0]["body_base64"]))
    assert sent["events"][0]["event_id"] == "au-1"
    assert answer["certificate"]["report_number"] == certificate.report_number


@pytest.mark.parametrize(
    "path",
    [
        "rounds/aurora/au-2",
        "rounds/nobody/au-1",
        "rounds/aurora/%00",
        "rounds/%00/au-1",
        "rounds/AURORA/au-1",
        f"rounds/aurora/{'x' * 4000}",
        "rounds/aurora/' OR 1=1 --",
        "rounds/aurora",
    ],
)
def test_what_there_is_not_is_answered_alike(api: Api, aurora: Casino, path: str) -> None:
    aurora.send(aurora.event("au-1"))
    assert api.get(path) == api.get("nothing")


def test_a_covered_game_may_be_served_and_the_proof_is_named(api: Api) -> None:
    certificate = make_cover(make_game(make_provider()))
    status, answer = api.get("can-serve?game=aurora:aurora-reef&jurisdiction=MT")
    assert (status, answer["allowed"], answer["reasons"]) == (200, True, [])
    assert answer["at"] == "2026-11-22T10:15:30Z"
    assert answer["certificate"] == {
        "lab": "Northlight Labs",
        "report_number": certificate.report_number,
        "revision": 1,
        "expires_on": "2027-06-30",
    }


def test_every_reason_against_a_game_is_given_for_its_moment(api: Api) -> None:
    make_cover(make_game(make_provider()))
    path = "can-serve?game=aurora:aurora-reef&jurisdiction=AU-NSW&at=2027-07-01T00:30:00%2B02:00"
    _, answer = api.get(path)
    assert not answer["allowed"]
    assert answer["certificate"] is None
    # Half an hour after midnight in Malta is still the day before in UTC.
    assert answer["at"] == "2027-06-30T22:30:00Z"
    assert [reason["code"] for reason in answer["reasons"]] == ["not_offered", "other_jurisdiction"]
    _, later = api.get("can-serve?game=aurora:aurora-reef&jurisdiction=MT&at=2027-07-01T00:00:00Z")
    assert [reason["code"] for reason in later["reasons"]] == ["expired"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "game=aurora-reef&jurisdiction=MT",
        "game=aurora:aurora-reef",
        "game=aurora:aurora-reef&jurisdiction=mt",
        "game=aurora:aurora-reef&jurisdiction=MT&at=yesterday",
        "game=aurora:aurora-reef&jurisdiction=MT&at=2026-11-22",
        "game=aurora:aurora-reef&jurisdiction=MT&at=2026-11-22T10:00:00",
        "game=aurora:aurora-reef&jurisdiction=MT&at=9999-12-31T23:59:59-23:59",
        "game=aurora:aurora-reef&jurisdiction=MT&at=0001-01-01T00:00:00%2B14:00",
        "game=aurora:%00&jurisdiction=MT",
        "game=aurora:aurora-reef&jurisdiction=MT&unknown=1",
    ],
)
def test_a_question_that_is_none_is_refused_by_field(api: Api, query: str) -> None:
    make_cover(make_game(make_provider()))
    status, problem = api.get(f"can-serve?{query}")
    assert (status, problem["code"]) == (400, "invalid")
    assert problem["errors"]


def test_an_unknown_game_is_never_served_and_an_unknown_provider_is_unknown(api: Api) -> None:
    make_provider()
    _, answer = api.get("can-serve?game=aurora:no-such-game&jurisdiction=MT")
    codes: list[Any] = [reason["code"] for reason in answer["reasons"]]
    assert (answer["allowed"], codes) == (False, ["unknown_game"])
    assert api.get("can-serve?game=nobody:no-such-game&jurisdiction=MT") == api.get("nothing")
