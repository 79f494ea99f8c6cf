"""A player's own time between reality checks: the shorter of it and the rule's counts."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction

from apps.core.models import AuditEntry, OutboxMessage
from apps.play.models import GameSession
from apps.play.tasks import move_reality_checks
from apps.players.contracts import RealityCheckInterval
from apps.players.models import Limit, Player
from apps.players.selectors import protection_of, reality_check_interval
from apps.players.services import cancel_pending_limit
from tests.operator_api.builders import NOW, Api, make_api, make_casino

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def wish(api: Api, minutes: int | None, *, at: datetime = NOW) -> tuple[int, Any]:
    body = {
        "currency": "EUR",
        "jurisdiction": "MT",
        "kyc_status": "verified",
        "limits": [{"kind": "reality_check", "minutes": minutes}],
    }
    with time_machine.travel(at, tick=False):
        return api.put("players/p-1001", body)


def launched(api: Api, *, at: datetime = NOW) -> tuple[Any, Any]:
    with time_machine.travel(at, tick=False):
        _, opened = api.open()
    clock = opened["reality_check"]
    return clock["due_at"], clock["acknowledge_by"]


def run_tasks(at: datetime) -> None:
    with time_machine.travel(at, tick=False):
        for message in OutboxMessage.objects.filter(task="play.move_reality_checks"):
            move_reality_checks(outbox_id=message.pk, **message.payload)


def interval(player: Player, at: datetime) -> RealityCheckInterval:
    return reality_check_interval(player.pk, "MT", at)


def test_a_shorter_interval_counts_and_a_longer_one_leaves_the_rules() -> None:
    player = make_casino()
    api = make_api()
    assert launched(api)[0] == "2026-11-22T11:15:30Z"
    assert wish(api, 30)[0] == 200
    assert launched(api) == ("2026-11-22T10:45:30Z", "2026-11-22T10:50:30Z")
    assert interval(player, NOW) == RealityCheckInterval(rule_minutes=60, own_minutes=30)
    other = make_api(name="Other")
    wish(other, None)
    later = NOW + 2 * DAY
    wish(other, 90, at=later)
    assert interval(player, later).minutes == 60
    assert launched(api, at=later)[0] == "2026-11-24T11:15:30Z"


def test_a_session_that_runs_learns_of_a_shorter_interval_at_once() -> None:
    make_casino()
    api = make_api()
    launched(api)
    wish(api, 20, at=NOW + 25 * MINUTE)
    run_tasks(NOW + 25 * MINUTE)
    session = GameSession.objects.get()
    # Twenty minutes are over already: it is due from when it was wished for, not before.
    assert session.acknowledge_by == NOW + 30 * MINUTE
    with time_machine.travel(NOW + 26 * MINUTE, tick=False):
        _, state = api.get(f"sessions/{session.public_id}/reality-checks")
    assert (state["is_due"], state["stakes_paused"]) == (True, False)


def test_a_longer_interval_waits_as_a_raised_limit_does() -> None:
    player = make_casino()
    api = make_api()
    wish(api, 20)
    for _ in range(2):
        wish(api, 40, at=NOW + MINUTE)
    assert interval(player, NOW + 2 * MINUTE).minutes == 20
    waiting = Limit.objects.get(minutes=40)
    assert waiting.effective_from > NOW + DAY / 2
    assert interval(player, waiting.effective_from).minutes == 40
    assert launched(api, at=NOW + 2 * MINUTE)[0] == "2026-11-22T10:37:30Z"
    # A visit that reaches over the moment: by then twenty minutes are over, and it was due.
    before = waiting.effective_from - 25 * MINUTE
    assert launched(api, at=before)[0] == f"{before + 20 * MINUTE:%Y-%m-%dT%H:%M:%SZ}"
    with time_machine.travel(NOW + 3 * MINUTE, tick=False):
        cancel_pending_limit(
            player.pk, "reality_check", source="operator", reason="Stay.", now=NOW + 3 * MINUTE
        )
    assert interval(player, NOW + 5 * DAY).minutes == 20


def test_a_wish_that_ends_before_its_check_is_due_leaves_the_rules() -> None:
    player = make_casino()
    api = make_api()
    wish(api, 10)
    wish(api, None)
    ends_at = Limit.objects.get().effective_until
    assert ends_at is not None
    assert interval(player, ends_at) == RealityCheckInterval(rule_minutes=60, own_minutes=None)
    # Five minutes before its end ten can't pass under it any more: the rule's hour is left.
    at = ends_at - 5 * MINUTE
    assert launched(api, at=at)[0] == f"{at + 60 * MINUTE:%Y-%m-%dT%H:%M:%SZ}"


def test_it_is_kept_with_history_and_is_no_limit_of_money_or_time() -> None:
    player = make_casino()
    api = make_api()
    wish(api, 30)
    wish(api, 15, at=NOW + MINUTE)
    versions = Limit.history.order_by("history_id")
    assert [(one.minutes, one.history_date, one.effective_until) for one in versions] == [
        (30, NOW, None),
        (15, NOW + MINUTE, None),
        (30, NOW + MINUTE, NOW + MINUTE),
    ]
    entries = AuditEntry.objects.filter(action="players.limit.set").order_by("pk")
    assert [one.details["amount"] for one in entries] == [30, 15]
    assert protection_of(player.pk, NOW + MINUTE).limits == []
    with time_machine.travel(NOW + MINUTE, tick=False):
        _, found = api.get("players/p-1001/withdrawal-eligibility")
    assert found["reasons"] == []


@pytest.mark.parametrize("given", [{"minutes": 0}, {"amount": "5.00"}])
def test_an_interval_is_a_minute_or_more(given: dict[str, Any]) -> None:
    make_casino()
    body = {"currency": "EUR", "jurisdiction": "MT", "kyc_status": "verified"}
    limits = [{"kind": "reality_check", **given}]
    status, _ = make_api().put("players/p-1001", {**body, "limits": limits})
    assert status == 400
    assert not Limit.objects.exists()


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"minutes": 0}, "players_limit_reality_checks_are_a_minute_apart"),
        ({"amount_minor": 5}, "players_limit_measures_money_or_minutes"),
    ],
)
def test_the_database_refuses_an_interval_without_a_minute(
    values: dict[str, int], constraint: str
) -> None:
    player = make_casino()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Limit.objects.create(player=player, kind="reality_check", effective_from=NOW, **values)
