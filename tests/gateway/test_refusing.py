"""What is refused, by name, and that nothing moves: only what is new may be refused."""

from datetime import timedelta
from typing import Any

import pytest

from apps.gateway.models import Rejection
from apps.play.services import (
    answer_reality_check,
    open_session,
    refresh_session,
    show_reality_check,
)
from apps.players.enums import RealityCheckStep
from apps.players.models import Limit
from apps.providers.enums import Permission
from apps.providers.models import Game, ProviderPolicy
from apps.rounds.models import EventAttempt, RoundEvent
from tests.factories import make_cover
from tests.gateway import operations_makers as operations
from tests.gateway.builders import (
    SLOT,
    TABLE,
    Casino,
    assert_ledger_holds,
    deposit,
    everything,
    later,
    lines,
    open_player,
)


def refused(casino: Casino, event: dict[str, Any], code: str, kept: str = "") -> None:
    """Send an event and assert that it is refused with this code and moves nothing.

    ``kept`` is our own code where it is finer than what the native protocol can say.
    """
    before = everything()
    result = casino.send_one(event)
    assert (result["status"], result["code"]) == ("rejected", code)
    assert everything() == before
    assert Rejection.objects.get(code=kept or code).last_event_id == event["event_id"]
    assert_ledger_holds()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"checksum": "0" * 64}, "bad_checksum"),
        ({"currency": ""}, "bad_field"),
        ({"round_type": "spin"}, "bad_field"),
        ({"bet_amount": "2.005"}, "bad_amount"),
        ({"win_amount": "-1.00"}, "bad_amount"),
        ({"currency": "EUR"}, "wrong_currency"),
        ({"currency": "XXX"}, "wrong_currency"),
        ({"game_code": "no-such-game"}, "unknown_game"),
    ],
)
def test_an_event_that_cannot_be_booked_is_refused_and_leaves_its_id_free(
    casino: Casino, changes: dict[str, Any], code: str
) -> None:
    balances = {"balance_before": "100.00", "balance_after": "101.50"}
    refused(casino, casino.event("e-1", **(balances | changes)), code)
    assert not RoundEvent.objects.exists()
    assert EventAttempt.objects.get().code == code
    assert casino.send_one(casino.event("e-1"))["status"] == "accepted"


def test_a_missing_field_is_refused_by_name(casino: Casino) -> None:
    refused(casino, casino.seal(casino.event("e-1")) | {"game_code": None}, "missing_field")
    assert Rejection.objects.get().last_detail == "game_code"


def test_a_refused_event_does_not_hold_up_its_neighbours(casino: Casino) -> None:
    results = casino.send(
        casino.event("e-1"),
        casino.event("e-2", checksum="0" * 64),
        casino.event("e-3"),
    )
    assert [r["status"] for r in results] == ["accepted", "rejected", "accepted"]
    assert casino.pots()["cash"] == 10_300


def test_refusals_are_counted_per_code_and_day_and_not_stored(casino: Casino) -> None:
    for number in range(5):
        casino.send(casino.event(f"e-{number}", checksum="0" * 64))
    next_day = casino.now + timedelta(days=1)
    casino.send(casino.event("e-9", checksum="0" * 64), at=next_day)
    counts = Rejection.objects.filter(code="bad_checksum").order_by("day")
    assert [(r.count, r.last_event_id) for r in counts] == [(5, "e-4"), (1, "e-9")]


def test_a_new_stake_above_the_funds_is_refused_with_the_actual_balance(casino: Casino) -> None:
    stake = casino.tentative("e-1", bet_amount="100.01", win_amount="0.00")
    refused(casino, stake, "insufficient_funds")
    assert casino.stored("e-1").balance_minor == 10_000
    assert casino.stored("e-1").money_state == "none"


def test_a_refused_stake_stays_refused_even_when_funds_arrive(casino: Casino) -> None:
    stake = casino.tentative("e-1", bet_amount="100.01", win_amount="0.00")
    first = casino.send_one(stake)
    deposit(casino.player, 50_000, key="d-1")
    before = everything()
    assert casino.send_one(stake) == first
    assert everything() == before


