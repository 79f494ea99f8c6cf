"""Protection in the path of the money: every new stake is asked, money back never."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.gateway.models import Rejection
from apps.play import services as sessions
from apps.play.enums import SessionEnd
from apps.players import services
from apps.players.contracts import ExclusionRequest, LimitRequest
from apps.players.models import HourTally, Player, RefusalTally
from apps.players.protection import SLOT_MINUTES, hour_of
from apps.players.selectors.batches import load_protection
from apps.providers.models import Game
from apps.rounds.models import RoundEvent
from tests.factories import make_cover, make_player
from tests.gateway import operations_makers as operations
from tests.gateway.builders import (
    NOW,
    SLOT,
    TABLE,
    Casino,
    Result,
    assert_ledger_holds,
    everything,
    later,
)
from tests.gateway.test_properties import money, undone

HOUR = timedelta(hours=1)


def set_limit(casino: Casino, kind: str, amount: int, at: datetime | None = None) -> None:
    values = {"minutes" if kind.startswith("time") else "amount_minor": amount}
    request = LimitRequest(casino.player.pk, kind, "player", "p", "Asked.", **values)
    services.set_limit(request, now=at or NOW - timedelta(days=60))


def exclude(casino: Casino, kind: str, ends_at: datetime | None = None) -> None:
    request = ExclusionRequest(casino.player.pk, kind, "player", "p", "Asked.", ends_at)
    services.exclude(request, now=casino.now)


def stake(casino: Casino, name: str, bet: str = "2.00", **more: Any) -> Result:
    values = {"bet_amount": bet, "win_amount": "0.00", **more}
    return casino.send_one(casino.tentative(f"e-{name}", f"r-{name}", **values))


def refused(casino: Casino, name: str, code: str, kept: str, **more: Any) -> None:
    before = everything()
    result = stake(casino, name, **more)
    assert (result["status"], result["code"]) == ("rejected", code)
    assert everything() == before
    assert casino.stored(f"e-{name}").code == kept
    assert Rejection.objects.filter(code=kept).exists()
    assert_ledger_holds()


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("time_out", "time_out"),
        ("self_exclusion", "self_excluded"),
        ("closure", "account_closed"),
    ],
)
def test_an_excluded_player_places_no_stake_and_gets_every_kind_of_money_back(
    casino: Casino, kind: str, kept: str
) -> None:
    assert stake(casino, "1")["status"] == "tentative"
    assert stake(casino, "2")["status"] == "tentative"
    exclude(casino, kind, later(3_600) if kind == "time_out" else None)
    refused(casino, "3", "player_blocked", kept)
    won = casino.event("w-1", round_id="r-1", bet_amount="0.00", win_amount="9.00")
    assert casino.send_one(won)["status"] == "accepted"
    assert casino.send_one(casino.rollback("b-1", "e-2"))["status"] == "accepted"
    assert casino.pots()["cash"] == 10_000 - 200 + 900
    assert_ledger_holds()


def test_an_excluded_player_hears_so_in_a_session_that_the_exclusion_ended(
    casino: Casino,
) -> None:
    make_cover(Game.objects.get(game_code=SLOT))
    opened = sessions.open_session(
        player_ref="p-1001", provider_code="aurora", game_code=SLOT, now=NOW
    )
    exclude(casino, "self_exclusion")
    sessions.end_sessions_of_player(
        player_id=casino.player.pk, code=SessionEnd.PROTECTION, reason="Excluded.", now=NOW
    )
    before = everything()
    bet = operations.stake("s-1", session_ref=opened.public_id, needs_live_session=True)
    assert operations.ask_one(casino, bet)[:2] == ("rejected", "self_excluded")
    stranger = operations.stake("s-2", session_ref="none", needs_live_session=True)
    assert operations.ask_one(casino, stranger)[:2] == ("rejected", "self_excluded")
    assert everything() == before
    assert RefusalTally.objects.get().refused == 2
    assert HourTally.objects.get(player=casino.player).checks == 2


FREE = {"round_type": "free_spin", "bet_amount": "0.00", "win_amount": "50.00"}


def test_a_free_spin_of_an_excluded_player_is_refused_and_pays_nothing(casino: Casino) -> None:
    assert casino.send_one(casino.tentative("e-1", "free-1", **FREE))["status"] == "tentative"
    exclude(casino, "self_exclusion")
    before = casino.pots()
    for name, round_id in (("e-2", "free-2"), ("e-3", "free-1")):
        result = casino.send_one(casino.tentative(name, round_id, **FREE))
        assert (result["status"], result["code"]) == ("rejected", "player_blocked")
        assert casino.stored(name).code == "self_excluded"
    assert casino.pots() == before
    assert RefusalTally.objects.get().refused == 2


def test_free_spins_that_a_stake_won_are_its_outcome_and_paid_to_an_excluded_player(
    casino: Casino,
) -> None:
    stake(casino, "1")
    exclude(casino, "self_exclusion")
    assert casino.send_one(casino.tentative("e-2", "r-1", **FREE))["status"] == "tentative"
    end = casino.event("e-3", round_id="r-1", bet_amount="0.00", win_amount="0.00")
    assert casino.send_one(end)["status"] == "accepted"
    assert casino.pots()["cash"] == 10_000 - 200 + 5_000
    assert_ledger_holds()


def test_a_time_out_lets_go_at_its_very_end(casino: Casino) -> None:
    exclude(casino, "time_out", later(3_600))
    casino.now = later(3_599)
    refused(casino, "1", "player_blocked", "time_out")
    casino.now = later(3_600)
    assert stake(casino, "2")["status"] == "tentative"


def test_a_refused_stake_stays_refused_with_the_same_words(casino: Casino) -> None:
    exclude(casino, "time_out", later(3_600))
    event = casino.tentative("e-1", win_amount="0.00")
    assert casino.send_one(event)["code"] == "player_blocked"
    casino.now = later(7_200)
    again = casino.send_one(event)
    assert (again["status"], again["code"]) == ("rejected", "player_blocked")


def test_a_loss_limit_reached_in_a_round_stops_the_next_stake_and_not_the_win(
    casino: Casino,
) -> None:
    set_limit(casino, "loss_24h", 500)
    assert stake(casino, "1", "5.00")["status"] == "tentative"
    refused(casino, "2", "limit_reached", "loss_limit", bet="0.01")
    won = casino.event("w-1", round_id="r-1", bet_amount="0.00", win_amount="3.00")
    assert casino.send_one(won)["status"] == "accepted"
    refused(casino, "3", "limit_reached", "loss_limit", bet="3.01")
    assert stake(casino, "4", "3.00")["status"] == "tentative"


def test_a_pending_win_makes_no_room_for_losses_until_its_round_settles(casino: Casino) -> None:
    set_limit(casino, "loss_24h", 500)
    pending = casino.tentative("p-1", "r-1", bet_amount="1.00", win_amount="90.00")
    assert casino.send_one(pending)["status"] == "tentative"
    refused(casino, "2", "limit_reached", "loss_limit", bet="4.01")
    assert casino.send_one(casino.rollback("b-1", "p-1"))["status"] == "accepted"
    refused(casino, "3", "limit_reached", "loss_limit", bet="5.01")
    won = casino.tentative("p-4", "r-4", bet_amount="1.00", win_amount="90.00")
    assert casino.send_one(won)["status"] == "tentative"
    assert HourTally.objects.get().won_minor == 0
    settled = casino.event("f-4", round_id="r-4", bet_amount="0.00", win_amount="0.00")
    assert casino.send_one(settled)["status"] == "accepted"
    assert HourTally.objects.get().won_minor == 9_000
    assert stake(casino, "5", "50.00")["status"] == "tentative"


def test_played_rounds_count_although_they_can_not_be_refused(casino: Casino) -> None:
    set_limit(casino, "wager_24h", 500)
    final = casino.event("f-1", bet_amount="6.00", win_amount="0.00")
    assert casino.send_one(final)["status"] == "accepted"
    refused(casino, "1", "limit_reached", "wager_limit", bet="0.01")


def test_limits_hold_within_one_callback_over_stakes_wins_and_rollbacks(casino: Casino) -> None:
    set_limit(casino, "loss_24h", 500)
    answers = casino.send(
        casino.event("f-1", bet_amount="4.00", win_amount="0.00"),
        casino.tentative("e-1", "r-1", bet_amount="1.01", win_amount="0.00"),
        casino.tentative("e-2", "r-2", bet_amount="1.00", win_amount="0.00"),
        casino.tentative("e-3", "r-3", bet_amount="1.00", win_amount="0.00"),
        casino.rollback("b-1", "e-2"),
        casino.tentative("e-4", "r-4", bet_amount="1.00", win_amount="0.00"),
    )
    assert [answer["code"] for answer in answers if answer["status"] == "rejected"] == [
        "limit_reached",
        "limit_reached",
    ]
    assert answers[5]["status"] == "tentative"


@pytest.mark.parametrize(("window", "hours"), [("24h", 24), ("7d", 168), ("1m", 744)])
def test_an_hour_counts_to_the_end_of_its_window_and_no_longer(
    casino: Casino, window: str, hours: int
) -> None:
    set_limit(casino, f"wager_{window}", 200)
    assert stake(casino, "1", "2.00")["status"] == "tentative"
    full = NOW.replace(minute=0, second=0) + timedelta(hours=hours + 1)
    casino.now = full - timedelta(seconds=1)
    refused(casino, "2", "limit_reached", "wager_limit")
    casino.now = full
    assert stake(casino, "3")["status"] == "tentative"


def test_play_time_is_counted_in_begun_blocks_and_stops_the_next_stake(casino: Casino) -> None:
    set_limit(casino, "time_24h", 10)
    for minutes, name in ((0, "1"), (4, "2"), (5, "3")):
        casino.now = NOW + timedelta(minutes=minutes)
        assert stake(casino, name)["status"] == "tentative"
    casino.now = NOW + timedelta(minutes=6)
    refused(casino, "4", "limit_reached", "time_limit")
    casino.now = NOW + timedelta(hours=25)
    assert stake(casino, "5")["status"] == "tentative"


def test_a_british_slot_stake_is_capped_per_round_and_a_table_is_not(casino: Casino) -> None:
    Player.objects.filter(pk=casino.player.pk).update(
        jurisdiction="GB", date_of_birth=date(2004, 1, 1), currency="GBP"
    )
    refused(casino, "1", "limit_reached", "stake_cap", bet="2.01")
    assert stake(casino, "2", "1.50")["status"] == "tentative"
    second = casino.tentative("e-3", "r-2", bet_amount="0.51", win_amount="0.00")
    assert casino.send_one(second)["code"] == "limit_reached"
    third = casino.tentative("e-4", "r-2", bet_amount="0.50", win_amount="0.00")
    assert casino.send_one(third)["status"] == "tentative"
    assert stake(casino, "5", "20.00", game_code=TABLE)["status"] == "tentative"


def test_checks_and_refusals_are_counted_by_the_hour(casino: Casino) -> None:
    set_limit(casino, "wager_24h", 200)
    for name in ("1", "2", "3"):
        stake(casino, name)
    assert HourTally.objects.get(player=casino.player).checks == 3
    counted = RefusalTally.objects.values_list("code", "refused", "hour")
    assert list(counted) == [("wager_limit", 2, hour_of(NOW))]


def test_a_rolled_back_bet_leaves_the_hour_it_was_counted_in(casino: Casino) -> None:
    stake(casino, "1", "5.00")
    casino.now = later(7_200)
    stake(casino, "2", "3.00")
    casino.send_one(casino.rollback("b-1", "e-1"))
    tallies = HourTally.objects.order_by("hour").values_list("hour", "staked_minor")
    assert list(tallies) == [(hour_of(NOW), 0), (hour_of(later(7_200)), 300)]


def test_money_goes_back_even_where_its_bet_was_never_counted(casino: Casino) -> None:
    stake(casino, "1", "5.00")
    HourTally.objects.all().delete()
    assert casino.send_one(casino.rollback("b-1", "e-1"))["status"] == "accepted"
    assert casino.pots()["cash"] == 10_000
    assert HourTally.objects.get().staked_minor == 0


@pytest.mark.parametrize(
    ("kind", "amount", "code"),
    [
        ("wager_24h", 500, "wager_limit"),
        ("loss_24h", 500, "loss_limit"),
        ("time_24h", 5, "time_limit"),
    ],
)
def test_a_stake_dated_back_counts_when_it_came(
    casino: Casino, kind: str, amount: int, code: str
) -> None:
    set_limit(casino, kind, amount)
    told = (NOW - timedelta(hours=26)).isoformat()
    first = casino.tentative("e-1", "r-1", bet_amount="4.00", win_amount="0.00", timestamp=told)
    assert casino.send_one(first)["status"] == "tentative"
    again = casino.tentative("e-2", "r-2", bet_amount="4.00", win_amount="0.00", timestamp=told)
    assert casino.send_one(again)["code"] == "limit_reached"
    assert casino.stored("e-2").code == code
    single = operations.stake("s-1", 400, round_ref="r-3", occurred_at=later(-93_600))
    assert operations.ask_one(casino, single)[1] == code
    assert HourTally.objects.get().hour == hour_of(NOW)


def test_a_rolled_back_bet_leaves_the_hour_in_which_it_came(casino: Casino) -> None:
    set_limit(casino, "wager_24h", 500)
    told = (NOW - timedelta(hours=26)).isoformat()
    dated_back = casino.tentative("e-1", "r-1", win_amount="0.00", timestamp=told)
    assert casino.send_one(dated_back)["status"] == "tentative"
    casino.now = later(7_200)
    assert casino.send_one(casino.rollback("b-1", "e-1"))["status"] == "accepted"
    assert list(HourTally.objects.values_list("hour", "staked_minor")) == [(hour_of(NOW), 0)]


def test_a_played_round_that_comes_late_counts_its_money_now_and_its_time_when_it_was(
    casino: Casino,
) -> None:
    set_limit(casino, "wager_24h", 500)
    told = NOW - timedelta(hours=5)
    late = casino.event("f-1", bet_amount="4.00", win_amount="1.00", timestamp=told.isoformat())
    assert casino.send_one(late)["status"] == "accepted"
    figures = HourTally.objects.order_by("hour").values_list(
        "hour", "staked_minor", "won_minor", "slots"
    )
    assert list(figures) == [(hour_of(told), 0, 0, 1), (hour_of(NOW), 400, 100, 0)]


@pytest.mark.django_db
def test_a_batch_of_a_hundred_players_loads_in_two_statements() -> None:
    players = [make_player(jurisdiction="GB", currency="GBP") for _ in range(100)]
    ids = [player.pk for player in players]
    with CaptureQueriesContext(connection) as plain, connection.cursor() as cursor:
        load_protection(cursor, ids, NOW)
    assert len(plain) == 1
    for player in players:
        for kind in ("wager_24h", "loss_1m", "time_7d"):
            measure = {"minutes" if kind.startswith("time") else "amount_minor": 100}
            request = LimitRequest(player.pk, kind, "player", "p", "Asked.", **measure)
            services.set_limit(request, now=NOW)
    with CaptureQueriesContext(connection) as queries, connection.cursor() as cursor:
        protection = load_protection(cursor, ids, NOW)
    assert len(queries) == 2
    assert {len(protection.states[one].limits) for one in ids} == {3}


MODERATE = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def plays(draw: st.DrawFn) -> list[tuple[str, int, int, int, int]]:
    """Draw what a provider sends: kind, minutes since the start, bet, win, and whom it undoes."""
    steps = []
    for _ in range(draw(st.integers(1, 10))):
        kind = draw(st.sampled_from(["tentative", "final", "same_round", "rollback"]))
        minutes = draw(st.integers(0, 47 * 60))
        bet, win = draw(st.integers(0, 400)), draw(st.integers(0, 400))
        steps.append((kind, minutes, bet, win, draw(st.integers(0, 9))))
    return steps


def play(casino: Casino, steps: list[tuple[str, int, int, int, int]], size: int) -> None:
    events = []
    for number, (kind, minutes, bet, win, other) in enumerate(steps):
        at = (NOW + timedelta(minutes=minutes)).isoformat()
        if kind == "rollback":
            events.append(casino.rollback(f"e-{number}", f"e-{other}", timestamp=at))
            continue
        values = {
            "round_id": f"r-{other if kind == 'same_round' else number}",
            "bet_amount": money(bet),
            "win_amount": money(win),
            "finalized": kind == "final",
            "timestamp": at,
        }
        events.append(casino.event(f"e-{number}", **values))
    balances = {"balance_before": "0.00", "balance_after": "0.00"}
    casino.now = NOW + timedelta(hours=47)
    for start in range(0, len(events), size):
        casino.send(*[event | balances for event in events[start : start + size]])


def by_brute_force() -> dict[datetime, tuple[int, int]]:
    sums: dict[datetime, list[int]] = defaultdict(lambda: [0, 0])
    for event in RoundEvent.objects.filter(money_state__in=["held", "settled"]):
        hour = hour_of(event.received_at)
        sums[hour][0] += event.bet_minor
        if event.money_state == "settled":
            sums[hour][1] += event.win_minor
    return {hour: (bet, win) for hour, (bet, win) in sums.items() if bet or win}


@given(steps=plays(), size=st.integers(1, 5))
@MODERATE
def test_the_hours_add_up_to_what_the_events_say(
    casino: Casino, steps: list[tuple[str, int, int, int, int]], size: int
) -> None:
    with undone():
        set_limit(casino, "wager_7d", 1_500)
        play(casino, steps, size)
        kept = {
            tally.hour: (tally.staked_minor, tally.won_minor)
            for tally in HourTally.objects.all()
            if tally.staked_minor or tally.won_minor
        }
        assert kept == by_brute_force()
        for event in RoundEvent.objects.filter(
            money_state__in=["held", "settled"], bet_minor__gt=0
        ):
            at = event.occurred_at if event.finalized else event.received_at
            tally = HourTally.objects.get(player=casino.player, hour=hour_of(at))
            assert tally.slots >> (at.minute // SLOT_MINUTES) & 1
