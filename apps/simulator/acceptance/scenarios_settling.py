"""Scenarios 13 to 26: what wins and rollbacks may do to each other, zero amounts, free rounds."""

from typing import Final

from apps.providers.enums import FreeRounds, Permission, RollbackOfWin, WinWithoutStake
from apps.simulator.acceptance.scenario import Collection
from apps.simulator.acceptance.table import Table

SCENARIOS: Final = Collection()
POINTS_AT_NOTHING: Final = "a rollback points at no message, only at its round"
PLAYED_IS_FINAL: Final = "a native final event states a round that was played, and is recorded"


@SCENARIOS(13, "A rollback comes after a win settled its bet: refused unless the policy allows it.")
def rollback_after_win(table: Table) -> None:
    seat = table.seat(10_000)
    if table.dialect.name == "native":
        played = table.played(seat, 150, 400)
        table.taken(played, "the round")
        table.taken(table.rollback(played), "the rollback of the round, stake and win")
        table.expect_money(seat, 10_000, "after it")
        return
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    table.taken(table.win(bet, 400), "the win")
    table.expect_money(seat, 10_250, "after the win")
    if table.policy.rollback_after_win == Permission.ALLOW:
        table.taken(table.rollback(bet), "the rollback")
        table.expect_money(seat, 10_400, "after it")
        return
    with table.moving_nothing(seat, "the rollback"):
        answer = table.send(table.rollback(bet))
    table.expect_refused(answer, "already_settled", "the rollback")


