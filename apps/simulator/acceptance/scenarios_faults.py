"""Scenarios 54 to 65: what fails, what is held, and what lies outside the wire."""

import time
from typing import Final

from apps.providers.enums import RollbackOfWin, StakeSettles, WalletModel
from apps.simulator.acceptance.scenario import Collection
from apps.simulator.acceptance.table import Table
from apps.simulator.dialects.contract import Verdict

SCENARIOS: Final = Collection()
LOST_ANSWER_SECONDS: Final = 3.0
RETRIES: Final = 25
STATEMENTS: Final = "it compares statements with the ledger, no message brings it about"


@SCENARIOS(54, "The ledger can't be reached during a bet: an answer that makes it come again.")
def ledger_out_of_reach(table: Table) -> None:
    if not table.may_stall:
        table.skip("it holds up every player of the gateway; only the kit's own is stalled")
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    with table.moving_nothing(seat, "the bet"), table.bench.locked_out(seat):
        answer = table.send(bet)
    # Parked says as much: stored, nothing taken, a later message decides.
    table.expect_verdict(answer, "the bet", Verdict.RETRYABLE, Verdict.PARKED)
    table.taken(table.rollback(bet), "the rollback that follows")
    table.expect_money(seat, 10_000, "after it")


@SCENARIOS(55, "The answer to a bet gets lost and the provider refunds: the bet comes back once.")
def lost_answer(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.client.send_and_hang_up(bet)
    deadline = time.monotonic() + LOST_ANSWER_SECONDS
    while table.bench.books(seat).playable_minor == 10_000 and time.monotonic() < deadline:
        time.sleep(0.02)
    rollback = table.rollback(bet)
    first = table.taken(rollback, "the refund")
    table.expect_money(seat, 10_000, "after it")
    table.expect_held(seat, 0, "after it")
    with table.moving_nothing(seat, "the refund again"):
        table.expect_repeat(first, table.send(rollback), "the refund again")


@SCENARIOS(56, "A refund is retried for weeks: always success, always once.")
def refund_retried(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    rollback = table.rollback(bet)
    first = table.taken(rollback, "the refund")
    with table.moving_nothing(seat, f"the refund {RETRIES} times more"):
        for _ in range(RETRIES):
            table.expect_repeat(first, table.send(rollback), "the refund again")
    table.expect_money(seat, 10_000, "after all")


@SCENARIOS(57, "A bet that was debited is never answered with a refusal, whatever has changed.")
def never_refused_after_the_debit(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    first = table.staked(bet, "the bet")
    table.bench.take_out(seat.player_ref, 9_850)
    table.expect_repeat(first, table.send(bet), "again, with no money left")
    table.bench.end_session(seat)
    table.expect_repeat(first, table.send(bet), "again, in an ended session")
    table.bench.self_exclude(seat)
    table.expect_repeat(first, table.send(bet), "again, for an excluded player")
    table.expect_money(seat, 0, "after all")


@SCENARIOS(58, "A held stake is captured to the cent, or released; a second release does nothing.")
def held_stakes(table: Table) -> None:
    model, settles = table.bench.wallet_model, table.policy.stake_settles
    if model != WalletModel.HOLD or settles != StakeSettles.AT_CLOSE:
        table.skip("the provider's stakes are taken at once")
    seat = table.seat(10_000)
    lost = table.stake(seat, 1_000)
    table.staked(lost, "a bet of 10.00")
    table.expect_held(seat, 1_000, "a bet of 10.00")
    table.taken(table.win(lost, 0), "a win of zero")
    table.expect_held(seat, 0, "a win of zero")
    first = table.stake(seat, 300)
    table.staked(first, "a bet of 3.00")
    second = table.stake(seat, 700, round_id=first.round_id)
    table.staked(second, "a bet of 7.00 beside it")
    table.taken(table.rollback(first), "the first released")
    table.expect_held(seat, 700, "the first released")
    with table.moving_nothing(seat, "released again"):
        table.taken(table.rollback(first), "released again")
    table.taken(table.win(second, 0), "the second captured")
    table.expect_held(seat, 0, "the second captured")
    table.expect_money(seat, 8_300, "after all")


SCENARIOS.elsewhere(
    59,
    "A transfer out times out: a status query decides, and no game starts meanwhile.",
    "we ask the provider here; none of its callbacks does it",
)
SCENARIOS.elsewhere(
    60, "The provider says declined, our ledger says settled: a break, not a match.", STATEMENTS
)
SCENARIOS.elsewhere(
    61, "A round log is pulled twice, overlapping or shuffled: no row twice.", STATEMENTS
)
SCENARIOS.elsewhere(
    62, "A row at 23:59:59.999, and a round over midnight: one day, everywhere.", STATEMENTS
)
SCENARIOS.elsewhere(
    63, "A row of a demo or test player: counted, and not in the net position.", STATEMENTS
)


@SCENARIOS(64, "A bet of bonus money is rolled back: the same pot, and wagering taken back.")
def bonus_bet_rolled_back(table: Table) -> None:
    if not table.bench.model.may_stake_bonus:
        table.skip("bonus money is not played at this provider")
    table.bench.bonuses.require_rule()
    seat = table.seat(0)
    table.bench.grant_bonus(seat, 5_000)
    before = table.bench.books(seat)
    wagered = table.bench.wagered_minor(seat)
    bet = table.stake(seat, 300)
    table.staked(bet, "a bet of bonus money")
    table.taken(table.rollback(bet), "the rollback")
    after = table.bench.books(seat)
    table.check("the bonus pot", before.bonus_minor, after.bonus_minor)
    table.check("what can be staked", before.playable_minor, after.playable_minor)
    table.check("what counts as wagered", wagered, table.bench.wagered_minor(seat))


@SCENARIOS(65, "A win that was withdrawn is rolled back: by policy, and no pot goes below zero.")
def rollback_of_a_withdrawn_win(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 100)
    win = table.win(bet, 5_000)
    table.staked(bet, "the bet")
    table.taken(win, "the win")
    table.bench.take_out(seat.player_ref, 14_900)
    rollback = table.rollback(win)
    if table.policy.rollback_of_win == RollbackOfWin.RECEIVABLE:
        table.taken(rollback, "the rollback of the win")
        table.expect_money(seat, 0, "after it")
        return
    with table.moving_nothing(seat, "the rollback of the win"):
        table.send(rollback)
