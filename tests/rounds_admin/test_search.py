"""A search finds the newest rows first, within the filters that are set, and whoever was named."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.players.models import Player
from apps.providers.models import Provider
from apps.rounds.models import RoundEvent
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.big_rows import fill
from tests.factories import make_cover, make_game, make_player, make_provider, make_user
from tests.plans import plan_of
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db

CAP = 3


@pytest.fixture
def busy(client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Player:
    """Return a player of eight rounds, more than a search may find, and sign an auditor in.

    What came later was played earlier: the index on the player and the time has it the other way
    round.
    """
    for module in ("base", "paginator"):
        monkeypatch.setattr(f"apps.core.admin.{module}.COUNT_CAP", CAP)
    provider = make_provider()
    make_cover(make_game(provider))
    player = make_player("p-busy")
    fund(player, 100_000, now)
    for number in range(8):
        at = now - timedelta(minutes=number)
        win = 9_000 if number == 0 else 350
        play(provider, [round_event(player, f"e-{number}", at, win_minor=win)], now)
    other = make_player("p-other")
    fund(other, 100_000, now)
    play(provider, [round_event(other, "o-1", now, win_minor=9_000)], now)
    sync_roles(now=now)
    client.force_login(make_user(roles=(Role.AUDITOR,)))
    return player


def found(client: Client, model: str, column: str, **query: str) -> list[str]:
    answer: Any = client.get(reverse(f"admin:rounds_{model}_changelist"), query)
    assert answer.status_code == 200
    return [getattr(row, column) for row in answer.context["cl"].result_list]


@pytest.mark.parametrize(
    ("model", "column", "newest"),
    [
        ("roundevent", "event_id", ["e-3", "e-2", "e-1", "e-0"]),
        ("round", "round_ref", ["e-7", "e-6", "e-5", "e-4"]),
    ],
)
def test_a_search_that_finds_too_much_shows_the_newest(
    client: Client, busy: Player, model: str, column: str, newest: list[str]
) -> None:
    """Events as they were played, rounds as they came: each by the index that holds a player's."""
    assert found(client, model, column, q=busy.player_ref) == newest
    assert len(newest) == CAP + 1


def test_the_newest_events_of_a_player_are_read_from_the_newest_on(
    client: Client, busy: Player
) -> None:
    # One in fifty is theirs.
    owner = f"CASE WHEN mod(i, 50) = 0 THEN {busy.pk} ELSE mod(i, 50) + 1000 END"
    fill([RoundEvent], rows=20_000, values={"player_id": owner})
    with CaptureQueriesContext(connection) as asked:
        found(client, "roundevent", "event_id", q=busy.player_ref)
    of_player = f'"rounds_roundevent"."player_id" IN ({busy.pk})'
    [search] = [one["sql"] for one in asked if of_player in one["sql"]]
    plan = plan_of(search)
    assert "Index Scan Backward using rounds_event_player_day" in plan, plan
    assert "Sort" not in plan, plan


def test_a_search_within_a_filter_finds_what_lies_behind_the_newest(
    client: Client, busy: Player
) -> None:
    within = {"q": busy.player_ref, "win_minor__gt": "5000"}
    assert found(client, "roundevent", "event_id", **within) == ["e-0"]
    assert found(client, "roundevent", "event_id", q="e-0") == ["e-0"]
    assert found(client, "roundevent", "event_id", q="p-nobody") == []


def test_the_waiting_events_of_an_unknown_player_are_found_by_the_name_they_carry(
    client: Client, busy: Player, now: datetime
) -> None:
    provider = Provider.objects.get()
    nobody = Player(player_ref="p-nobody", currency=busy.currency)
    play(provider, [round_event(nobody, "n-1", now)], now)
    play(provider, [round_event(nobody, "n-2", now)], now)
    waiting = RoundEvent.objects.filter(player=None, player_ref="p-nobody", status="parked")
    assert waiting.count() == 2
    assert found(client, "roundevent", "event_id", q="p-nobody") == ["n-2", "n-1"]
    parked = {"q": " p-nobody ", "status": "parked"}
    assert found(client, "roundevent", "event_id", **parked) == ["n-2", "n-1"]
    assert found(client, "roundevent", "event_id", q="p" * 129) == []


def test_the_name_of_an_unknown_player_is_looked_up_in_its_index() -> None:
    nobody = "CASE WHEN mod(i, 2) = 0 THEN NULL ELSE 1 END"
    fill([RoundEvent], rows=5_000, values={"player_id": nobody})
    plan = plan_of(
        "SELECT id FROM rounds_roundevent WHERE player_id IS NULL"
        " AND player_ref = 'p-nobody' AND provider_id IN (1) ORDER BY id + 0 DESC LIMIT 10001"
    )
    assert "rounds_event_of_unknown" in plan, plan


FILL_ROUNDS = """
INSERT INTO rounds_round (provider_id, round_ref, player_id, game_id, currency, state, stake_minor,
    stake_bonus_minor, win_minor, standing_events, opened_at, settled_at)
SELECT %s, %s || n, %s, %s, 'EUR', 'settled', 100, 0, 50, 1, %s, %s
FROM generate_series(1, %s) n
"""


@pytest.mark.parametrize("player_ref", ["p-old", "p-new", "p-rare", "p-never"])
def test_the_newest_rounds_of_a_player_are_read_and_none_of_the_others(
    client: Client, now: datetime, player_ref: str
) -> None:
    provider = make_provider()
    game = make_game(provider)
    counts = {"p-rare": 40, "p-old": 15_000, "p-new": 15_000, "p-never": 0}
    with connection.cursor() as cursor:
        for ref, count in counts.items():
            ids: list[Any] = [provider.pk, ref, make_player(ref).pk, game.pk, now, now, count]
            cursor.execute(FILL_ROUNDS, ids)
        cursor.execute("ANALYZE rounds_round")
    sync_roles(now=now)
    client.force_login(make_user(roles=(Role.AUDITOR,)))
    with CaptureQueriesContext(connection) as asked:
        shown = found(client, "round", "round_ref", q=player_ref)
    assert shown[:1] == ([f"{player_ref}{counts[player_ref]}"] if shown else [])
    of_player = '"rounds_round"."player_id" IN ('
    [search] = [one["sql"] for one in asked if of_player in one["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) {search}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "rounds_round_of_player" in plan
    assert "Rows Removed" not in plan
    assert "Sort" not in plan
    read = max(int(rows) for rows in re.findall(r"actual rows=(\d+)", plan))
    assert read == min(counts[player_ref], 10_001)
