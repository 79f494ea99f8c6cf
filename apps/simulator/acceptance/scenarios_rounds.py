"""Scenarios 39 to 53: closed rounds, jackpots and rewards, games, parallel play, exact amounts."""

from dataclasses import replace
from typing import Any, Final

from apps.providers.enums import Permission, RoundScope
from apps.simulator.acceptance.scenario import Collection
from apps.simulator.acceptance.table import Table
from apps.simulator.dialects.contract import Move, Seat, Verdict

SCENARIOS: Final = Collection()
NEVER_CLOSES: Final = dict.fromkeys(
    ("iplaygames", "iplaygames-own"), "the protocol closes no rounds"
)
BIG_WIN_MINOR: Final = 6_372_709_234


@SCENARIOS(39, "A bet comes into a closed round: refused unless the policy allows it.",
           not_for=NEVER_CLOSES)  # fmt: skip
def bet_into_a_closed_round(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    table.taken(table.win(bet, 400), "the win that closes")
    late = table.stake(seat, 150, round_id=bet.round_id)
    if table.policy.stake_after_close == Permission.ALLOW:
        table.taken(late, "the late bet")
        return
    with table.moving_nothing(seat, "the late bet"):
        answer = table.send(late)
    table.expect_refused(answer, "round_closed", "the late bet")


@SCENARIOS(40, "A win comes into a closed round: credited and flagged, unless the policy refuses.",
           not_for=NEVER_CLOSES)  # fmt: skip
def win_into_a_closed_round(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    table.taken(table.win(bet, 400), "the win that closes")
    late = table.win(bet, 300)
    if table.policy.win_after_close == Permission.ALLOW:
        answer = table.taken(late, "the late win")
        table.expect_shown(answer, 10_550, "the late win")
        table.expect_money(seat, 10_550, "after it")
        return
    with table.moving_nothing(seat, "the late win"):
        answer = table.send(late)
    table.expect_refused(answer, "round_closed", "the late win")


@SCENARIOS(
    41,
    "The bet itself closes its round, and so does a rollback.",
    not_for={**NEVER_CLOSES, "swipe": "only a win closes a round"},
)
def closing_by_bet_and_rollback(table: Table) -> None:
    seat = table.seat(10_000)
    lost = (
        table.played(seat, 150, 0)
        if table.dialect.name == "native"
        else table.stake(seat, 150, closes=True)
    )
    table.staked(lost, "the bet that closes")
    table.expect_money(seat, 9_850, "after it")
    table.expect_held(seat, 0, "after it")
    _expect_closed(table, lost, "after the bet")
    bet = table.stake(seat, 150)
    table.staked(bet, "a bet")
    table.taken(table.rollback(bet, closes=True), "the rollback that closes")
    table.expect_money(seat, 9_850, "after the rollback")
    if table.dialect.name != "native":
        _expect_closed(table, bet, "after the rollback")


def _expect_closed(table: Table, bet: Move, when: str) -> None:
    if table.policy.stake_after_close == Permission.ALLOW:
        return
    late = table.stake(bet.seat, 150, round_id=bet.round_id)
    with table.moving_nothing(bet.seat, f"a bet {when}"):
        answer = table.send(late)
    table.expect_refused(answer, "round_closed", f"a bet {when}")


SCENARIOS.elsewhere(
    42,
    "A round stays open for hours: flagged as stuck, and closed by two people.",
    "no message does it: a job finds such rounds, whether the stake is held or was taken at once, "
    "and people decide with the provider's evidence",
)


@SCENARIOS(
    43,
    "A jackpot inside a win is one credit; a jackpot above its win is refused.",
    not_for={
        "native": "a jackpot is an event of its own (scenario 44)",
        "swipe": "its messages know no jackpots",
        "hub88": "the jackpot field is Caleta's",
        "iplaygames": "its messages know no jackpots",
        "iplaygames-own": "its messages know no jackpots",
    },
)
def jackpot_in_a_win(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "the bet")
    wrong = table.win(bet, 1_000, jackpot_minor=1_001)
    with table.moving_nothing(seat, "a jackpot above its win"):
        table.expect_verdict(table.send(wrong), "a jackpot above its win", Verdict.REFUSED)
    table.taken(table.win(bet, 1_000, jackpot_minor=400), "a win with a jackpot in it")
    table.expect_money(seat, 10_850, "after it")


@SCENARIOS(44, "A reward comes twice, long after the session has ended: credited once.")
def reward_twice(table: Table) -> None:
    seat = table.seat(10_000)
    table.bench.end_session(seat)
    if table.dialect.name == "swipe":
        free = table.stake(seat, 20, is_free=True, campaign="fr_9")
        reward = table.win(free, 5_000, campaign="fr_9", target_id="")
    else:
        reward = table.reward(seat, 5_000, campaign="reward-1")
    first = table.taken(reward, "the reward")
    table.expect_shown(first, 15_000, "the reward")
    with table.moving_nothing(seat, "the reward again"):
        table.expect_repeat(first, table.send(reward), "the reward again")
    table.expect_money(seat, 15_000, "after both")


@SCENARIOS(
    45,
    "A summary of winnings already credited: success, and nothing moves.",
    not_for=dict.fromkeys(
        ("native", "swipe", "hub88", "caleta"), "the protocol has no summary message"
    ),
)
def summary_of_winnings(table: Table) -> None:
    seat = table.seat(0)
    bet = table.stake(seat, 20, is_free=True)
    table.staked(bet, "the last free spin")
    told = {"freespin_total_winnings": 12.5, "freespin_left": 0}
    table.taken(table.win(bet, 250, is_free=True, fields=told), "its win, with the total")
    table.expect_money(seat, 250, "after it")


@SCENARIOS(46, "A field nobody knows, and a reward of a kind nobody knows: accepted.")
def unknown_fields(table: Table) -> None:
    seat = table.seat(10_000)
    odd: dict[str, Any] = {"some_fake_key": {"deep": [1, "ä", None]}}
    bet = table.stake(seat, 150, fields=odd)
    table.staked(bet, "a bet with a field nobody knows")
    table.taken(table.win(bet, 400, fields=odd), "its win")
    table.expect_money(seat, 10_250, "after both")
    if table.dialect.protocol == "iplaygames":
        reward = table.reward(seat, 100, fields={"reward_type": "NEW_TYPE"})
        table.taken(reward, "a reward of a new kind")
        table.expect_money(seat, 10_350, "after the reward")


@SCENARIOS(
    47,
    "A bet and its win come together and the funds don't cover the bet: all of it is refused.",
    not_for=dict.fromkeys(
        ("swipe", "hub88", "caleta", "iplaygames", "iplaygames-own"),
        "bet and win are messages of their own",
    ),
)
def bet_and_win_without_funds(table: Table) -> None:
    table.need_own_funds()
    seat = table.seat(100)
    together = table.played(seat, 150, 400, fields={"finalized": False})
    with table.moving_nothing(seat, "bet and win"):
        answer = table.send(together)
    table.expect_refused(answer, "insufficient_funds", "bet and win")


@SCENARIOS(
    48,
    "A combined message is sent again after the session has ended: the first answer.",
    not_for=dict.fromkeys(
        ("swipe", "hub88", "caleta", "iplaygames", "iplaygames-own"),
        "bet and win are messages of their own",
    ),
)
def combined_again(table: Table) -> None:
    seat = table.seat(10_000)
    round_ = table.played(seat, 150, 400)
    first = table.taken(round_, "the round")
    table.bench.end_session(seat)
    with table.moving_nothing(seat, "the round again"):
        table.expect_repeat(first, table.send(round_), "the round again")
    table.expect_money(seat, 10_250, "after both")


@SCENARIOS(
    49,
    "The game changes inside a session: by policy; one without cover or unknown is refused.",
    not_for={"swipe": "its messages name no game, the session does"},
)
def game_changes(table: Table) -> None:
    seat = table.seat(10_000)
    table.staked(table.stake(seat, 100), "a bet in the launched game")
    second = table.stake(replace(seat, game_code=table.dialect.game_codes[1]), 100)
    if table.policy.game_change == Permission.ALLOW:
        table.staked(second, "a bet in another game")
        table.expect_money(seat, 9_800, "after both")
    else:
        with table.moving_nothing(seat, "a bet in another game"):
            table.expect_refused(table.send(second), "session_mismatch", "a bet in another game")
    uncovered = table.stake(replace(seat, game_code=table.dialect.uncovered_game), 100)
    is_asked = table.policy.game_change == Permission.ALLOW
    with table.moving_nothing(seat, "a bet in a game without cover"):
        reason = "unknown_game" if is_asked else "session_mismatch"
        table.expect_refused(table.send(uncovered), reason, "a bet in a game without cover")
    nowhere = table.stake(replace(seat, game_code="999999999"), 100)
    with table.moving_nothing(seat, "a bet in no game"):
        table.expect_refused(table.send(nowhere), "unknown_game", "a bet in no game")


@SCENARIOS(50, "Two rounds of one player, and two players in one round id, all at once.")
def parallel_rounds(table: Table) -> None:
    first, second = table.seat(10_000), table.seat(10_000)
    shared = table.dialect.new_round()

    def play(seat: Seat, round_id: str, stake_minor: int, win_minor: int) -> None:
        bet = table.stake(seat, stake_minor, round_id=round_id)
        table.taken(bet, f"a bet of {stake_minor}")
        table.taken(table.win(bet, win_minor), f"a win of {win_minor}")

    table.run_all_at_once(
        [
            lambda: play(first, table.dialect.new_round(), 100, 300),
            lambda: play(first, shared, 500, 0),
            lambda: play(second, shared, 1_000, 50),
        ]
    )
    table.expect_money(first, 9_700, "the player of two rounds")
    table.expect_money(second, 9_050, "the other player")
    for seat in (first, second):
        table.expect_held(seat, 0, "after all")


@SCENARIOS(51, "One round id in two games: two rounds, where ids are unique within a game only.")
def one_round_id_in_two_games(table: Table) -> None:
    if table.policy.round_scope != RoundScope.GAME:
        table.skip("the provider's round ids are unique across its games")
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    table.staked(bet, "a bet in the first game")
    table.taken(table.win(bet, 400), "its win, which closes the round")
    elsewhere = table.bench.launch(seat.player_ref, second_game=True)
    other = table.stake(elsewhere, 200, round_id=bet.round_id)
    table.staked(other, "a bet with the same round id in the second game")
    table.taken(table.win(other, 0), "its end")
    table.expect_money(seat, 10_050, "after both")


@SCENARIOS(52, "63,727,092.34 won, 35.00 less 34.99, and 19.99: exact to the cent.")
def exact_amounts(table: Table) -> None:
    seat = table.seat(3_500)
    answer = table.staked(table.stake(seat, 3_499), "34.99 of 35.00")
    table.expect_shown(answer, 1, "34.99 of 35.00")
    rich = table.seat(1_999)
    bet = table.stake(rich, 1_999)
    table.expect_shown(table.staked(bet, "19.99 of 19.99"), 0, "19.99 of 19.99")
    answer = table.taken(table.win(bet, BIG_WIN_MINOR), "the big win")
    table.expect_shown(answer, BIG_WIN_MINOR, "the big win")
    table.expect_money(rich, BIG_WIN_MINOR, "after the big win")


@SCENARIOS(53, "Amounts that the grammar does not allow: refused, and the id stays free.")
def malformed_amounts(table: Table) -> None:
    seat = table.seat(10_000_000_000)
    bet = table.stake(seat, 150)
    for amount in table.dialect.malformed_amounts:
        name = f"an amount written {amount!r}"
        with table.moving_nothing(seat, name):
            answer = table.send(replace(bet, fields={table.dialect.amount_field: amount}))
        table.expect_verdict(answer, name, Verdict.REFUSED)
    table.staked(bet, "the genuine bet")
