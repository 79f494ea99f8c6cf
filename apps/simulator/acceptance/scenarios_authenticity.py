"""Scenarios 27 to 33: signatures, damaged bytes, funds to the last unit, odd amounts, currency."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from apps.simulator.acceptance.scenario import Collection
from apps.simulator.acceptance.table import Table
from apps.simulator.dialects.client import Damage
from apps.simulator.dialects.contract import Move, Verdict

SCENARIOS: Final = Collection()
LONG_AGO: Final = timedelta(hours=1)


@SCENARIOS(27, "A signature is wrong, missing, or made with another provider's key.")
def bad_signatures(table: Table) -> None:
    _expect_unauthenticated(
        table,
        {
            "a garbled signature": Damage(garbled_signature=True),
            "no signature": Damage(without_signature=True),
            "another provider's key": Damage(key=table.other_key),
        },
    )


@SCENARIOS(28, "After signing, one byte changes, keys change places or a space comes in.")
def changed_after_signing(table: Table) -> None:
    _expect_unauthenticated(
        table,
        {
            "one byte changed": Damage(change=_one_byte),
            "keys in another order": Damage(change=_reordered),
            "a space more": Damage(change=lambda body: body + b" "),
        },
    )


def _expect_unauthenticated(table: Table, damages: dict[str, Damage]) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    for name, damage in damages.items():
        with table.moving_nothing(seat, name):
            table.expect_verdict(table.send(bet, damage), name, Verdict.UNAUTHENTICATED)
    table.staked(bet, "the genuine bet")
    table.expect_money(seat, 9_850, "after the genuine bet")


def _one_byte(body: bytes) -> bytes:
    place = next(at for at, byte in enumerate(body) if chr(byte) in "15")
    return body[:place] + b"9" + body[place + 1 :]


def _reordered(body: bytes) -> bytes:
    content = json.loads(body)
    turned = dict(reversed(content.items()))
    return json.dumps(turned, separators=(",", ":")).encode()


@SCENARIOS(29, "An old request is replayed: refused as stale, or answered as a repetition.")
def replayed(table: Table) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    request, headers = table.client.prepared(bet)
    read = table.dialect.read
    first = read(bet, *table.client.exchange(request, headers))
    table.expect_success(first, "the bet")
    table.expect_money(seat, 9_850, "after the bet")
    with table.moving_nothing(seat, "the same bytes again"):
        again = read(bet, *table.client.exchange(request, headers))
        table.expect_repeat(first, again, "the same bytes again")
    if table.dialect.name == "native":
        stale = Damage(signed_at=datetime.now(UTC) - LONG_AGO)
        fresh = table.stake(seat, 200)
        with table.moving_nothing(seat, "a stale signature"):
            answer = table.send(fresh, stale)
        table.expect_verdict(answer, "a stale signature", Verdict.UNAUTHENTICATED)


@SCENARIOS(30, "A bet above the balance is refused with the balance; one of all of it is taken.")
def funds(table: Table) -> None:
    table.need_own_funds()
    seat = table.seat(100)
    with table.moving_nothing(seat, "the bet above the balance"):
        answer = table.send(table.stake(seat, 101))
    table.expect_refused(answer, "insufficient_funds", "the bet above the balance")
    table.expect_shown(answer, 100, "the bet above the balance")
    answer = table.staked(table.stake(seat, 100), "the bet of everything")
    table.expect_shown(answer, 0, "the bet of everything")
    table.expect_money(seat, 0, "after it")


@SCENARIOS(31, "A bet of the balance and one smallest unit, and a bet of the smallest unit.")
def smallest_units(table: Table) -> None:
    table.need_own_funds()
    seat = table.seat(1_000)
    above = table.dialect.below_smallest(1_000, seat.currency)
    if above is None:
        with table.moving_nothing(seat, "one unit above the balance"):
            answer = table.send(table.stake(seat, 1_001))
        table.expect_refused(answer, "insufficient_funds", "one unit above the balance")
        return
    for name, amount in (
        ("one unit above the balance", above),
        ("one unit, finer than the currency", table.dialect.below_smallest(0, seat.currency)),
    ):
        bet = table.stake(seat, 0, fields={table.dialect.amount_field: amount})
        with table.moving_nothing(seat, name):
            answer = table.send(bet)
        table.expect_verdict(answer, name, Verdict.REFUSED)


@SCENARIOS(32, "A bet or a win below zero: refused.")
def negative_amounts(table: Table) -> None:
    seat = table.seat(10_000)
    dialect = table.dialect
    amount = dialect.negative(150, seat.currency)
    bet = table.stake(seat, 0, fields={dialect.amount_field: amount})
    with table.moving_nothing(seat, "the bet below zero"):
        table.expect_refused(table.send(bet), "bad_amount", "the bet below zero")
    genuine = table.stake(seat, 150)
    table.staked(genuine, "a genuine bet")
    win = table.win(genuine, 0, fields={dialect.win_field: amount})
    with table.moving_nothing(seat, "the win below zero"):
        table.expect_refused(table.send(win), "bad_amount", "the win below zero")
    table.taken(table.win(genuine, 0), "a genuine win of zero")


@SCENARIOS(
    33,
    "A message in another currency than the player's, or in none that exists: refused.",
    not_for={"swipe": "its messages carry no currency"},
)
def wrong_currency(table: Table) -> None:
    seat = table.seat(10_000)
    genuine = table.stake(seat, 150)
    table.staked(genuine, "a genuine bet")
    field = table.dialect.currency_field
    makers: tuple[tuple[str, Callable[[str], Move]], ...] = (
        ("a bet", lambda code: table.stake(seat, 150, fields={field: code})),
        ("a win", lambda code: table.win(genuine, 400, fields={field: code})),
    )
    for currency in ("USD", "ZZZ"):
        for name, make in makers:
            what = f"{name} in {currency}"
            with table.moving_nothing(seat, what):
                table.expect_refused(table.send(make(currency)), "wrong_currency", what)
