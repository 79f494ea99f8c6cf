"""One event with everything behind it, and whether a game may be served."""

import json
from typing import Any

import pytest

from apps.providers.models import Game
from apps.providers.services.offers import withdraw_offer
from apps.rounds.payloads import event_alone
from tests.factories import make_cover, make_game, make_provider, make_user
from tests.gateway.builders import Casino, open_casino, open_player
from tests.operator_api.builders import NOW, Api, make_api, make_casino

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
    assert answer["attempt_count"] == 2
    assert json.loads(answer["attempts"][0]["body"])["event_id"] == "au-1"
    assert answer["certificate"]["report_number"] == certificate.report_number


def test_an_event_comes_without_its_neighbours_and_without_session_tokens(
    api: Api, aurora: Casino
) -> None:
    secret = "eyJ-a-live-token"
    mine = aurora.event("au-1", session_token=secret)
    aurora.send(mine, aurora.event("au-2", session_token=secret))
    _, answer = api.get("rounds/aurora/au-1")
    [attempt] = answer["attempts"]
    shown = json.loads(attempt["body"])
    assert shown == {**mine, "session_token": "***"}
    assert secret not in json.dumps(answer)
    assert "au-2" not in json.dumps(answer)


@pytest.mark.parametrize(
    "body",
    [b"", b"a=1&token=x", b'{"token": 1, "token": 2}', b'{"events": [{"event_id": "au-2"}]}'],
)
def test_what_can_not_be_taken_apart_is_not_handed_out(body: bytes) -> None:
    assert event_alone(body, "au-1") == ""


def test_credentials_of_every_protocol_are_masked() -> None:
    body = b'{"amount": 1.10, "user": [{"sessionID": "x"}], "token": "y", "session_id": "z"}'
    assert json.loads(event_alone(body, "au-1")) == {
        "amount": "1.10",
        "user": [{"sessionID": "***"}],
        "token": "***",
        "session_id": "***",
    }


def test_of_many_attempts_the_newest_come_with_their_count(api: Api, aurora: Casino) -> None:
    event = aurora.event("au-1")
    for _ in range(22):
        aurora.send(event)
    _, answer = api.get("rounds/aurora/au-1")
    assert (answer["attempt_count"], len(answer["attempts"])) == (22, 20)
    assert {attempt["status"] for attempt in answer["attempts"]} == {"duplicate"}


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
    assert answer["at"] == "2027-06-30T22:30:00Z"
    codes = [reason["code"] for reason in answer["reasons"]]
    assert codes == ["not_offered", "prohibited_product", "other_jurisdiction"]
    # Half an hour after midnight in Malta is still the day before in UTC.
    _, later = api.get("can-serve?game=aurora:aurora-reef&jurisdiction=MT&at=2027-06-30T22:30:00Z")
    assert [reason["code"] for reason in later["reasons"]] == ["expired"]
    _, before = api.get("can-serve?game=aurora:aurora-reef&jurisdiction=MT&at=2027-06-30T21:59:59Z")
    assert before["reasons"] == []


def test_why_an_officer_withdrew_a_game_is_not_told_to_clients(api: Api) -> None:
    player = make_casino()
    why = "We suspect the studio of collusion; case 12."
    withdraw_offer(
        game_id=Game.objects.get().pk,
        jurisdiction=player.jurisdiction,
        acting_user=make_user("olga"),
        reason=why,
        now=NOW,
    )
    said = {"code": "offer_withdrawn", "text": "aurora-reef is withdrawn in MT.", "rule": ""}
    _, answer = api.get("can-serve?game=aurora:aurora-reef&jurisdiction=MT")
    assert answer["reasons"] == [said]
    status, refusal = api.open()
    assert (status, refusal["errors"][0]["code"]) == (403, "offer_withdrawn")
    assert refusal["errors"][0]["detail"] == said["text"]
    assert "collusion" not in f"{answer} {refusal}"


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
