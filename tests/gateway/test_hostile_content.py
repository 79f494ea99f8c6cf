"""Authentic events with hostile content: judged like any other, and no poison for the batch."""

import pytest

from apps.gateway.services.intake import take_in
from tests.gateway.builders import Casino, assert_ledger_holds


@pytest.mark.parametrize("depth", [100, 1_000, 5_000, 9_000])
def test_a_conflict_with_deeply_nested_content_is_recorded_and_stops_nobody(
    casino: Casino, depth: int
) -> None:
    casino.send(casino.event("e-1"))
    nested = casino.seal(casino.event("e-1", win_amount="9.99", extra="@"))
    deep = "[" * depth + "]" * depth
    body = casino.body(nested, casino.event("e-2", win_amount="0.00"))
    body = body.replace(b'"@"', deep.encode())
    [judged] = take_in([casino.inbound(body)], casino.games, now=casino.now)
    assert [outcome.status for outcome in judged.outcomes] == ["conflict", "accepted"]
    assert_ledger_holds()
