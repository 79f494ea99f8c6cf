"""Stakes, wins and rollbacks of seamless wallets: what each does to the money, by policy."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.bonuses.models import Grant
from apps.bonuses.services.grants import grant_bonus
from apps.players.models import HourTally
from apps.providers.contracts import CanonicalQuery
from apps.providers.enums import (
    LateStake,
    Operation,
    Permission,
    RefundAmount,
    RefusedStakeReplay,
    RepeatedBalance,
    RollbackOfWin,
    StakeSettles,
    TransactionScope,
    WinWithoutStake,
)
from apps.providers.models import ProviderPolicy
from apps.rounds.models import Round, RoundEvent
from tests.bonuses.makers import make_rule
from tests.gateway.builders import (
    Casino,
    assert_ledger_holds,
    deposit,
    everything,
    lines,
    open_player,
)
from tests.gateway.operations_makers import ask, ask_one, reward, rollback, sealed, stake, win


def cash(casino: Casino) -> int:
    return casino.pots()["cash"]


def state_of(round_ref: str = "r-1") -> str:
    return str(Round.objects.get(round_ref=round_ref).state)


def give_bonus(casino: Casino, rule_code: str, deposit_minor: int) -> None:
    grant_bonus(
        player_id=casino.player.pk,
        rule_code=rule_code,
        deposit_minor=deposit_minor,
        acting_user=None,
        idempotency_key="g-1",
        now=casino.now,
    )


def test_a_stake_is_held_until_its_round_closes_and_the_win_is_playable_at_once(
    casino: Casino,
) -> None:
    assert ask_one(casino, stake("b-1")) == ("accepted", "", 9_800)
    assert casino.pots() | {"cash": 0} == {"cash": 0, "bonus": 0, "held": 200, "pending": 0}
    assert ask_one(casino, win("w-1")) == ("accepted", "", 10_150)
    assert state_of() == "open"
    assert ask_one(casino, win("w-2", 0, finalized=True)) == ("accepted", "", 10_150)
    assert casino.pots() == {"cash": 10_150, "bonus": 0, "held": 0, "pending": 0}
    assert state_of() == "settled"
    assert_ledger_holds()


def test_a_stake_that_is_taken_at_once_is_never_held(casino: Casino) -> None:
    ask(casino, stake("b-1"), stake_settles=StakeSettles.AT_ONCE)
    assert casino.pots() == {"cash": 9_800, "bonus": 0, "held": 0, "pending": 0}
    assert [kind for kind, *_ in lines("aurora:b-1")] == ["stake"]


def test_the_same_stake_twice_is_one_debit_even_when_it_emptied_the_account(
    casino: Casino,
) -> None:
    assert ask_one(casino, stake("b-1", 10_000)) == ("accepted", "", 0)
    assert ask_one(casino, stake("b-1", 10_000)) == ("duplicate", "", 0)
    assert cash(casino) == 0
    assert ask_one(casino, stake("b-2", 1)) == ("rejected", "insufficient_funds", 0)


def test_the_same_id_with_another_amount_is_a_conflict(casino: Casino) -> None:
    ask(casino, stake("b-1"))
    before = everything()
    assert ask_one(casino, stake("b-1", 300)) == ("conflict", "", 9_800)
    assert ask_one(casino, stake("b-1", round_ref="r-2"))[0] == "conflict"
    assert everything() == before


def test_a_refused_stake_stays_refused_when_money_arrives(casino: Casino) -> None:
    assert ask_one(casino, stake("b-1", 20_000))[:2] == ("rejected", "insufficient_funds")
    deposit(casino.player, 20_000, key="more")
    assert ask_one(casino, stake("b-1", 20_000))[:2] == ("rejected", "insufficient_funds")
    assert cash(casino) == 30_000


def test_a_refused_stake_is_judged_again_where_the_contract_says_so(casino: Casino) -> None:
    again = {"refused_stake_replay": RefusedStakeReplay.REEVALUATE}
    assert ask_one(casino, stake("b-1", 20_000), **again)[0] == "rejected"
    deposit(casino.player, 20_000, key="more")
    assert ask_one(casino, stake("b-1", 20_000), **again) == ("accepted", "", 10_000)
    assert ask_one(casino, stake("b-1", 20_000), **again)[0] == "duplicate"


def test_a_refused_stake_opens_no_round(casino: Casino) -> None:
    ask(casino, stake("b-1", 20_000))
    assert not Round.objects.exists()


def test_a_stake_into_a_closed_round_is_refused_unless_allowed(casino: Casino) -> None:
    ask(casino, stake("b-1"), win("w-1", finalized=True))
    assert ask_one(casino, stake("b-2"))[:2] == ("rejected", "round_closed")
    allowed = ask_one(casino, stake("b-3"), stake_after_close=Permission.ALLOW)
    assert allowed == ("accepted", "late", 9_950)
    # Nothing closes the round a second time, so the stake is taken and not held.
    assert casino.pots() == {"cash": 9_950, "bonus": 0, "held": 0, "pending": 0}
    assert (state_of(), casino.stored("b-3").money_state) == ("settled", "settled")
    back = rollback("x-3", "b-3")
    assert ask_one(casino, back, rollback_after_win=Permission.ALLOW)[:2] == ("accepted", "")
    assert casino.pots()["cash"] == 10_150
    assert_ledger_holds()


def test_a_late_win_into_a_closed_round_is_paid_and_flagged_unless_refused(casino: Casino) -> None:
    ask(casino, stake("b-1"), win("w-1", 0, finalized=True))
    assert ask_one(casino, win("w-2")) == ("accepted", "late", 10_150)
    refused = ask_one(casino, win("w-3"), win_after_close=Permission.REFUSE)
    assert refused == ("rejected", "round_closed", 10_150)


def test_a_stake_that_closes_its_round_is_a_loss_at_once(casino: Casino) -> None:
    ask(casino, stake("b-1", finalized=True))
    assert casino.pots() == {"cash": 9_800, "bonus": 0, "held": 0, "pending": 0}
    assert state_of() == "settled"


def test_a_rollback_of_a_held_stake_releases_it(casino: Casino) -> None:
    ask(casino, stake("b-1"))
    assert ask_one(casino, rollback("x-1", "b-1")) == ("accepted", "", 10_000)
    assert casino.pots() == {"cash": 10_000, "bonus": 0, "held": 0, "pending": 0}
    assert ask_one(casino, rollback("x-1", "b-1"))[0] == "duplicate"
    assert ask_one(casino, rollback("x-2", "b-1")) == ("accepted", "", 10_000)
    assert cash(casino) == 10_000
    assert state_of() == "rolled_back"
    assert_ledger_holds()


def test_only_the_stake_that_is_named_comes_back_and_the_round_goes_on(casino: Casino) -> None:
    ask(casino, stake("b-1", 100), stake("b-2", 300), stake("b-3", 500))
    ask(casino, rollback("x-1", "b-2"))
    assert casino.pots()["held"] == 600
    assert ask_one(casino, win("w-1", 700, reference_event_id="b-3")) == ("accepted", "", 10_100)
    assert state_of() == "open"


def test_a_rollback_that_closes_its_round_captures_what_still_stands(casino: Casino) -> None:
    ask(casino, stake("b-1", 100), stake("b-2", 300))
    ask(casino, rollback("x-1", "b-2", finalized=True))
    assert casino.pots() == {"cash": 9_900, "bonus": 0, "held": 0, "pending": 0}
    assert state_of() == "settled"


def test_a_rollback_that_cancels_and_closes_lets_no_stake_in_any_more(casino: Casino) -> None:
    ask(casino, stake("b-1"), rollback("x-1", "b-1", finalized=True))
    assert ask_one(casino, stake("b-2"))[:2] == ("rejected", "round_closed")


def test_a_rollback_before_its_stake_leaves_a_tombstone(casino: Casino) -> None:
    assert ask_one(casino, rollback("x-1", "b-1")) == ("accepted", "unknown_target", 10_000)
    assert ask_one(casino, stake("b-1")) == ("accepted", "late", 10_000)
    assert casino.pots()["held"] == 0
    ask(casino, rollback("x-2", "b-2"))
    refused = ask_one(casino, stake("b-2"), late_stake=LateStake.REFUSE)
    assert refused == ("rejected", "rolled_back", 10_000)


def test_a_rollback_of_a_refused_stake_moves_nothing(casino: Casino) -> None:
    ask(casino, stake("b-1", 20_000))
    assert ask_one(casino, rollback("x-1", "b-1"))[0] == "accepted"
    assert cash(casino) == 10_000


def test_a_rollback_of_another_players_stake_is_no_success(casino: Casino) -> None:
    open_player("p-2", cash_minor=500)
    ask(casino, stake("b-1"))
    before = everything()
    theirs = rollback("x-1", "b-1", player_ref="p-2")
    assert ask_one(casino, theirs) == ("rejected", "session_mismatch", 500)
    assert everything() == before
    assert not RoundEvent.objects.filter(event_id="x-1").exists()
    assert ask_one(casino, rollback("x-1", "b-1")) == ("accepted", "", 10_000)


def test_a_rollback_after_the_win_is_refused_unless_allowed(casino: Casino) -> None:
    ask(casino, stake("b-1"), win("w-1", finalized=True))
    before = everything()
    assert ask_one(casino, rollback("x-1", "b-1"))[:2] == ("rejected", "already_settled")
    assert everything() == before
    allowed = {"rollback_after_win": Permission.ALLOW}
    assert ask_one(casino, rollback("x-1", "b-1"), **allowed) == ("accepted", "", 10_350)


def test_a_win_in_the_same_batch_settles_the_stake_for_a_rollback_after_it(casino: Casino) -> None:
    found = ask(casino, stake("b-1"), win("w-1", finalized=True), rollback("x-1", "b-1"))
    assert [outcome.code for outcome in found] == ["", "", "already_settled"]


def test_a_stake_that_closed_its_round_by_itself_can_still_be_rolled_back(casino: Casino) -> None:
    ask(casino, stake("b-1", finalized=True))
    assert ask_one(casino, rollback("x-1", "b-1", finalized=True)) == ("accepted", "", 10_000)
    assert_ledger_holds()


def test_the_original_amount_is_returned_and_another_one_flagged_or_refused(
    casino: Casino,
) -> None:
    ask(casino, stake("b-1"), stake("b-2"))
    found = ask_one(casino, rollback("x-1", "b-1", refund_minor=150))
    assert found == ("accepted", "amount_differs", 9_800)
    strict = {"refund_amount": RefundAmount.MUST_MATCH}
    assert ask_one(casino, rollback("x-2", "b-2", refund_minor=150), **strict)[:2] == (
        "rejected",
        "amount_mismatch",
    )
    assert ask_one(casino, rollback("x-2", "b-2", refund_minor=200), **strict)[0] == "accepted"


@pytest.mark.parametrize(
    ("policy", "answer"),
    [
        (RollbackOfWin.REFUSE, ("rejected", "not_refundable", 10_150)),
        (RollbackOfWin.ALLOW, ("accepted", "", 9_800)),
    ],
)
def test_a_rollback_of_a_win_is_the_contracts_to_decide(
    casino: Casino, policy: RollbackOfWin, answer: tuple[str, str, int]
) -> None:
    ask(casino, stake("b-1"), win("w-1", finalized=True))
    assert ask_one(casino, rollback("x-1", "w-1"), rollback_of_win=policy) == answer
    assert_ledger_holds()


def test_a_win_already_spent_is_taken_back_only_as_a_receivable(casino: Casino) -> None:
    ask(casino, stake("b-1"), win("w-1", finalized=True), stake("b-2", 10_100, round_ref="r-2"))
    kept = ask_one(casino, rollback("x-1", "w-1"), rollback_of_win=RollbackOfWin.ALLOW)
    assert kept == ("rejected", "not_refundable", 50)
    owed = ask_one(casino, rollback("x-1", "w-1"), rollback_of_win=RollbackOfWin.RECEIVABLE)
    assert owed == ("accepted", "overdrawn", 0)
    assert_ledger_holds()


def test_a_win_is_refundable_only_out_of_the_pots_it_went_to(casino: Casino) -> None:
    ask(casino, stake("b-1"), win("w-1", finalized=True), stake("b-2", 10_100, round_ref="r-2"))
    rule = make_rule(percent_bp=10_000, requirement_multiple=Decimal("1.00"), max_bet_minor=500)
    give_bonus(casino, rule.code, 2_000)
    # 0.50 cash and 20.00 bonus are there; the win of 3.50 went to cash and is 3.00 short.
    refused = ask_one(casino, rollback("x-1", "w-1"), rollback_of_win=RollbackOfWin.ALLOW)
    assert refused == ("rejected", "not_refundable", 2_050)
    assert casino.pots() == {"cash": 50, "bonus": 2_000, "held": 10_100, "pending": 0}
    deposit(casino.player, 300, key="d-1")
    allowed = ask_one(casino, rollback("x-1", "w-1"), rollback_of_win=RollbackOfWin.ALLOW)
    assert allowed == ("accepted", "", 2_000)
    assert_ledger_holds()


def test_a_rolled_back_reward_leaves_the_hour_it_was_counted_in(casino: Casino) -> None:
    prize = reward("p-1", 500, game_code="", round_ref="p-1")
    ask(casino, prize)
    assert HourTally.objects.get().won_minor == 500
    back = rollback("x-1", "p-1", round_ref="x-1")
    taken = ask_one(casino, back, rollback_of_win=RollbackOfWin.ALLOW)
    assert taken == ("accepted", "", 10_000)
    assert HourTally.objects.get().won_minor == 0


def test_a_bonus_past_its_end_is_not_shown_although_nobody_has_forfeited_it_yet(
    casino: Casino,
) -> None:
    rule = make_rule(percent_bp=10_000, requirement_multiple=Decimal("1.00"), max_bet_minor=500)
    give_bonus(casino, rule.code, 2_000)
    question = CanonicalQuery(player_ref="p-1001")
    assert ask_one(casino, question) == ("accepted", "", 12_000)
    casino.now = Grant.objects.get().expires_at
    assert ask_one(casino, question) == ("accepted", "", 10_000)
    assert casino.pots()["bonus"] == 2_000
    taken = ask_one(casino, stake("b-1", occurred_at=casino.now))
    assert taken == ("accepted", "", 9_800)


def test_a_win_of_a_rolled_back_stake_is_refused(casino: Casino) -> None:
    ask(casino, stake("b-1"), rollback("x-1", "b-1"))
    assert ask_one(casino, win("w-1"))[:2] == ("rejected", "stake_rolled_back")
    named = win("w-2", reference_event_id="b-1")
    assert ask_one(casino, named)[:2] == ("rejected", "stake_rolled_back")
    assert cash(casino) == 10_000


def test_a_win_before_its_stake_is_refused_and_taken_when_it_comes_again(casino: Casino) -> None:
    early = win("w-1", reference_event_id="b-1", finalized=True)
    assert ask_one(casino, early)[:2] == ("rejected", "unknown_stake")
    ask(casino, stake("b-1"))
    assert ask_one(casino, early) == ("accepted", "", 10_150)


def test_a_promotional_win_needs_no_stake_where_the_contract_allows_it(casino: Casino) -> None:
    promo = {"win_without_stake": WinWithoutStake.PROMO}
    assert ask_one(casino, win("w-1"), **promo)[:2] == ("rejected", "unknown_stake")
    assert ask_one(casino, win("w-2", round_type="free_spin"), **promo) == ("accepted", "", 10_350)


def test_three_wins_of_one_round_are_all_paid_and_each_only_once(casino: Casino) -> None:
    ask(casino, stake("b-1"))
    ask(casino, win("w-1", 100), win("w-2", 100), win("w-3", 100, finalized=True))
    ask(casino, win("w-1", 100), win("w-2", 100), win("w-3", 100, finalized=True))
    assert cash(casino) == 10_100


def test_a_free_stake_moves_nothing_and_counts_nothing(casino: Casino) -> None:
    free = stake("b-1", 0, is_free=True, round_type="free_spin")
    assert ask_one(casino, free) == ("accepted", "", 10_000)
    assert ask_one(casino, win("w-1", 120, is_free=True, finalized=True))[2] == 10_120
    assert RoundEvent.objects.get(event_id="b-1").is_free


def test_a_stake_of_nothing_is_the_contracts_to_decide(casino: Casino) -> None:
    assert ask_one(casino, stake("b-1", 0))[0] == "accepted"
    refused = ask_one(casino, stake("b-2", 0), zero_stake=Permission.REFUSE)
    assert refused[:2] == ("rejected", "bad_amount")


@pytest.mark.parametrize("away", [timedelta(hours=-49), timedelta(minutes=6)])
def test_a_stake_of_another_time_is_refused_and_money_back_is_booked_now(
    casino: Casino, away: timedelta
) -> None:
    then = casino.now + away
    assert ask_one(casino, stake("b-1", occurred_at=then))[:2] == ("rejected", "clock_skew")
    ask(casino, stake("b-1"))
    assert ask_one(casino, win("w-1", finalized=True, occurred_at=then))[0] == "accepted"
    assert RoundEvent.objects.get(event_id="w-1").occurred_at == casino.now


def test_a_reward_is_paid_once_without_a_round_or_a_session(casino: Casino) -> None:
    prize = reward("p-1", game_code="", round_ref="p-1")
    assert ask_one(casino, prize) == ("accepted", "", 10_500)
    assert ask_one(casino, prize)[0] == "duplicate"
    assert not Round.objects.exists()
    assert_ledger_holds()


def test_a_jackpot_above_its_win_is_refused(casino: Casino) -> None:
    ask(casino, stake("b-1"))
    assert ask_one(casino, win("w-1", 100, jackpot_minor=101))[:2] == ("rejected", "bad_amount")
    assert ask_one(casino, win("w-1", 100, jackpot_minor=100))[0] == "accepted"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"player_ref": "p-none"}, "unknown_player"),
        ({"currency": "EUR"}, "wrong_currency"),
        ({"game_code": "none"}, "unknown_game"),
    ],
)
def test_what_can_not_be_booked_is_refused_and_leaves_its_id_free(
    casino: Casino, changes: dict[str, Any], code: str
) -> None:
    before = everything()
    assert ask_one(casino, stake("b-1", **changes))[:2] == ("rejected", code)
    assert everything() == before
    assert ask_one(casino, stake("b-1"))[0] == "accepted"


def test_a_question_moves_nothing_and_tells_the_balance(casino: Casino) -> None:
    ask(casino, stake("b-1"))
    before = everything()
    assert ask_one(casino, CanonicalQuery("p-1001")) == ("accepted", "", 9_800)
    assert ask_one(casino, CanonicalQuery("p-1001", currency="AUD")) == ("accepted", "", 9_800)
    assert ask_one(casino, CanonicalQuery("p-none"))[:2] == ("rejected", "unknown_player")
    assert ask_one(casino, CanonicalQuery("p-1001", currency="EUR"))[1] == "wrong_currency"
    assert everything() == before


def test_an_unknown_session_stops_what_only_it_could_name(casino: Casino) -> None:
    nameless = stake("b-1", player_ref="", session_ref="none", needs_live_session=True)
    assert ask_one(casino, nameless)[:2] == ("rejected", "unknown_session")
    named = stake("b-2", session_ref="none", needs_live_session=True)
    assert ask_one(casino, named)[:2] == ("rejected", "unknown_session")


def test_a_known_stake_is_a_repeat_even_after_its_session_ended(casino: Casino) -> None:
    ask(casino, stake("b-1"))
    again = stake("b-1", session_ref="gone", needs_live_session=True)
    first = stake("b-1").fingerprint
    assert first == again.fingerprint == ""
    known = RoundEvent.objects.get(event_id="b-1").fingerprint
    found = ask_one(casino, replace(again, fingerprint=known))
    assert found == ("duplicate", "", 9_800)


def test_an_id_of_another_player_is_a_conflict_and_tells_no_balance_of_theirs(
    casino: Casino,
) -> None:
    open_player("p-2", cash_minor=500)
    ask(casino, stake("b-1"))
    known = RoundEvent.objects.get(event_id="b-1").fingerprint
    theirs = stake("b-1", player_ref="p-2", fingerprint=known)
    assert ask_one(casino, theirs) == ("conflict", "", 500)


def test_two_stakes_of_one_round_are_measured_against_the_bonus_maximum_together(
    casino: Casino,
) -> None:
    rule = make_rule(percent_bp=10_000, requirement_multiple=Decimal("1.00"), max_bet_minor=500)
    give_bonus(casino, rule.code, 2_000)
    assert ask_one(casino, stake("b-1", 300))[0] == "accepted"
    assert ask_one(casino, stake("b-2", 300))[:2] == ("rejected", "max_bet")
    assert ask_one(casino, stake("b-3", 200))[0] == "accepted"


def test_money_back_that_names_its_player_needs_no_session(casino: Casino) -> None:
    ask(casino, stake("b-1"))
    assert ask_one(casino, win("w-1", session_ref="none"))[0] == "accepted"


@pytest.mark.parametrize("amounts", RefundAmount.values)
def test_what_a_free_stake_was_worth_is_no_amount_to_return(casino: Casino, amounts: str) -> None:
    assert ask_one(casino, stake("b-1", 0, is_free=True))[0] == "accepted"
    back = rollback("x-1", "b-1", refund_minor=20)
    assert ask_one(casino, back, refund_amount=amounts) == ("accepted", "", 10_000)
    assert (state_of(), cash(casino)) == ("rolled_back", 10_000)


@pytest.mark.parametrize("finalized", [False, True])
def test_a_round_in_which_something_stands_again_is_rolled_back_no_more(
    casino: Casino, finalized: bool
) -> None:
    allow = {"win_without_stake": WinWithoutStake.ALLOW}
    ask(casino, stake("b-1"))
    ask(casino, rollback("x-1", "b-1", finalized=finalized))
    assert state_of() == "rolled_back"
    late = win("w-1", 350, reference_event_id="b-unseen")
    assert ask_one(casino, late, **allow) == ("accepted", "late" if finalized else "", 10_350)
    assert state_of() == ("settled" if finalized else "open")
    assert_ledger_holds()


def test_a_repeat_tells_the_stored_balance_or_the_current_one(casino: Casino) -> None:
    ask(casino, stake("b-1"), stake("b-2"))
    assert ask_one(casino, stake("b-1")) == ("duplicate", "", 9_800)
    current = {"repeated_balance": RepeatedBalance.CURRENT}
    assert ask_one(casino, stake("b-1"), **current) == ("duplicate", "", 9_600)
    # A session that nobody knows names no player, whose balance of now was not read then.
    unnamed = replace(sealed(stake("b-1")), player_ref="")
    assert ask_one(casino, unnamed, **current) == ("duplicate", "", 9_800)


def test_one_id_may_name_a_stake_and_its_win_where_ids_are_per_operation(casino: Casino) -> None:
    scope = {"transaction_scope": TransactionScope.OPERATION}
    ProviderPolicy.objects.filter(provider=casino.provider).update(**scope)
    assert ask_one(casino, stake("t-1"), **scope)[0] == "accepted"
    both = win("t-1", reference_event_id="t-1", finalized=True)
    assert ask_one(casino, both, **scope) == ("accepted", "", 10_150)


def test_a_stake_found_in_the_store_is_not_charged_later(casino: Casino) -> None:
    found = ask_one(casino, stake("b-1"), is_swept=True)
    assert found == ("rejected", "ledger_unavailable", 10_000)
    assert ask_one(casino, rollback("x-1", "b-1"))[0] == "accepted"
    assert cash(casino) == 10_000


def test_a_win_found_in_the_store_is_paid_late(casino: Casino) -> None:
    ask(casino, stake("b-1"))
    assert ask_one(casino, win("w-1", finalized=True), is_swept=True)[0] == "accepted"
    assert cash(casino) == 10_150


def test_events_say_which_operation_they_were(casino: Casino) -> None:
    ask(casino, stake("b-1"), win("w-1", finalized=True))
    kinds = RoundEvent.objects.order_by("pk").values_list("event_id", "operation")
    assert list(kinds) == [("b-1", Operation.STAKE), ("w-1", Operation.WIN)]
