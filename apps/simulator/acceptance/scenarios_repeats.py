"""Scenarios 1 to 12: repetition, conflict, and rollbacks that come early, late or often."""

from dataclasses import replace
from typing import Final

from apps.providers.enums import LateStake, RefundAmount, TransactionScope, UnknownRollback
from apps.simulator.acceptance.scenario import Collection
from apps.simulator.acceptance.table import Table
from apps.simulator.dialects.contract import Move, Seat, Verdict

SCENARIOS: Final = Collection()


@SCENARIOS(1, "The same bet comes twice, one after the other: one debit.")
def same_bet_twice(table: Table) -> None:
    seat = table.seat(10_000)
    before = table.bench.books(seat)
    bet = table.stake(seat, 150)
    first = table.staked(bet, "the bet")
    table.expect_shown(first, 9_850, "the bet")
    again = table.send(bet)
    table.expect_repeat(first, again, "the bet again")
    table.expect_shown(again, 9_850, "the bet again")
    table.expect_money(seat, 9_850, "after both")
    table.expect_lines(seat, before, 1, "after both")


@SCENARIOS(2, "The same bet comes ten times in parallel: one debit.")
def same_bet_in_parallel(table: Table) -> None:
    seat = table.seat(10_000)
    before = table.bench.books(seat)
    bet = table.stake(seat, 150)
    answers = table.send_all_at_once([bet] * 10)
    for place, answer in enumerate(answers, start=1):
        table.expect_verdict(
            answer, f"answer {place}", Verdict.OK, Verdict.REPEAT, Verdict.RETRYABLE
        )
    ids = {answer.our_id for answer in answers if answer.is_success}
    table.check("our ids in the successes", 1, len(ids))
    table.taken(bet, "the bet once more")
    table.expect_money(seat, 9_850, "after all")
    table.expect_lines(seat, before, 1, "after all")


@SCENARIOS(3, "A bet that emptied the account is sent again: the first answer, not a refusal.")
def repeat_after_emptying(table: Table) -> None:
    seat = table.seat(150)
    bet = table.stake(seat, 150)
    first = table.staked(bet, "the bet of everything")
    table.expect_shown(first, 0, "the bet of everything")
    table.expect_repeat(first, table.send(bet), "the bet again")
    table.expect_money(seat, 0, "after both")


@SCENARIOS(4, "One id with another amount, currency, round, player or game: a conflict.")
def same_id_other_content(table: Table) -> None:
    seat, other = table.seat(10_000), table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    for name, changed in _changed_bets(table, bet, other).items():
        with table.moving_nothing(seat, name), table.moving_nothing(other, f"{name}, the other"):
            answer = table.send(changed)
        if name == "another currency" and not answer.is_success:
            # Both are true of it, and which is told first is the operator's choice.
            table.expect_verdict(answer, name, Verdict.REFUSED, Verdict.RETRYABLE)
        else:
            table.expect_refused(answer, "conflict", name)
    table.taken(bet, "the genuine bet again")


def _changed_bets(table: Table, bet: Move, other: Seat) -> dict[str, Move]:
    dialect = table.dialect
    changed = {
        "another amount": replace(bet, amount_minor=151),
        "another round": replace(bet, round_id=dialect.new_round()),
    }
    if table.policy.transaction_scope != TransactionScope.PLAYER:
        changed["another player"] = replace(bet, seat=other)
    if dialect.currency_field:
        changed["another currency"] = replace(bet, fields={dialect.currency_field: "USD"})
    second = replace(bet.seat, game_code=dialect.game_codes[1])
    if not dialect.game_field:
        # Its messages name no game: the player's session in another game says which it is.
        second = table.bench.launch(bet.seat.player_ref, second_game=True)
    return {**changed, "another game": replace(bet, seat=second)}


