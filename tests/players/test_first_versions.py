"""A player who is added to the mirror has a history that begins with how that was."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from apps.players.contracts import PlayerRecord, PlayerUpdate
from apps.players.models import Player
from apps.players.services import add_players, save_player
from tests.races import race

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def records(*refs: str) -> list[PlayerRecord]:
    return [PlayerRecord(ref, "EUR", "MT", "pending") for ref in refs]


def versions() -> list[tuple[Any, ...]]:
    """Return each version in order: of whom, what kind, where, KYC, when, and why."""
    columns = ("player_ref", "history_type", "jurisdiction", "kyc_status", "history_date")
    rows = Player.history.order_by("history_id")
    return list(rows.values_list(*columns, "history_change_reason"))


def added(ref: str, at: datetime = NOW) -> tuple[Any, ...]:
    return (ref, "+", "MT", "pending", at, "Added to the mirror.")


@pytest.mark.django_db
def test_each_player_added_has_one_first_version_and_a_known_one_gets_none() -> None:
    assert add_players(records("p-2", "p-1"), now=NOW) == 2
    assert add_players(records("p-1", "p-3"), now=NOW + HOUR) == 1
    assert add_players(records("p-1", "p-2", "p-3"), now=NOW + 2 * HOUR) == 0
    assert versions() == [added("p-1"), added("p-2"), added("p-3", NOW + HOUR)]
    assert {one.history_user for one in Player.history.all()} == {None}
    assert {one.id for one in Player.history.all()} == {one.pk for one in Player.objects.all()}


@pytest.mark.django_db
def test_a_player_from_before_is_given_no_first_version_that_nobody_saw() -> None:
    add_players(records("p-old"), now=NOW)
    Player.history.all().delete()
    assert add_players(records("p-old", "p-new"), now=NOW) == 1
    assert versions() == [added("p-new")]


@pytest.mark.django_db
def test_the_first_change_stands_beside_what_was_before_it() -> None:
    update = PlayerUpdate("p-1", "EUR", "MT", "pending")
    save_player(update, reason="Signed up.", now=NOW)
    verified = PlayerUpdate("p-1", "EUR", "MT", "verified")
    save_player(verified, reason="Passport seen.", now=NOW + HOUR)
    assert versions() == [
        added("p-1"),
        (
            *("p-1", "~", "MT", "verified", NOW + HOUR),
            "The operator's system says so. Passport seen.",
        ),
    ]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_loads_at_once_each_player_has_one_first_version() -> None:
    refs = [f"p-{number:02}" for number in range(40)]
    loads = [records(*refs), records(*reversed(refs))]
    outcomes = race([partial(add_players, load, now=NOW) for load in loads] * 2)
    assert sum(one for one in outcomes if isinstance(one, int)) == 40, outcomes
    assert sorted(version[0] for version in versions()) == refs
