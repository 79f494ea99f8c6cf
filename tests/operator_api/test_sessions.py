"""Sessions over the API: behind the launch gate, renewed by the operator, launched once."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.core.models import AuditEntry
from apps.operator_api.models import ApiToken
from apps.play import services
from apps.play.models import GameSession
from apps.players.models import Player
from tests.operator_api.builders import NOW, make_api, make_casino
from tests.races import race

pytestmark = pytest.mark.django_db


def _live(token: str) -> bool:
    with connection.cursor() as cursor:
        return token in services.live_sessions(cursor, [token], NOW)


def test_a_session_opens_with_all_that_the_operator_needs() -> None:
    make_casino()
    status, answer = make_api().open()
    assert status == 201
    session = GameSession.objects.get()
    assert answer["session_id"] == str(session.public_id)
    assert answer["token_expires_at"] == "2026-11-22T10:30:30Z"
    assert answer["stakes_until"] == "2026-11-22T14:15:30Z"
    assert answer["launch_expires_at"] == "2026-11-22T10:16:30Z"
    assert answer["support_links"]
    assert _live(answer["token"])
    # Nothing but the one-time code travels in an address.
    assert answer["token"] not in answer["launch_url"]
    assert answer["launch_url"].startswith("http://testserver/play/launch?code=pbl_")


def test_a_refused_launch_gives_every_reason_and_where_help_is() -> None:
    make_casino()
    Player.objects.update(status="self_excluded", jurisdiction="AU-NSW")
    status, problem = make_api().open()
    assert (status, problem["code"]) == (403, "launch_refused")
    codes = [error["code"] for error in problem["errors"]]
    assert codes == ["self_excluded", "not_offered", "prohibited_product", "other_jurisdiction"]
    assert all(error["detail"] for error in problem["errors"])
    assert problem["support_links"]
    assert not GameSession.objects.exists()


@pytest.mark.parametrize(
    "changes", [{"player_id": "p-x"}, {"provider": "nobody"}, {"game": "no-such-game"}]
)
def test_what_is_not_known_is_answered_alike(changes: dict[str, str]) -> None:
    make_casino()
    api = make_api()
    unknown = api.open(**changes)
    assert unknown[0] == 404
    assert unknown == api.get("players/p-x/balance")
    assert not GameSession.objects.exists()


def test_a_refresh_renews_and_a_second_use_ends_the_session() -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    path = f"sessions/{opened['session_id']}/refresh"
    status, renewed = api.post(path, {"refresh_credential": opened["refresh_credential"]})
    assert status == 200
    assert _live(renewed["token"])
    status, problem = api.post(path, {"refresh_credential": opened["refresh_credential"]})
    assert (status, problem["code"]) == (403, "invalid_refresh_credential")
    assert not _live(renewed["token"])
    status, problem = api.post(path, {"refresh_credential": renewed["refresh_credential"]})
    assert (status, problem["code"]) == (409, "session_ended")


def test_a_session_is_ended_as_often_as_one_likes() -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    for _ in range(2):
        assert api.delete(f"sessions/{opened['session_id']}") == (204, None)
    session = GameSession.objects.get()
    assert (session.end_code, session.end_reason) == ("logout", "Ended by Casino backend.")
    assert not _live(opened["token"])


def test_the_end_of_a_session_is_in_the_chain_once_with_ids_and_codes_only() -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    for _ in range(2):
        api.delete(f"sessions/{opened['session_id']}")
    entry = AuditEntry.objects.get(action="operator_api.session.ended")
    token = ApiToken.objects.get()
    assert entry.subject == f"play.gamesession:{GameSession.objects.get().pk}"
    assert entry.details == {"client_id": token.client_id, "token_id": token.pk, "code": "logout"}
    assert (entry.actor_id, entry.reason) == (None, "")


def test_a_session_that_nobody_knows_leaves_no_entry_in_the_chain() -> None:
    make_casino()
    api = make_api()
    before = AuditEntry.objects.count()
    assert api.delete("sessions/00000000-0000-4000-8000-000000000000")[0] == 404
    assert AuditEntry.objects.count() == before


@pytest.mark.parametrize(
    "session_id",
    [
        "1",
        "0",
        "00000000-0000-4000-8000-000000000000",
        "9" * 400,
        "%00",
        "..%2f..",
        "%F0%9F%98%80",
        "' OR 1=1 --",
    ],
)
def test_a_guessed_session_is_as_unknown_as_any(session_id: str) -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    body = {"refresh_credential": opened["refresh_credential"]}
    expected = api.get("nothing")
    assert api.delete(f"sessions/{session_id}") == expected
    assert api.post(f"sessions/{session_id}/refresh", body) == expected
    assert _live(opened["token"])


def test_the_launch_page_starts_the_game_once_and_keeps_the_code_to_itself() -> None:
    make_casino()
    _, opened = make_api().open()
    page = Client().get(opened["launch_url"].removeprefix("http://testserver"))
    assert page.status_code == 200
    text = page.content.decode()
    assert "Aurora Reef" in text
    assert "pbl_" not in text
    assert opened["token"] not in text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    again = Client(headers={"User-Agent": "somebody else"}).get(
        opened["launch_url"].removeprefix("http://testserver"), REMOTE_ADDR="192.0.2.7"
    )
    assert again.status_code == 410
    assert "Aurora Reef" not in again.content.decode()


def test_looking_at_a_launch_link_does_not_use_it_up() -> None:
    make_casino()
    _, opened = make_api().open()
    path = opened["launch_url"].removeprefix("http://testserver")
    assert Client().head(path).status_code == 405
    assert Client().post(path).status_code == 405
    assert Client().get(path).status_code == 200


@pytest.mark.parametrize("code", ["", "x", "%00", "pbl_" + "x" * 8000, "%F0%9F%98%80", "%ff"])
def test_a_strange_launch_code_is_answered_like_an_old_one(code: str) -> None:
    assert Client().get(f"{reverse('launch')}?code={code}").status_code == 410


def test_a_launch_link_is_good_for_a_minute() -> None:
    make_casino()
    _, opened = make_api().open()
    with time_machine.travel(NOW + timedelta(seconds=60), tick=False):
        page = Client().get(opened["launch_url"].removeprefix("http://testserver"))
    assert page.status_code == 410


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_40_launches_at_once_one_starts_the_game() -> None:
    make_casino()
    _, opened = make_api().open()
    path = opened["launch_url"].removeprefix("http://testserver")
    outcomes = race([lambda: Client().get(path).status_code] * 40)
    assert sorted(map(str, outcomes)) == ["200"] + ["410"] * 39
