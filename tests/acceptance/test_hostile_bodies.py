"""What nobody means well by, in every dialect: 4xx in the protocol's words, and nothing moves."""

from dataclasses import replace
from typing import Any

import pytest

from apps.simulator.acceptance.table import Table
from apps.simulator.dialects.client import Damage
from apps.simulator.dialects.contract import Move, Request, Verdict
from tests.acceptance.conftest import SPOKEN, Stand

BODIES = {
    "empty": b"",
    "a list": b"[]",
    "null": b"null",
    "a string": b'"bet"',
    "cut": b'{"amount": ',
    "trailing garbage": b"{} {}",
    "a BOM": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "no UTF-8": b'{"a": "\xff\xfe"}',
    "NaN": b'{"amount": NaN}',
    "Infinity": b'{"amount": -Infinity}',
    "an exponent beyond all": b'{"amount": 1e99999999999999999999}',
    "1e400": b'{"amount": 1e400}',
    "a repeated key": b'{"amount": 1, "amount": 2}',
    "NUL": b'{"player": "\\u0000"}',
    "a lone surrogate": b'{"player": "\\ud800"}',
    "deep": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a long number": b'{"amount": ' + b"9" * 5_000 + b"}",
}
AMOUNTS: list[Any] = [
    1.5,
    "1e3",
    "0x10",
    "1,00",
    " 1",
    "+1",
    "١",
    "NaN",
    "Infinity",
    "",
    True,
    [],
    {},
    None,
    -1,
    2**63,
    10**19,
    "9" * 40,
]
HEADERS = ["", "v1", "v1,", ",", "é" * 8, "A" * 88, "=" * 44, "0" * 64, "v1,=!= v1,\t", "a" * 4_096]
REFUSED = {Verdict.REFUSED, Verdict.UNAUTHENTICATED, Verdict.RETRYABLE, Verdict.PARKED}


@pytest.fixture
def table(stand: Stand, dialect: str) -> Table:
    kit = stand.kit(dialect)
    return Table(kit._bench, kit._client, other_key=kit._other_key, may_stall=False)


def assert_all_held(table: Table) -> None:
    assert [(c.what, c.expected, c.seen) for c in table.checks if not c.holds] == []


def signed_again(table: Table, request: Request, body: bytes) -> tuple[Request, dict[str, str]]:
    """Put another body into a request and sign it as the provider itself would."""
    move = table.stake(table.seat(0), 1)
    _, headers = table.client.prepared(move)
    changed = replace(request, body=body, signed_text=None)
    fresh = table.dialect.sign(changed, table.client.key, now=move.at or _never())
    return changed, {**headers, **fresh}


def _never() -> Any:
    raise AssertionError("a move at a table has a moment")


@pytest.mark.parametrize("dialect", SPOKEN)
def test_a_signed_body_that_is_no_message_is_refused_and_moves_nothing(
    dialect: str, table: Table
) -> None:
    seat = table.seat(10_000)
    bet = table.stake(seat, 150)
    request, _ = table.client.prepared(bet)
    for name, body in BODIES.items():
        with table.moving_nothing(seat, name):
            status, answer = table.client.exchange(*signed_again(table, request, body))
        assert 200 <= status < 500, (dialect, name, status, answer[:200])
        if status == 200:
            assert table.dialect.read(bet, status, answer).verdict in REFUSED, (name, answer)
        assert b"Traceback" not in answer
    table.staked(bet, "the genuine bet")
    assert_all_held(table)


@pytest.mark.parametrize("dialect", SPOKEN)
def test_an_amount_of_another_form_is_refused_and_moves_nothing(dialect: str, table: Table) -> None:
    seat = table.seat(10_000)
    for amount in AMOUNTS:
        bet = table.stake(seat, 0, fields={table.dialect.amount_field: amount})
        with table.moving_nothing(seat, f"an amount of {amount!r:.40}"):
            request, headers = table.client.prepared(bet)
            status, answer = table.client.exchange(request, headers)
        assert 200 <= status < 500, (dialect, amount, status, answer[:200])
        said = table.dialect.read(bet, status, answer)
        assert said.verdict in REFUSED, (dialect, amount, answer[:200])
    assert_all_held(table)


@pytest.mark.parametrize("dialect", SPOKEN)
def test_a_header_of_another_form_proves_nothing(dialect: str, table: Table) -> None:
    seat = table.seat(10_000)
    bet: Move = table.stake(seat, 150)
    request, headers = table.client.prepared(bet)
    names = [name for name in headers if name != "content-type"]
    answers = set()
    for name in names:
        for value in HEADERS:
            with table.moving_nothing(seat, f"{name}: {value[:20]}"):
                sent = {**headers, name: value.encode("latin-1").decode("latin-1")}
                status, answer = table.client.exchange(request, sent)
            said = table.dialect.read(bet, status, answer)
            assert said.verdict == Verdict.UNAUTHENTICATED, (dialect, name, value, answer[:200])
            answers.add(answer)
    unsigned = table.send(bet, Damage(without_signature=True))
    assert answers == {unsigned.raw}  # nobody learns which part was wrong
    table.staked(bet, "the genuine bet")
    assert_all_held(table)