def test_a_new_stake_of_exactly_the_balance_is_taken(casino: Casino) -> None:
    result = casino.send_one(casino.tentative("e-1", bet_amount="100.00", win_amount="0.00"))
    assert (result["status"], result["balance"]) == ("tentative", "0.00")


def test_stakes_of_one_callback_share_the_funds(casino: Casino) -> None:
    stakes = [
        casino.tentative(f"e-{n}", f"r-{n}", bet_amount="40.00", win_amount="0.00")
        for n in range(4)
    ]
    codes = [(r["status"], r["code"]) for r in casino.send(*stakes)]
    assert [status for status, _ in codes] == ["tentative", "tentative", "rejected", "rejected"]
    assert {code for _, code in codes[2:]} == {"insufficient_funds"}
    assert casino.pots() == {"cash": 2_000, "bonus": 0, "held": 8_000, "pending": 0}


def test_held_money_can_not_be_staked_again(casino: Casino) -> None:
    casino.send(casino.tentative("e-1", bet_amount="60.00", win_amount="500.00"))
    stake = casino.tentative("e-2", "r-2", bet_amount="40.01", win_amount="0.00")
    refused(casino, stake, "insufficient_funds")


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        ("blocked", "player_blocked"),
        ("self_excluded", "self_excluded"),
        ("closed", "account_closed"),
    ],
)
def test_a_player_who_may_not_play_places_no_new_stake_but_gets_money_back(
    casino: Casino, status: str, kept: str
) -> None:
    casino.send(casino.tentative("e-1", win_amount="0.00"))
    casino.player.status = status
    casino.player.save()
    refused(casino, casino.tentative("e-2"), "player_blocked", kept)
    refused(casino, casino.tentative("e-3", "r-3"), "player_blocked", kept)
    assert casino.send_one(casino.tentative("w-1", bet_amount="0.00"))["status"] == "tentative"
    assert casino.send_one(casino.event("f-1", round_id="r-1"))["status"] == "accepted"
    assert casino.send_one(casino.rollback("b-1", "e-1"))["status"] == "accepted"
    assert_ledger_holds()


def limit(casino: Casino, minor: int) -> None:
    Limit.objects.create(
        player=casino.player, kind="wager_24h", amount_minor=minor, effective_from=later(-86_400)
    )


def test_the_lowest_wager_limit_counts_stakes_of_the_last_day(casino: Casino) -> None:
    limit(casino, 1_000)
    limit(casino, 500)
    for number in (1, 2):
        stake = casino.tentative(f"e-{number}", f"r-{number}", win_amount="0.00")
        assert casino.send_one(stake)["status"] == "tentative"
    refused(casino, casino.tentative("e-3", "r-3"), "limit_reached", "wager_limit")
    exactly = casino.tentative("e-4", "r-4", bet_amount="1.00", win_amount="0.00")
    assert casino.send_one(exactly)["status"] == "tentative"


def test_a_limit_holds_within_one_callback_and_lets_go_after_a_day(casino: Casino) -> None:
    limit(casino, 500)
    stakes = [casino.tentative(f"e-{n}", f"r-{n}", win_amount="0.00") for n in range(3)]
    assert [r["code"] for r in casino.send(*stakes)][2] == "limit_reached"
    # The hour of the stakes counts until none of it reaches into the last 24 hours.
    casino.now += timedelta(days=1, minutes=59)
    assert casino.send_one(casino.tentative("e-8", "r-8"))["code"] == "limit_reached"
    casino.now += timedelta(minutes=1)
    assert casino.send_one(casino.tentative("e-9", "r-9"))["status"] == "tentative"


def test_a_rolled_back_stake_gives_its_part_of_the_limit_back(casino: Casino) -> None:
    limit(casino, 200)
    casino.send(casino.tentative("e-1"))
    refused(casino, casino.tentative("e-2", "r-2"), "limit_reached", "wager_limit")
    casino.send(casino.rollback("b-1", "e-1"))
    assert casino.send_one(casino.tentative("e-3", "r-3"))["status"] == "tentative"


