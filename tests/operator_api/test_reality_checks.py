"""Reality checks over the API: due, shown with our figures, answered, and what follows."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine

from apps.play.models import GameSession
from apps.players.models import RealityCheck
from apps.providers.models import Provider
from tests.operator_api.builders import NOW, Api, make_api, make_casino
from tests.races import race
from tests.rounds_makers import play, round_event

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@contextmanager
def minutes_later(minutes: int) -> Iterator[None]:
    with time_machine.travel(NOW + minutes * MINUTE, tick=False):
        yield


def checks_of(opened: Any) -> str:
    return f"sessions/{opened['session_id']}/reality-checks"


def answer(api: Api, opened: Any, check_id: object, given: str) -> tuple[int, Any]:
    return api.post(f"{checks_of(opened)}/{check_id}/answer", {"answer": given})


def test_launch_and_refresh_say_when_the_next_check_is_due() -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    clock = {"due_at": "2026-11-22T11:15:30Z", "acknowledge_by": "2026-11-22T11:20:30Z"}
    assert opened["reality_check"] == clock
    with minutes_later(10):
        body = {"refresh_credential": opened["refresh_credential"]}
        status, renewed = api.post(f"sessions/{opened['session_id']}/refresh", body)
    assert (status, renewed["reality_check"]) == (200, clock)


def test_a_check_is_shown_with_the_figures_of_the_visit_and_once_until_it_is_answered() -> None:
    player = make_casino()
    api = make_api()
    _, opened = api.open()
    played = [
        round_event(player, "e-0", NOW - MINUTE, bet_minor=900, win_minor=0),
        round_event(player, "e-1", NOW + MINUTE, bet_minor=500, win_minor=120),
    ]
    play(Provider.objects.get(), played, NOW + MINUTE)
    with minutes_later(61):
        _, state = api.get(checks_of(opened))
        assert (state["is_due"], state["stakes_paused"], state["waiting"]) == (True, False, None)
        assert (state["playing_since"], state["minutes_played"]) == ("2026-11-22T10:15:30Z", 61)
        status, shown = api.post(checks_of(opened), {})
    assert status == 201
    assert shown == {
        "check_id": RealityCheck.objects.get().pk,
        "shown_at": "2026-11-22T11:16:30Z",
        "minutes_played": 61,
        "currency": "EUR",
        "staked": "5.00",
        "won": "1.20",
        "net": "-3.80",
        "answer": "",
        "answered_at": None,
    }
    with minutes_later(62):
        assert api.post(checks_of(opened), {}) == (200, shown)
        assert api.get(checks_of(opened))[1]["waiting"] == shown
    assert RealityCheck.objects.count() == 1


def test_going_on_sets_the_next_check_and_lets_stakes_in_again() -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    with minutes_later(70):
        assert api.get(checks_of(opened))[1]["stakes_paused"] is True
        _, shown = api.post(checks_of(opened), {})
        status, answered = answer(api, opened, shown["check_id"], "continued")
        assert status == 200
        assert answered["session_ended"] is False
        assert answered["answered_at"] == "2026-11-22T11:25:30Z"
        assert answered["next"] == {
            "due_at": "2026-11-22T12:25:30Z",
            "acknowledge_by": "2026-11-22T12:30:30Z",
        }
        assert api.get(checks_of(opened))[1]["stakes_paused"] is False
    with minutes_later(71):
        assert answer(api, opened, shown["check_id"], "continued") == (200, answered)
    assert RealityCheck.objects.count() == 2


def test_stopping_ends_every_session_of_the_player() -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    _, other = api.open()
    with minutes_later(60):
        _, shown = api.post(checks_of(opened), {})
        status, answered = answer(api, opened, shown["check_id"], "stopped")
        assert (status, answered["session_ended"]) == (200, True)
        status, problem = api.post(checks_of(other), {})
    assert (status, problem["code"]) == (409, "session_ended")
    ends = GameSession.objects.values_list("end_code", "end_reason").distinct()
    assert list(ends) == [("reality_check", "The player stopped at a reality check.")]


def test_stopping_a_second_time_spares_a_session_opened_since() -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    with minutes_later(60):
        _, shown = api.post(checks_of(opened), {})
        first = answer(api, opened, shown["check_id"], "stopped")
    with minutes_later(120):
        _, later = api.open()
        assert answer(api, opened, shown["check_id"], "stopped") == first
        assert api.get(checks_of(later))[1]["session_ended"] is False
    assert GameSession.objects.filter(ended_at=None).count() == 1
    assert RealityCheck.objects.count() == 2


def test_a_check_shown_long_before_it_was_due_does_not_stand_for_the_one_that_is() -> None:
    player = make_casino()
    api = make_api()
    _, opened = api.open()
    with minutes_later(1):
        _, early = api.post(checks_of(opened), {})
    played = [round_event(player, "e-1", NOW + 2 * MINUTE, bet_minor=500, win_minor=120)]
    play(Provider.objects.get(), played, NOW + 2 * MINUTE)
    with minutes_later(70):
        assert api.get(checks_of(opened))[1]["waiting"] is None
        status, answered = answer(api, opened, early["check_id"], "continued")
        assert (status, answered["next"]["due_at"]) == (200, "2026-11-22T11:16:30Z")
        assert api.get(checks_of(opened))[1]["stakes_paused"] is True
        status, shown = api.post(checks_of(opened), {})
        assert (status, shown["minutes_played"], shown["staked"]) == (201, 70, "5.00")
        _, answered = answer(api, opened, shown["check_id"], "continued")
        assert answered["next"]["due_at"] == "2026-11-22T12:25:30Z"
        assert api.get(checks_of(opened))[1]["stakes_paused"] is False


def test_a_check_that_was_due_waits_for_its_answer_however_long_it_takes() -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    with minutes_later(60):
        _, shown = api.post(checks_of(opened), {})
    with minutes_later(150):
        assert api.post(checks_of(opened), {}) == (200, shown)
        _, answered = answer(api, opened, shown["check_id"], "continued")
        assert answered["next"]["due_at"] == "2026-11-22T13:45:30Z"


def test_another_answer_is_a_conflict_and_changes_nothing() -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    _, shown = api.post(checks_of(opened), {})
    answer(api, opened, shown["check_id"], "continued")
    status, problem = answer(api, opened, shown["check_id"], "stopped")
    assert (status, problem["code"]) == (409, "reality_check_answered")
    assert GameSession.objects.get().ended_at is None
    assert RealityCheck.objects.count() == 2


@pytest.mark.parametrize("check_id", ["0", "1e3", "-1", "9" * 400, "%00", "999999"])
def test_a_guessed_check_is_as_unknown_as_any(check_id: str) -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    api.post(checks_of(opened), {})
    assert answer(api, opened, check_id, "continued") == api.get("nothing")
    assert RealityCheck.objects.count() == 1


def test_a_check_of_another_session_is_unknown() -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    _, other = api.open()
    _, shown = api.post(checks_of(opened), {})
    assert answer(api, other, shown["check_id"], "continued") == api.get("nothing")


@pytest.mark.parametrize("body", [{"answer": "maybe"}, {"answer": "shown"}, {}, {"x": 1}, []])
def test_an_answer_that_is_none_is_refused(body: Any) -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    _, shown = api.post(checks_of(opened), {})
    status, problem = api.post(f"{checks_of(opened)}/{shown['check_id']}/answer", body)
    assert (status, problem["code"]) == (400, "invalid")
    assert RealityCheck.objects.count() == 1


def test_without_the_scope_nothing_is_told_or_recorded() -> None:
    make_casino()
    _, opened = make_api().open()
    reader = make_api(("players:read",), name="Reader")
    for status, problem in (reader.get(checks_of(opened)), reader.post(checks_of(opened), {})):
        assert (status, problem["code"]) == (403, "missing_scope")
    assert not RealityCheck.objects.exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_answers_at_once_one_counts() -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    _, shown = api.post(checks_of(opened), {})
    given = ["continued", "stopped"] * 8
    outcomes = race([partial(answer, api, opened, shown["check_id"], one) for one in given])
    statuses = [one if isinstance(one, Exception) else one[0] for one in outcomes]
    assert sorted(map(str, statuses)) == ["200"] * 8 + ["409"] * 8
    assert RealityCheck.objects.exclude(step="shown").count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_that_show_a_check_at_once_one_is_recorded() -> None:
    make_casino()
    api = make_api()
    _, opened = api.open()
    outcomes = race([lambda: api.post(checks_of(opened), {})[0]] * 12)
    assert sorted(map(str, outcomes)) == ["200"] * 11 + ["201"]
    assert RealityCheck.objects.count() == 1
