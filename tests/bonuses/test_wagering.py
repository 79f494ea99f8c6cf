"""Counting and reversing bets in memory; the database side is in test_wagering_rows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.bonuses.contracts import Receipt, WageringState, WeightTable
from apps.bonuses.enums import GrantState, ReceiptReason
from apps.bonuses.services.wagering import count_bet, reverse_bet
from apps.bonuses.wording import explain

GRANTED = datetime(2026, 11, 18, tzinfo=UTC)
PLAYED = GRANTED + timedelta(hours=1)
WEIGHTS = WeightTable(
    games={"aurora-blackjack-01": 0, "aurora-live-07": 2_500},
    categories={"slot": 10_000, "roulette": 1_000, "blackjack": 500},
)


def a_state(
    remaining: int = 1_200_000,
    *,
    max_bet: int | None = 500,
    cap: int | None = None,
    weights: WeightTable = WEIGHTS,
) -> WageringState:
    return WageringState(
        grant_id=7,
        player_id=70,
        currency="AUD",
        remaining_minor=remaining,
        required_minor=1_200_000,
        rule_id=3,
        rule_version=2,
        max_bet_minor=max_bet,
        contribution_cap_minor=cap,
        weights=weights,
        granted_at=GRANTED,
        expires_at=GRANTED + timedelta(days=30),
        state=GrantState.ACTIVE,
    )


def a_bet(
    state: WageringState,
    stake: int = 200,
    *,
    game: str = "aurora-slot-01",
    category: str = "slot",
    subject: str = "aurora:e1",
    at: datetime = PLAYED,
) -> tuple[Receipt, WageringState]:
    return count_bet(
        state,
        subject=subject,
        game_code=game,
        category=category,
        stake_minor=stake,
        occurred_at=at,
    )


def test_a_slot_bet_counts_in_full_and_its_receipt_says_how() -> None:
    receipt, state = a_bet(a_state())
    assert (receipt.stake_minor, receipt.weight_bp, receipt.cap_minor) == (200, 10_000, None)
    assert (receipt.counted_minor, receipt.reason) == (200, ReceiptReason.COUNTED)
    assert (receipt.remaining_before_minor, receipt.remaining_after_minor) == (1_200_000, 1_199_800)
    assert receipt.rule_version == 2
    assert (state.remaining_minor, state.state) == (1_199_800, GrantState.ACTIVE)
    assert explain(receipt) == (
        "2.00 AUD on aurora-slot-01 counts 100 %: 2.00 AUD. 11,998.00 AUD remain."
    )


@pytest.mark.parametrize(
    ("game", "category", "weight_bp", "counted"),
    [
        ("aurora-slot-01", "slot", 10_000, 200),
        ("aurora-roulette-02", "roulette", 1_000, 20),
        ("aurora-blackjack-03", "blackjack", 500, 10),
        ("aurora-blackjack-01", "blackjack", 0, 0),  # the game's own line beats its category
        ("aurora-live-07", "live", 2_500, 50),  # a game counts where its category has no line
        ("aurora-baccarat-01", "baccarat", 0, 0),  # what has no line counts nothing
    ],
)
def test_each_game_counts_at_its_weight(
    game: str, category: str, weight_bp: int, counted: int
) -> None:
    receipt, _ = a_bet(a_state(), game=game, category=category)
    assert (receipt.weight_bp, receipt.counted_minor) == (weight_bp, counted)
    expected = ReceiptReason.COUNTED if weight_bp else ReceiptReason.ZERO_WEIGHT
    assert receipt.reason == expected


def test_the_maximum_bet_itself_counts_and_one_cent_more_counts_nothing() -> None:
    at_limit, _ = a_bet(a_state(), 500)
    over, state = a_bet(a_state(), 501)
    assert (at_limit.counted_minor, at_limit.reason) == (500, ReceiptReason.COUNTED)
    assert (over.counted_minor, over.reason) == (0, ReceiptReason.OVER_MAX_BET)
    assert state.remaining_minor == 1_200_000
    assert explain(over) == (
        "5.01 AUD is over the maximum bet of 5.00 AUD and counts nothing. 12,000.00 AUD remain."
    )


def test_the_cap_limits_what_a_stake_may_count_before_the_weight() -> None:
    slot, _ = a_bet(a_state(cap=100), 400)
    roulette, _ = a_bet(a_state(cap=100), 400, game="aurora-roulette-01", category="roulette")
    below, _ = a_bet(a_state(cap=100), 100)
    assert (slot.counted_minor, slot.reason) == (100, ReceiptReason.CAPPED)
    assert (roulette.counted_minor, roulette.reason) == (10, ReceiptReason.CAPPED)
    assert (below.counted_minor, below.reason) == (100, ReceiptReason.COUNTED)
    assert "at most 1.00 AUD may count" in explain(slot)


def test_the_last_bet_counts_only_what_was_left_and_completes_the_grant() -> None:
    receipt, state = a_bet(a_state(150), 200)
    assert (receipt.counted_minor, receipt.remaining_after_minor) == (150, 0)
    assert state.is_completed
    assert "which was all that was left" in explain(receipt)


def test_a_bet_after_completion_counts_nothing() -> None:
    _, state = a_bet(a_state(200), 200)
    receipt, after = a_bet(state, 200, subject="aurora:e2")
    assert (receipt.counted_minor, receipt.reason) == (0, ReceiptReason.REQUIREMENT_MET)
    assert after == state


def test_a_bet_counts_until_the_last_moment_before_expiry() -> None:
    expires_at = a_state().expires_at
    last, _ = a_bet(a_state(), at=expires_at - timedelta(microseconds=1))
    late, state = a_bet(a_state(), at=expires_at)
    assert last.counted_minor == 200
    assert (late.counted_minor, late.reason) == (0, ReceiptReason.EXPIRED)
    assert state.remaining_minor == 1_200_000


def test_a_bet_from_before_the_grant_counts_nothing() -> None:
    first, _ = a_bet(a_state(), at=GRANTED)
    early, _ = a_bet(a_state(), at=GRANTED - timedelta(microseconds=1))
    assert first.counted_minor == 200
    assert (early.counted_minor, early.reason) == (0, ReceiptReason.BEFORE_GRANT)


def test_a_free_spin_counts_nothing_and_completes_nothing() -> None:
    receipt, state = a_bet(a_state(), 0)
    assert (receipt.counted_minor, receipt.reason) == (0, ReceiptReason.NO_STAKE)
    assert state.state == GrantState.ACTIVE


def test_the_maximum_bet_applies_only_while_the_grant_is_open() -> None:
    state = a_state()
    assert state.is_open_at(GRANTED)
    assert not state.is_open_at(GRANTED - timedelta(seconds=1))
    assert not state.is_open_at(state.expires_at)
    assert not replace(state, state=GrantState.COMPLETED).is_open_at(PLAYED)


def test_a_rollback_returns_what_the_bet_counted_at_its_original_weight() -> None:
    receipt, state = a_bet(a_state(), 200, game="aurora-roulette-01", category="roulette")
    changed = replace(state, rule_version=9, weights=WeightTable({}, {"roulette": 10_000}))
    [reversal], after = reverse_bet(changed, [receipt])
    assert (reversal.counted_minor, reversal.weight_bp, reversal.rule_version) == (-20, 1_000, 2)
    assert (reversal.remaining_before_minor, reversal.remaining_after_minor) == (
        1_199_980,
        1_200_000,
    )
    assert reversal.is_reversal
    assert not reversal.is_flagged
    assert after is not None
    assert after.remaining_minor == 1_200_000
    assert explain(reversal) == (
        "The bet of 2.00 AUD was rolled back; the 0.20 AUD it had counted is required again. "
        "12,000.00 AUD remain."
    )


def test_a_second_rollback_of_the_same_bet_returns_nothing() -> None:
    receipt, state = a_bet(a_state())
    reversals, after = reverse_bet(state, [receipt])
    again, unchanged = reverse_bet(after, [receipt, *reversals])
    assert again == []
    assert unchanged == after


def test_a_rollback_after_completion_is_flagged_and_reopens_nothing() -> None:
    receipt, state = a_bet(a_state(200), 200)
    [reversal], after = reverse_bet(state, [receipt])
    assert after == state
    assert (reversal.counted_minor, reversal.unrecovered_minor) == (0, 200)
    assert (reversal.remaining_before_minor, reversal.remaining_after_minor) == (0, 0)
    assert reversal.is_flagged
    assert "2.00 AUD it had counted was not taken back" in explain(reversal)


def test_a_rollback_of_a_bet_of_a_former_grant_leaves_the_present_grant_alone() -> None:
    former, _ = a_bet(a_state(200), 200)
    present = replace(a_state(), grant_id=8)
    [reversal], after = reverse_bet(present, [former])
    assert after == present
    assert (reversal.grant_id, reversal.counted_minor, reversal.unrecovered_minor) == (7, 0, 200)


def test_a_rollback_of_a_bet_that_counted_nothing_is_not_flagged() -> None:
    receipt, state = a_bet(a_state(), 501)
    [reversal], after = reverse_bet(state, [receipt])
    assert (reversal.counted_minor, reversal.unrecovered_minor) == (0, 0)
    assert after == state


STAKES = st.integers(0, 2_000)


def _with_an_order(stakes: list[int]) -> st.SearchStrategy[tuple[list[int], list[int]]]:
    return st.tuples(st.just(stakes), st.permutations(range(len(stakes))).map(list))


GAMES: Mapping[str, str] = {
    "aurora-slot-01": "slot",
    "aurora-roulette-01": "roulette",
    "aurora-blackjack-01": "blackjack",
    "aurora-blackjack-02": "blackjack",
    "aurora-live-07": "live",
    "aurora-baccarat-01": "baccarat",
}


@given(
    bets=st.lists(st.tuples(STAKES, st.sampled_from(sorted(GAMES)), st.booleans()), max_size=40),
    required=st.integers(1, 5_000),
    cap=st.none() | st.integers(1, 600),
    max_bet=st.none() | st.integers(1, 1_500),
)
def test_receipts_always_add_up_to_what_was_done(
    bets: list[tuple[int, str, bool]], required: int, cap: int | None, max_bet: int | None
) -> None:
    state = a_state(required, cap=cap, max_bet=max_bet)
    receipts: list[Receipt] = []
    for number, (stake, game, rolled_back) in enumerate(bets):
        receipt, state = a_bet(
            state, stake, game=game, category=GAMES[game], subject=f"aurora:{number}"
        )
        assert receipt.counted_minor * 10_000 <= stake * receipt.weight_bp
        assert receipt.counted_minor <= receipt.remaining_before_minor
        assert cap is None or receipt.counted_minor <= cap
        assert max_bet is None or stake <= max_bet or receipt.counted_minor == 0
        receipts.append(receipt)
        if rolled_back:
            was_completed, before = state.is_completed, state.remaining_minor
            reversals, after = reverse_bet(state, [receipt])
            assert after is not None
            state = after
            receipts += reversals
            assert state.is_completed == was_completed
            expected = before if was_completed else receipt.remaining_before_minor
            assert state.remaining_minor == expected
        assert 0 <= state.remaining_minor <= required
        assert state.is_completed == (state.remaining_minor == 0)
    assert sum(receipt.counted_minor for receipt in receipts) == required - state.remaining_minor


@given(st.lists(STAKES, min_size=1, max_size=30).flatmap(_with_an_order))
def test_rolling_back_every_bet_in_any_order_returns_the_requirement_exactly(
    case: tuple[list[int], list[int]],
) -> None:
    stakes, order = case
    start = state = a_state(10**9)
    receipts = []
    for number, stake in enumerate(stakes):
        receipt, state = a_bet(state, stake, subject=f"aurora:{number}")
        receipts.append(receipt)
    for number in order:
        _, after = reverse_bet(state, [receipts[number]])
        assert after is not None
        state = after
    assert state == start
