"""Hours counted by an older version become what the gateway counts now."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from apps.gateway.services.corrections import apply_correction
from apps.players.models import HourTally
from tests.gateway.builders import NOW, Casino, open_casino, open_player
from tests.older_schema import schema_at

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
END = NOW + timedelta(days=30)
FIGURES = ("player_id", "hour", "staked_minor", "won_minor", "slots")


def counted() -> list[tuple[Any, ...]]:
    return list(HourTally.objects.order_by("player_id", "hour").values_list(*FIGURES))


def through(before: str) -> None:
    """Go back to a migration of rounds and through all that came after it."""
    with time_machine.travel(END, tick=False), schema_at("rounds", before):
        pass


def add(player_id: int, hour: datetime, *, staked: int = 0, won: int = 0) -> None:
    """Count in an hour what the older version counted there."""
    tally, _ = HourTally.objects.get_or_create(player_id=player_id, hour=hour)
    tally.staked_minor += staked
    tally.won_minor += won
    tally.save()


@pytest.fixture
def casino() -> Casino:
    casino = open_casino()
    casino.now = END - 5 * HOUR
    return casino


def test_a_pending_win_is_taken_out_and_every_other_one_stays(casino: Casino) -> None:
    other = open_player("p-1002", cash_minor=5_000)
    casino.send(casino.event("settled"))
    casino.send(casino.tentative("pending", "r-1"), casino.tentative("also", "r-1"))
    casino.send(casino.tentative("undone", "r-2"), casino.rollback("b-1", "undone"))
    casino.send(casino.tentative("theirs", "r-3", player_id="p-1002"))
    casino.send(casino.tentative("lost", "r-4", win_amount="0.00"))
    apply_correction(
        provider_code="aurora",
        event_id="settled",
        amount_minor=500,
        approval_id=7,
        reason="The win was never paid.",
        now=casino.now,
    )
    by_gateway = counted()
    add(casino.player.pk, casino.now, won=2 * 350)
    add(other.pk, casino.now, won=350)
    through("0013_mark_rehearsed_conflicts")
    assert counted() == by_gateway
    assert [(row[2], row[3]) for row in by_gateway if row[1] == casino.now] == [
        (800, 350),
        (200, 0),
    ]


def test_a_pending_win_that_no_hour_counted_takes_none_below_zero(casino: Casino) -> None:
    casino.send(casino.tentative("pending", "r-1"))
    by_gateway = counted()
    through("0013_mark_rehearsed_conflicts")
    assert counted() == by_gateway
    assert by_gateway[-1][3] == 0


def test_a_pending_win_that_no_window_reaches_is_left_alone(casino: Casino) -> None:
    for hours, won in ((744, 0), (745, 0)):
        casino.now = END - hours * HOUR
        casino.send(casino.tentative(f"t-{hours}", f"r-{hours}"))
        add(casino.player.pk, casino.now, won=350 + won)
    casino.now = END - 746 * HOUR
    casino.send(casino.tentative("t-746", "r-746"))
    add(casino.player.pk, casino.now, won=350)
    through("0013_mark_rehearsed_conflicts")
    won_in = {row[1]: row[3] for row in counted()}
    assert [won_in[END - hours * HOUR] for hours in (744, 745, 746)] == [0, 0, 350]


def test_what_came_late_moves_to_the_hour_in_which_it_reached_us(casino: Casino) -> None:
    other = open_player("p-1002", cash_minor=5_000)
    ours, told = casino.now, END - 8 * HOUR
    late = {"timestamp": told.isoformat()}
    casino.now = ours + timedelta(minutes=23)
    casino.send(casino.event("settled", **late))
    casino.send(casino.tentative("held", "r-1", **late))
    casino.send(casino.tentative("undone", "r-2", **late), casino.rollback("b-1", "undone"))
    casino.send(casino.tentative("theirs", "r-3", player_id="p-1002", **late))
    casino.now = ours + 2 * HOUR
    casino.send(casino.event("on-time"))
    by_gateway = counted()
    HourTally.objects.filter(hour=ours).delete()
    add(casino.player.pk, told, staked=400, won=350)
    add(other.pk, told, staked=200)
    through("0014_pending_wins_are_not_won")
    found = {row[:2]: row[2:] for row in counted()}
    expected = {row[:2]: row[2:] for row in by_gateway}
    # Where the older version had an hour that the gateway has none for, it is left with nothing.
    assert {key: found.pop(key) for key in found.keys() - expected.keys()} == {
        (other.pk, told): (0, 0, 0)
    }
    assert found == expected
    assert found[casino.player.pk, ours][:2] == (400, 350)


def test_an_hour_that_has_been_counted_already_is_added_to(casino: Casino) -> None:
    ours, told = casino.now, END - 8 * HOUR
    casino.send(casino.event("on-time"))
    before = dict(HourTally.objects.filter(hour=ours).values_list("hour", "staked_minor"))
    casino.send(casino.event("late", timestamp=told.isoformat()))
    by_gateway = counted()
    assert before == {ours: 200}
    add(casino.player.pk, ours, staked=-200, won=-350)
    add(casino.player.pk, told, staked=200, won=350)
    through("0014_pending_wins_are_not_won")
    assert counted() == by_gateway