@SCENARIOS(
    14,
    "A rollback points at a win: by policy, and without harm.",
    not_for={"iplaygames-own": POINTS_AT_NOTHING},
)
def rollback_of_a_win(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    win = table.win(bet, 400)
    table.staked(bet, "the bet")
    table.taken(win, "the win")
    table.expect_money(seat, 10_250, "after the win")
    if table.policy.rollback_of_win == RollbackOfWin.REFUSE:
        with table.moving_nothing(seat, "the rollback of the win"):
            table.send(table.rollback(win))
        return
    table.taken(table.rollback(win), "the rollback of the win")
    table.expect_money(seat, 9_850, "after it")


@SCENARIOS(15, "A bet that was refused is rolled back: success, and nothing moves.")
def rollback_of_a_refused_bet(table: Table) -> None:
    table.need_own_funds()
    seat = table.seat(100)
    bet = table.stake(seat, 150)
    with table.moving_nothing(seat, "bet and rollback"):
        table.expect_refused(table.send(bet), "insufficient_funds", "the bet above the balance")
        answer = table.taken(table.rollback(bet), "the rollback")
    table.expect_shown(answer, 100, "the rollback")


@SCENARIOS(
    16, "A win comes after its bet was rolled back: refused.", not_for={"native": PLAYED_IS_FINAL}
)
def win_after_rollback(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    table.taken(table.rollback(bet), "the rollback")
    with table.moving_nothing(seat, "the win"):
        answer = table.send(table.win(bet, 400))
    table.expect_refused(answer, "bet_rolled_back", "the win")


@SCENARIOS(
    17, "A win comes whose bet never existed: by policy.", not_for={"native": PLAYED_IS_FINAL}
)
def win_without_bet(table: Table) -> None:
    seat = table.seat(10_000)
    win = table.win(table.stake(seat, 150), 400)
    if table.policy.win_without_stake == WinWithoutStake.ALLOW:
        table.taken(win, "the win")
        table.expect_money(seat, 10_400, "after it")
        return
    with table.moving_nothing(seat, "the win"):
        answer = table.send(win)
    table.expect_refused(answer, "unknown_bet", "the win")


@SCENARIOS(18, "One win comes twice, and three wins come in one round: each is paid once.")
def several_wins(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    win = table.win(bet, 100, closes=False)
    first = table.taken(win, "the first win")
    with table.moving_nothing(seat, "the first win again"):
        table.expect_repeat(first, table.send(win), "the first win again")
    table.taken(table.win(bet, 200, closes=False), "the second win")
    last = table.taken(table.win(bet, 300), "the third win")
    table.expect_shown(last, 10_450, "the third win")
    table.expect_money(seat, 10_450, "after all")


SCENARIOS.elsewhere(
    19,
    "Two different wins for a bet that may be settled once: the second is refused.",
    "rounds of these protocols may hold several wins (scenario 18); Evolution's bets may not",
)


@SCENARIOS(20, "A win of zero: the bet is lost, and its round is closed.")
def zero_win(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    answer = table.taken(table.win(bet, 0), "the win of zero")
    table.expect_shown(answer, 9_850, "the win of zero")
    table.expect_money(seat, 9_850, "after it")
    table.expect_held(seat, 0, "after it")
    kinds = table.bench.books(seat).lines
    table.check("lines of a win", 0, kinds["win"] + kinds["settle_win"] + kinds["pend"])


@SCENARIOS(21, "A bet of zero: the balance stays.")
def zero_bet(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 0)
    with table.moving_nothing(seat, "the bet of zero"):
        answer = table.send(bet)
    if table.policy.zero_stake == Permission.REFUSE:
        table.expect_refused(answer, "bad_amount", "the bet of zero")
        return
    table.expect_success(answer, "the bet of zero")
    table.expect_shown(answer, 10_000, "the bet of zero")
    table.taken(table.win(bet, 400), "the win of its round")
    table.expect_money(seat, 10_400, "after the win")


@SCENARIOS(22, "A win of zero before a bet of zero, and the refund of a bet of zero.")
def zero_amounts_out_of_order(table: Table) -> None:
    if table.policy.zero_stake == Permission.REFUSE:
        table.skip("the provider's policy refuses bets of zero")
    seat = table.seat(10_000)
    bet, refunded = table.stake(seat, 0), table.stake(seat, 0)
    with table.moving_nothing(seat, "all of it"):
        if table.policy.win_without_stake == WinWithoutStake.ALLOW:
            table.taken(table.win(bet, 0, closes=False), "the win of zero")
        table.staked(bet, "the bet of zero")
        table.staked(refunded, "another bet of zero")
        answer = table.taken(table.rollback(refunded), "its refund")
    table.expect_shown(answer, 10_000, "its refund")


@SCENARIOS(
    23,
    "Free bets and wins are information; one final win pays.",
    not_for=dict.fromkeys(
        ("native", "hub88", "caleta", "iplaygames", "iplaygames-own"),
        "each free win is paid as it comes",
    ),
)
def free_rounds_for_information(table: Table) -> None:
    seat = table.seat(10_000)
    with table.moving_nothing(seat, "bets and wins of the campaign"):
        for amount_minor in (300, 0, 940):
            bet = table.stake(seat, 20, is_free=True, campaign="fr_777")
            table.staked(bet, "a free bet")
            win = table.win(bet, amount_minor, is_free=True, campaign="fr_777")
            table.expect_shown(table.taken(win, "a free win"), 10_000, "a free win")
    last = table.stake(seat, 20, is_free=True, campaign="fr_777")
    payout = table.taken(table.win(last, 1_240, campaign="fr_777"), "the payout")
    table.expect_shown(payout, 11_240, "the payout")
    table.expect_money(seat, 11_240, "after the payout")


@SCENARIOS(
    24,
    "A free bet with an amount and an empty account: success, and no cash is touched.",
    not_for={"native": "a native free spin is sent with a bet of zero (scenario 21)"},
)
def free_bet_with_an_amount(table: Table) -> None:
    seat = table.seat(0)
    bet = table.stake(seat, 500, is_free=True, campaign="fr_1")
    with table.moving_nothing(seat, "the free bet"):
        table.expect_shown(table.staked(bet, "the free bet"), 0, "the free bet")
    win = table.win(bet, 700, is_free=True, campaign="fr_1")
    table.taken(win, "its win")
    is_paid = table.policy.free_rounds == FreeRounds.PER_SPIN
    table.expect_money(seat, 700 if is_paid else 0, "after its win")


@SCENARIOS(25, "One of several bets of a round is rolled back: only that one comes back.")
def one_of_several_bets(table: Table) -> None:
    seat = table.seat(10_000)
    first = table.stake(seat, 100)
    table.staked(first, "the bet")
    second = table.stake(seat, 200, round_id=first.round_id)
    table.staked(second, "the second bet")
    third = table.stake(seat, 300, round_id=first.round_id)
    table.staked(third, "the third bet")
    answer = table.taken(table.rollback(second), "the rollback of the second")
    table.expect_shown(answer, 9_600, "the rollback of the second")
    table.expect_money(seat, 9_600, "after the rollback")
    table.taken(table.win(third, 500), "the win")
    table.expect_money(seat, 10_100, "after the win")
    table.expect_held(seat, 0, "after the win")


@SCENARIOS(
    26,
    "Of fifteen bets of a round seven are paid, four are lost and four are cancelled.",
    not_for={"iplaygames-own": "which of several equal bets a rollback means, it doesn't say"},
)
def mixed_settlement(table: Table) -> None:
    seat = table.seat(10_000)
    first = table.stake(seat, 100)
    bets = [first, *(table.stake(seat, 100, round_id=first.round_id) for _ in range(14))]
    for place, bet in enumerate(bets, start=1):
        table.staked(bet, f"bet {place}")
    for bet in bets[:4]:
        table.taken(table.rollback(bet), "a cancellation")
    for bet in bets[4:10]:
        table.taken(table.win(bet, 250, closes=False), "a win")
    last = table.taken(table.win(bets[10], 250), "the last win")
    table.expect_shown(last, 10_650, "the last win")
    table.expect_money(seat, 10_650, "after all")
    table.expect_held(seat, 0, "after all")