@SCENARIOS(5, "One id for two players: one bet or two, by the scope of the provider's ids.")
def same_id_two_players(table: Table) -> None:
    first, second = table.seat(10_000), table.seat(10_000)
    bet = table.stake(first, 150)
    table.staked(bet, "the first player's bet")
    theirs = replace(bet, seat=second)
    if table.policy.transaction_scope == TransactionScope.PLAYER:
        table.taken(theirs, "the second player's bet")
        table.expect_money(second, 9_850, "the second player")
    else:
        with table.moving_nothing(second, "the second player's bet"):
            answer = table.send(theirs)
        table.expect_refused(answer, "conflict", "the second player's bet")
    table.expect_money(first, 9_850, "the first player")


@SCENARIOS(6, "One id for a bet and its win: two messages or a conflict, by the scope of ids.")
def same_id_two_operations(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    win = table.win(bet, 400, tx_id=bet.tx_id)
    if table.policy.transaction_scope == TransactionScope.OPERATION:
        table.taken(win, "the win with the bet's id")
        table.expect_money(seat, 10_250, "after both")
        return
    with table.moving_nothing(seat, "the win with the bet's id"):
        answer = table.send(win)
    table.expect_refused(answer, "conflict", "the win with the bet's id")


@SCENARIOS(7, "A rollback comes before its bet: it is remembered, and moves nothing.")
def rollback_first(table: Table) -> None:
    seat = table.seat(10_000)
    rollback = table.rollback(table.stake(seat, 150))
    with table.moving_nothing(seat, "the early rollback"):
        answer = table.send(rollback)
    if table.policy.unknown_rollback == UnknownRollback.OK:
        table.expect_success(answer, "the early rollback")
    else:
        table.expect_refused(answer, "unknown_target", "the early rollback")


@SCENARIOS(8, "The bet comes after its own rollback: no money moves.")
def bet_after_its_rollback(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.send(table.rollback(bet))
    with table.moving_nothing(seat, "the late bet"):
        answer = table.send(bet)
        again = table.send(bet)
    for name, one in (("the late bet", answer), ("the late bet again", again)):
        if table.policy.late_stake == LateStake.ACK:
            table.expect_success(one, name)
            table.expect_shown(one, 10_000, name)
        else:
            table.expect_refused(one, "bet_rolled_back", name)


@SCENARIOS(9, "A rollback is repeated with its own id: the bet comes back once.")
def rollback_repeated(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    rollback = table.rollback(bet)
    first = table.taken(rollback, "the rollback")
    table.expect_shown(first, 10_000, "the rollback")
    before = table.bench.books(seat)
    table.expect_repeat(first, table.send(rollback), "the rollback again")
    table.expect_money(seat, 10_000, "after both")
    table.expect_lines(seat, before, 0, "the rollback again")


@SCENARIOS(
    10,
    "A rollback comes again under a new id: the bet comes back once.",
    not_for={"iplaygames": "a rollback has no id of its own, it carries its target's"},
)
def rollback_under_a_new_id(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    table.taken(table.rollback(bet), "the rollback")
    with table.moving_nothing(seat, "the rollback under a new id"):
        table.taken(table.rollback(bet), "the rollback under a new id")
    table.expect_money(seat, 10_000, "after both")


@SCENARIOS(
    11,
    "A rollback states another amount than the bet, or none: the original comes back.",
    not_for={"iplaygames-own": "by the amount it is found, so another amount means another bet"},
)
def rollback_of_another_amount(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    answer = table.send(table.rollback(bet, amount_minor=999))
    states_amounts = table.dialect.name not in {"hub88", "caleta"}
    if states_amounts and table.policy.refund_amount == RefundAmount.MUST_MATCH:
        table.expect_refused(answer, "refund_amount", "the rollback")
        table.expect_money(seat, 9_850, "after it")
    else:
        table.expect_success(answer, "the rollback")
        table.expect_money(seat, 10_000, "after it")


@SCENARIOS(
    12,
    "A rollback names another round than its bet: it is found by its target.",
    not_for={"iplaygames-own": "a rollback names no target, its round is how the bet is found"},
)
def rollback_of_another_round(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    rollback = table.rollback(bet, round_id=table.dialect.new_round())
    answer = table.taken(rollback, "the rollback")
    table.expect_shown(answer, 10_000, "the rollback")
    table.expect_money(seat, 10_000, "after it")
