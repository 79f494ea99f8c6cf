"""Scenarios 34 to 38: sessions that ended, players who may not play, limits, bonus money."""

from dataclasses import replace
from typing import Final
from uuid import uuid4

from apps.players.enums import LimitKind
from apps.providers.enums import Permission
from apps.simulator.acceptance.bonus import MAX_BET_MINOR
from apps.simulator.acceptance.scenario import Collection
from apps.simulator.acceptance.table import Table
from apps.simulator.dialects.contract import Seat

SCENARIOS: Final = Collection()


@SCENARIOS(34, "A bet in a session that has ended, or that never was: refused.")
def bet_in_an_ended_session(table: Table) -> None:
    seat = table.seat(10_000)
    table.bench.end_session(seat)
    with table.moving_nothing(seat, "the bet in an ended session"):
        answer = table.send(table.stake(seat, 150))
    table.expect_refused(answer, "session_expired", "the bet in an ended session")
    if table.dialect.name == "native":
        _bet_without_a_token(table, seat)
        return
    stranger = replace(seat, session_id=str(uuid4()))
    with table.moving_nothing(seat, "the bet in no session"):
        answer = table.send(table.stake(stranger, 150))
    table.expect_refused(answer, "unknown_session", "the bet in no session")


def _bet_without_a_token(table: Table, seat: Seat) -> None:
    bet = table.stake(replace(seat, session_token=""), 150)
    if table.policy.stake_without_session == Permission.ALLOW:
        table.staked(bet, "the bet without a token")
        table.expect_money(seat, 9_850, "after it")
        return
    with table.moving_nothing(seat, "the bet without a token"):
        table.expect_refused(table.send(bet), "session_expired", "the bet without a token")


@SCENARIOS(35, "Win and refund come after the session has ended: accepted.")
def settlement_after_the_session(table: Table) -> None:
    seat = table.seat(10_000)
    won, refunded = table.stake(seat, 100), table.stake(seat, 200)
    table.staked(won, "a bet")
    table.staked(refunded, "another bet")
    table.bench.end_session(seat)
    table.taken(table.win(won, 400), "the win")
    answer = table.taken(table.rollback(refunded), "the refund")
    table.expect_shown(answer, 10_300, "the refund")
    table.expect_money(seat, 10_300, "after both")


@SCENARIOS(36, "A player is excluded between bet and win: money back is accepted, a bet refused.")
def excluded_in_between(table: Table) -> None:
    seat = table.seat(10_000)
    won, refunded = table.stake(seat, 100), table.stake(seat, 200)
    table.staked(won, "a bet")
    table.staked(refunded, "another bet")
    table.bench.self_exclude(seat)
    table.taken(table.win(won, 400), "the win")
    table.taken(table.rollback(refunded), "the refund")
    table.expect_money(seat, 10_300, "after both")
    bets = {
        "the next bet": table.stake(seat, 100),
        "a free bet": table.stake(seat, 100, is_free=True, campaign="fr_1"),
    }
    for name, bet in bets.items():
        with table.moving_nothing(seat, name):
            answer = table.send(bet)
        # An exclusion also ends the sessions; what keeps the player out is what is told.
        table.expect_refused(answer, "self_excluded", name)


@SCENARIOS(37, "A player's limit is reached in mid-round: the next bet is refused, the win paid.")
def limit_reached(table: Table) -> None:
    for kind in (LimitKind.WAGER_24H, LimitKind.LOSS_24H):
        seat = table.seat(10_000)
        table.bench.limit(seat, kind, 500)
        bet = table.stake(seat, 400)
        table.staked(bet, f"a bet within the limit ({kind})")
        with table.moving_nothing(seat, f"a bet above the limit ({kind})"):
            answer = table.send(table.stake(seat, 200, round_id=bet.round_id))
        table.expect_refused(answer, "limit", f"a bet above the limit ({kind})")
        table.taken(table.win(bet, 1_000), f"the win ({kind})")
        table.expect_money(seat, 10_600, f"after the win ({kind})")


@SCENARIOS(38, "A stake above a bonus's maximum, in one piece and in two of one round: refused.")
def bonus_max_bet(table: Table) -> None:
    if not table.bench.model.may_stake_bonus:
        table.skip("bonus money is not played at this provider")
    table.bench.bonuses.require_rule()
    seat = table.seat(10_000)
    table.bench.grant_bonus(seat, 10_000)
    with table.moving_nothing(seat, "one stake above the maximum"):
        answer = table.send(table.stake(seat, MAX_BET_MINOR + 1))
    table.expect_refused(answer, "max_bet", "one stake above the maximum")
    first = table.stake(seat, 300)
    table.staked(first, "a stake within the maximum")
    with table.moving_nothing(seat, "a second that makes it too much"):
        answer = table.send(table.stake(seat, 300, round_id=first.round_id))
    table.expect_refused(answer, "max_bet", "a second that makes it too much")
    table.taken(table.win(first, 0), "the end of the round")
