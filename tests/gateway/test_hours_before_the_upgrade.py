"""The hours from before limits were counted are filled from the events, as the gateway counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from apps.gateway.services.corrections import apply_correction
from apps.players import services
from apps.players.models import HourTally
from tests.gateway.builders import NOW, Casino, open_casino, open_player
from tests.older_schema import schema_at

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
END = NOW + timedelta(days=30)
FIGURES = ("player_id", "hour", "staked_minor", "won_minor", "deposited_minor", "slots")
SEALED = ("balance_before", "balance_after", "checksum")
TABLE = "0002_player_protection"
CAME_AT = "SELECT applied FROM django_migrations WHERE app = 'players' AND name = %s"
LET_COME_AT = "UPDATE django_migrations SET applied = %s WHERE app = 'players' AND name = %s"


def counted() -> list[tuple[Any, ...]]:
    return list(HourTally.objects.order_by("player_id", "hour").values_list(*FIGURES))


def played() -> list[tuple[Any, ...]]:
    """Return the hours after the one of the opening balance, which the gateway doesn't count."""
    return [row for row in counted() if row[1] > NOW]


def fill(came: datetime = END) -> None:
    """Go back before the migration and through it again, as if the table came at a moment."""
    with connection.cursor() as cursor:
        cursor.execute(CAME_AT, [TABLE])
        really_came = cursor.fetchone()[0]
        cursor.execute(LET_COME_AT, [came, TABLE])
    try:
        with time_machine.travel(END, tick=False), schema_at("rounds", "0007_opened_span"):
            pass
    finally:
        with connection.cursor() as cursor:
            cursor.execute(LET_COME_AT, [really_came, TABLE])


def play_some(casino: Casino) -> None:
    """Play finals, held stakes, a rollback, a wait on a person, over a month; pay in as well."""
    other = open_player("p-1002", cash_minor=5_000)
    services.count_deposit(casino.player.pk, 10_000, NOW)
    services.count_deposit(other.pk, 5_000, NOW)
    for number, hours in enumerate([720, 719, 500, 48, 47, 1, 1, 0]):
        casino.now = END - hours * HOUR + timedelta(minutes=7 * number)
        casino.send(casino.event(f"f-{number}", player_id="p-1001"))
        casino.send(casino.tentative(f"t-{number}", f"r-{number}", player_id="p-1002"))
    casino.send(casino.rollback("b-1", "t-3", player_id="p-1002"))
    settled = {**casino.sent["t-4"], "finalized": True}
    casino.send({name: settled[name] for name in settled if name not in SEALED})
    casino.send(casino.event("x-1", player_id="nobody"))
    casino.send(casino.rollback("b-2", "late"))
    casino.send(casino.event("late"))


def test_hours_are_filled_with_what_the_gateway_would_have_counted() -> None:
    casino = open_casino()
    play_some(casino)
    by_gateway = counted()
    HourTally.objects.filter(hour__lt=END).delete()
    HourTally.objects.filter(hour=END).update(staked_minor=1, slots=0)
    fill()
    assert counted() == by_gateway
    fill()
    assert counted() == by_gateway


def test_a_correction_of_ours_is_no_win() -> None:
    casino = open_casino()
    casino.now = END - 5 * HOUR
    casino.send(casino.event("f-1"))
    casino.now = END - 3 * HOUR
    apply_correction(
        provider_code="aurora",
        event_id="f-1",
        amount_minor=500,
        approval_id=7,
        reason="The win was never paid.",
        now=casino.now,
    )
    by_gateway = played()
    assert [(row[1], row[3]) for row in by_gateway] == [(END - 5 * HOUR, 350)]
    HourTally.objects.all().delete()
    fill()
    assert played() == by_gateway


@pytest.mark.parametrize("is_final", [True, False])
def test_a_stake_whose_rollback_came_first_was_never_played(*, is_final: bool) -> None:
    casino = open_casino()
    casino.now = END - 5 * HOUR
    casino.send(casino.tentative("e-1"), casino.rollback("b-1", "e-1"))
    casino.now = END - 3 * HOUR
    casino.send(casino.rollback("b-2", "late"), casino.event("late", finalized=is_final))
    assert casino.stored("late").money_state == "rolled_back"
    by_gateway = played()
    assert [row[1:4] for row in by_gateway] == [(END - 5 * HOUR, 0, 0)]
    HourTally.objects.all().delete()
    fill()
    assert played() == by_gateway


def test_hours_that_no_window_reaches_are_left_alone() -> None:
    casino = open_casino()
    for hours in (745, 744):
        casino.now = END - hours * HOUR
        casino.send(casino.event(f"f-{hours}"))
    HourTally.objects.all().delete()
    fill()
    assert [row[1] for row in counted() if row[2]] == [END - 744 * HOUR]


def test_hours_after_the_table_came_stay_as_they_were_counted() -> None:
    casino = open_casino()
    play_some(casino)
    by_gateway = {row[:2]: row for row in counted()}
    came = END - 47 * HOUR + timedelta(minutes=30)
    HourTally.objects.all().delete()
    fill(came)
    last = came.replace(minute=0)
    expected = [row for key, row in sorted(by_gateway.items()) if key[1] <= last]
    assert counted() == expected
    assert len(expected) > 4


def test_a_limit_set_after_the_upgrade_knows_what_was_staked_before() -> None:
    casino = open_casino()
    casino.now = END - 20 * HOUR
    casino.send(casino.event("f-1", bet_amount="30.00", win_amount="0.00"))
    HourTally.objects.all().delete()
    fill()
    [hour] = HourTally.objects.filter(staked_minor__gt=0)
    assert (hour.staked_minor, hour.hour) == (3_000, datetime(2026, 12, 17, 14, tzinfo=UTC))