def test_a_new_stake_into_a_played_round_is_refused(casino: Casino) -> None:
    casino.send(casino.event("f-1", round_id="r-1"))
    casino.now = later(60)
    refused(casino, casino.tentative("e-2"), "round_closed")


def test_a_stake_whose_session_is_not_live_is_refused_and_a_win_is_not(casino: Casino) -> None:
    refused(casino, casino.tentative("e-1", session_token="a.b.c"), "session_expired")
    win = casino.tentative("w-1", bet_amount="0.00", session_token="a.b.c")
    assert casino.send_one(win)["status"] == "tentative"
    final = casino.event("f-1", round_id="r-1", session_token="a.b.c")
    assert casino.send_one(final)["status"] == "accepted"


def test_a_stake_that_names_no_session_is_refused_unless_the_contract_lets_it(
    casino: Casino,
) -> None:
    ProviderPolicy.objects.update(stake_without_session=Permission.REFUSE)
    refused(casino, casino.tentative("e-1"), "session_expired", "session_missing")
    free = casino.tentative("e-2", bet_amount="0.00", round_type="free_spin")
    refused(casino, free, "session_expired", "session_missing")

    make_cover(Game.objects.get(game_code=SLOT))
    token = open_session(
        player_ref="p-1001", provider_code="aurora", game_code=SLOT, now=casino.now
    ).token
    stake = casino.tentative("e-3", "r-3", session_token=token)
    assert casino.send_one(stake)["status"] == "tentative"
    assert casino.send_one({**stake, "session_token": None})["status"] == "duplicate"
    # Money back, and what was played already, is never asked.
    won = casino.tentative("e-4", "r-3", bet_amount="0.00", round_type="free_spin")
    assert casino.send_one(won)["status"] == "tentative"
    assert casino.send_one(casino.rollback("b-1", "e-3", round_id="r-3"))["status"] == "accepted"
    assert casino.send_one(casino.event("f-1", round_id="r-5"))["status"] == "accepted"

    ProviderPolicy.objects.update(stake_without_session=Permission.ALLOW)
    assert casino.send_one(casino.tentative("e-6", "r-6"))["status"] == "tentative"


def test_an_overdue_reality_check_stops_new_stakes_until_it_is_acknowledged(
    casino: Casino,
) -> None:
    make_cover(Game.objects.get(game_code=SLOT))
    opened = open_session(
        player_ref="p-1001", provider_code="aurora", game_code=SLOT, now=casino.now
    )
    by = opened.reality_check.acknowledge_by
    assert by is not None
    casino.now = by - timedelta(seconds=1)
    renewed = refresh_session(
        session_id=opened.session_id, credential=opened.refresh_credential, now=casino.now
    )
    token = renewed.token
    in_time = casino.tentative("e-1", session_token=token)
    assert casino.send_one(in_time)["status"] == "tentative"
    casino.now += timedelta(seconds=1)
    overdue = casino.tentative("e-2", "r-2", session_token=token)
    refused(casino, overdue, "limit_reached", "reality_check")
    win = casino.tentative("w-1", bet_amount="0.00", session_token=token)
    assert casino.send_one(win)["status"] == "tentative"
    shown = show_reality_check(session_id=opened.session_id, now=casino.now)
    refused_again = casino.tentative("e-3", "r-3", session_token=token)
    assert casino.send_one(refused_again)["code"] == "limit_reached"
    answer_reality_check(
        session_id=opened.session_id,
        check_id=shown.line.check_id,
        answer=RealityCheckStep.CONTINUED,
        now=casino.now,
    )
    again = casino.tentative("e-4", "r-4", session_token=token)
    assert casino.send_one(again)["status"] == "tentative"


def test_a_session_token_is_held_to_its_game_where_the_contract_says_so(casino: Casino) -> None:
    make_cover(Game.objects.get(game_code=SLOT))
    token = open_session(
        player_ref="p-1001", provider_code="aurora", game_code=SLOT, now=casino.now
    ).token
    other = casino.tentative("e-2", "r-2", game_code=TABLE, session_token=token)
    refused(casino, other, "session_expired", "session_mismatch")
    own = casino.tentative("e-3", "r-3", session_token=token)
    assert casino.send_one(own)["status"] == "tentative"


