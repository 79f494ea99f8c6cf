"""Rounds that a provider left open."""

from datetime import timedelta

import pytest

from apps.core.models import OutboxMessage
from apps.gateway.services.sub_wallets import MoneyOrder, fund_sub_wallet
from apps.providers.enums import StakeSettles
from apps.providers.models import Provider
from apps.rounds.models import Round
from apps.rounds.services import stuck
from apps.rounds.services.stuck import sort_out_open_rounds
from apps.rounds.traffic import stuck_rounds
from tests.gateway.builders import Casino, assert_ledger_holds, everything, open_casino
from tests.gateway.operations_makers import ask, rollback, speak_iplaygames, stake, win

DAY = timedelta(hours=24)


@pytest.fixture
def casino() -> Casino:
    return open_casino()


def state_of(casino: Casino) -> str:
    return str(Round.objects.get(provider=casino.provider).state)


@pytest.mark.django_db
def test_a_round_that_holds_a_stake_is_flagged_after_a_day_and_told_of_once(
    casino: Casino,
) -> None:
    ask(casino, stake("b-1"))
    assert sort_out_open_rounds(now=casino.now + DAY) == (0, 0)
    assert sort_out_open_rounds(now=casino.now + DAY + timedelta(seconds=1)) == (0, 1)
    assert sort_out_open_rounds(now=casino.now + DAY + timedelta(hours=1)) == (0, 0)
    assert state_of(casino) == "stuck"
    assert casino.pots()["held"] == 200
    [told] = OutboxMessage.objects.filter(topic="rounds.stuck")
    assert told.payload == {"provider_id": casino.provider.pk, "count": 1}


@pytest.mark.django_db
def test_a_stuck_round_still_takes_its_win_and_its_rollback(casino: Casino) -> None:
    ask(casino, stake("b-1"), stake("b-2"))
    sort_out_open_rounds(now=casino.now + 2 * DAY)
    ask(casino, rollback("x-1", "b-1"))
    ask(casino, win("w-1", finalized=True))
    assert state_of(casino) == "settled"
    assert casino.pots() == {"cash": 10_150, "bonus": 0, "held": 0, "pending": 0}
    assert_ledger_holds()


@pytest.mark.django_db
@pytest.mark.parametrize("wallet_model", ["hold", "sub_wallet"])
def test_a_round_whose_stake_was_taken_at_once_is_flagged_and_moves_nothing_by_itself(
    casino: Casino, wallet_model: str
) -> None:
    if wallet_model == "sub_wallet":
        Provider.objects.update(wallet_model="sub_wallet")
        casino.provider.refresh_from_db()
        fund_sub_wallet(MoneyOrder(casino.player.pk, "aurora", 1_000, "AUD", "k"), now=casino.now)
    assert ask(casino, stake("b-1"), stake_settles="at_once")[0].status == "accepted"
    before = everything()
    assert sort_out_open_rounds(now=casino.now + DAY) == (0, 0)
    assert sort_out_open_rounds(now=casino.now + 2 * DAY) == (0, 1)
    assert sort_out_open_rounds(now=casino.now + 3 * DAY) == (0, 0)
    assert state_of(casino) == "stuck"
    assert everything() == before
    assert OutboxMessage.objects.filter(topic="rounds.stuck").count() == 1
    # It stands where a person looks for stuck rounds, and still takes its win.
    assert stuck_rounds(casino.now + 2 * DAY)[casino.provider.pk][0] == 1
    assert ask(casino, win("w-1", finalized=True))[0].code == ""
    assert state_of(casino) == "settled"
    assert_ledger_holds()


@pytest.mark.django_db
def test_a_round_of_which_nothing_stands_is_closed(casino: Casino) -> None:
    ask(casino, stake("b-1"), stake_settles="at_once")
    ask(casino, rollback("x-1", "b-1"))
    Round.objects.update(state="open")  # as one that only a refused message left behind
    assert sort_out_open_rounds(now=casino.now + 2 * DAY) == (1, 0)


@pytest.mark.django_db
def test_a_round_in_which_only_a_win_stands_is_closed_and_nobody_is_told(
    casino: Casino,
) -> None:
    Provider.objects.update(wallet_model="sub_wallet")
    casino.provider.refresh_from_db()
    [paid] = ask(casino, win("w-1", round_type="promo"), win_without_stake="allow")
    assert (paid.status, state_of(casino)) == ("accepted", "open")
    assert sort_out_open_rounds(now=casino.now + DAY) == (0, 0)
    before = everything()
    assert sort_out_open_rounds(now=casino.now + 2 * DAY) == (1, 0)
    assert state_of(casino) == "settled"
    assert everything() == before
    assert not OutboxMessage.objects.filter(topic="rounds.stuck").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("settles", ["at_close", "at_once"])
def test_a_round_with_a_free_stake_is_flagged_with_or_without_a_win(
    casino: Casino, settles: str
) -> None:
    ask(casino, stake("b-1", 0, is_free=True), win("w-1"), stake_settles=settles)
    assert Round.objects.get().stake_minor == 0
    assert sort_out_open_rounds(now=casino.now + 2 * DAY) == (0, 1)
    assert state_of(casino) == "stuck"


@pytest.mark.django_db
def test_a_round_of_one_event_is_flagged_where_its_final_form_is_missing(casino: Casino) -> None:
    Provider.objects.update(wallet_model="sub_wallet")
    casino.provider.refresh_from_db()
    fund_sub_wallet(MoneyOrder(casino.player.pk, "aurora", 1_000, "AUD", "k"), now=casino.now)
    casino.send_one(casino.tentative("e-1"))
    assert sort_out_open_rounds(now=casino.now + 2 * DAY) == (0, 1)


@pytest.mark.django_db
def test_where_no_message_ever_closes_a_round_it_is_closed_and_a_late_win_is_still_paid(
    casino: Casino,
) -> None:
    speak_iplaygames(casino)
    ask(casino, stake("b-1"), stake_settles="at_once")
    assert sort_out_open_rounds(now=casino.now + 2 * DAY) == (1, 0)
    assert state_of(casino) == "settled"
    [late] = ask(casino, win("w-1"))
    assert (late.status, late.code, late.balance_minor) == ("accepted", "late", 10_150)


@pytest.mark.django_db
def test_one_run_closes_and_flags_all_that_is_due_however_much(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stuck, "_AT_ONCE", 2)
    speak_iplaygames(casino)
    for number in range(5):
        at_once = stake(f"b-{number}", 10, round_ref=f"r-{number}")
        ask(casino, at_once, stake_settles=StakeSettles.AT_ONCE)
        ask(casino, stake(f"h-{number}", 10, round_ref=f"held-{number}"))
    late = casino.now + 2 * DAY
    monkeypatch.setattr(stuck, "_MOST_STEPS", 2)
    assert sort_out_open_rounds(now=late) == (4, 0)
    monkeypatch.setattr(stuck, "_MOST_STEPS", 100)
    assert sort_out_open_rounds(now=late) == (1, 5)
    assert sort_out_open_rounds(now=late) == (0, 0)
    told = OutboxMessage.objects.filter(topic="rounds.stuck").order_by("pk")
    assert [message.payload["count"] for message in told] == [2, 2, 1]


@pytest.mark.django_db
def test_what_is_held_is_flagged_also_where_no_message_ever_closes_a_round(
    casino: Casino,
) -> None:
    speak_iplaygames(casino)
    ask(casino, stake("b-1"))
    assert sort_out_open_rounds(now=casino.now + 2 * DAY) == (0, 1)
    assert casino.pots()["held"] == 200