def test_a_session_goes_on_in_another_game_only_where_that_could_be_launched(
    casino: Casino,
) -> None:
    ProviderPolicy.objects.update_or_create(
        provider=casino.provider, defaults={"game_change": Permission.ALLOW}
    )
    table = Game.objects.get(game_code=TABLE)
    make_cover(Game.objects.get(game_code=SLOT))
    opened = open_session(
        player_ref="p-1001", provider_code="aurora", game_code=SLOT, now=casino.now
    )
    uncovered = casino.tentative("e-1", game_code=TABLE, session_token=opened.token)
    refused(casino, uncovered, "unknown_game", "game_not_served")
    there: dict[str, Any] = {
        "session_ref": opened.public_id,
        "needs_live_session": True,
        "game_code": TABLE,
    }
    answer = operations.ask_one(casino, operations.stake("s-1", **there), game_change="allow")
    assert answer[:2] == ("rejected", "game_not_served")
    played = casino.event("f-1", round_id="r-9", game_code=TABLE, session_token=opened.token)
    assert casino.send_one(played)["status"] == "accepted"

    make_cover(table)
    covered = casino.tentative("e-2", "r-2", game_code=TABLE, session_token=opened.token)
    assert casino.send_one(covered)["status"] == "tentative"
    bet = operations.stake("s-2", round_ref="r-3", **there)
    assert operations.ask_one(casino, bet, game_change="allow")[0] == "accepted"


def test_a_refused_stake_that_the_provider_played_all_the_same_is_recorded(
    casino: Casino,
) -> None:
    stake = casino.tentative("e-1", bet_amount="150.00", win_amount="0.00")
    refused(casino, stake, "insufficient_funds")
    result = casino.send_one(
        casino.event("e-1", round_id="r-1", bet_amount="150.00", win_amount="0.00")
    )
    assert (result["status"], result["code"], result["balance"]) == (
        "accepted",
        "overdrawn",
        "0.00",
    )
    assert lines("aurora:e-1") == [
        ("stake", "p-1001 cash", "gaming:aurora", 10_000),
        ("overdrawn", "receivable:p-1001", "gaming:aurora", 5_000),
    ]
    assert_ledger_holds()


def test_a_player_of_another_currency_keeps_its_own_exponent(casino: Casino) -> None:
    tokyo = open_player("p-jp", cash_minor=1_000, currency="JPY")
    event = casino.event(
        "e-1",
        player_id="p-jp",
        currency="JPY",
        bet_amount="200",
        win_amount="350",
        balance_before="1000",
        balance_after="1150",
    )
    assert casino.send_one(event)["balance"] == "1150"
    assert casino.pots(tokyo)["cash"] == 1_150


def test_an_amount_above_the_largest_is_refused_and_leaves_its_id_free(casino: Casino) -> None:
    for name in ("bet_amount", "win_amount"):
        too_much = casino.event("e-1", **{name: "1000000000000.01"})
        refused(casino, too_much, "bad_amount")
    largest = casino.event("e-1", win_amount="1000000000000.00")
    assert casino.send_one(largest)["status"] == "accepted"
    assert casino.pots()["cash"] == 10_000 - 200 + 10**14


def test_wins_beyond_the_largest_balance_are_refused_by_name_and_fail_no_neighbour(
    casino: Casino,
) -> None:
    deposit(casino.player, 10**17 - 5 * 10**13, key="large")
    played = casino.event("e-1")
    won = casino.event("e-2", win_amount="1000000000000.00")
    taken, too_much, after = casino.send(played, won, casino.event("e-3", win_amount="0.00"))
    assert (taken["status"], after["status"]) == ("accepted", "accepted")
    assert (too_much["status"], too_much["code"]) == ("rejected", "balance_too_large")
    assert casino.send_one(played)["status"] == "duplicate"
    refused(casino, won, "balance_too_large")
    assert casino.send_one(casino.rollback("b-1", "e-3"))["status"] == "accepted"
