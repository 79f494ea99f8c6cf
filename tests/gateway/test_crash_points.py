"""Dies at every call of intake to the database, before it and after it, and proves one effect.

Exhaustive and deterministic: the calls of an undisturbed run are counted first, then each becomes
the last one in turn. After a death the provider retries and the sweeper runs, as they would.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import Error as DatabaseError
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.gateway.contracts import ToJudge
from apps.gateway.services import intake
from apps.gateway.services.apply import apply_deliveries
from apps.providers.contracts import CanonicalEvent
from apps.rounds.models import Delivery, RoundEvent
from apps.wallet.models import Transfer
from tests.gateway.builders import Casino, assert_ledger_holds, open_casino
from tests.gateway.operations_makers import rollback, sealed, stake, win

pytestmark = pytest.mark.django_db(transaction=True)


class Died(BaseException):
    """The process is gone; nothing after this line ran."""


@dataclass
class Nemesis:
    """Counts calls to the database and dies at one of them."""

    at: int = 0
    is_after: bool = False
    calls: int = 0
    is_dead: bool = False

    def execute(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        return self._pass(lambda: execute(sql, params, many, context))

    def _pass(self, call: Callable[[], Any]) -> Any:
        self.calls += 1
        if self.is_dead:
            raise Died
        is_last = self.calls == self.at
        if is_last and not self.is_after:
            self._die()
        result = call()
        if is_last:
            self._die()
        return result

    def _die(self) -> None:
        """Break the connection as a killed process does: the server sees it gone."""
        self.is_dead = True
        connection.connection.close()
        raise Died

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch every statement and every commit of this connection."""
        commit = vars(BaseDatabaseWrapper)["_commit"]
        patch = pytest.MonkeyPatch()
        patch.setattr(
            BaseDatabaseWrapper, "_commit", lambda wrapper: self._pass(lambda: commit(wrapper))
        )
        try:
            with connection.execute_wrapper(self.execute):
                yield
        finally:
            patch.undo()


def test_intake_may_die_at_any_call_and_a_retry_makes_one_effect() -> None:
    casino = open_casino(cash_minor=1_000_000)
    points = 0
    for nemesis in _every_death():
        _die_and_retry(casino, nemesis, f"{nemesis.at}-{nemesis.is_after}")
        points += 1
    assert points > 20
    assert_ledger_holds()


def _every_death() -> Iterator[Nemesis]:
    """Yield deaths before and after each call, until a run has no such call any more."""
    at = 1
    while True:
        for is_after in (False, True):
            nemesis = Nemesis(at, is_after)
            yield nemesis
            if not nemesis.is_dead:
                return
        at += 1


def _die_and_retry(casino: Casino, nemesis: Nemesis, name: str) -> None:
    first, second = casino.event(f"e-{name}"), casino.tentative(f"t-{name}", f"r-{name}")
    body = casino.body(first, second)
    inbound, games = casino.inbound(body), casino.games
    before = casino.pots()
    _until_death(nemesis, lambda: intake.take_in([inbound], games, now=casino.now))
    [judged] = intake.take_in([inbound], games, now=casino.now)
    statuses = [outcome.status for outcome in judged.outcomes]
    assert statuses in (["accepted", "tentative"], ["duplicate", "duplicate"]), name
    intake.apply_unjudged(now=casino.now + timedelta(minutes=5))
    after = casino.pots()
    assert after["cash"] - before["cash"] == 150 - 200, name
    assert after["held"] - before["held"] == 200, name
    moved = Transfer.objects.filter(subject__in=[f"aurora:e-{name}", f"aurora:t-{name}"])
    assert sorted(moved.values_list("kind", flat=True)) == ["hold", "pend", "stake", "win"], name


def test_operations_may_die_at_any_call_and_a_retry_makes_one_effect() -> None:
    casino = open_casino(cash_minor=1_000_000)
    for nemesis in _every_death():
        events = _a_round(f"{nemesis.at}-{nemesis.is_after}")
        before = casino.pots()
        _until_death(nemesis, partial(_apply, casino, events))
        _apply(casino, events)
        _apply(casino, events)
        after = casino.pots()
        assert after["cash"] - before["cash"] == 350 - 200
        assert after["held"] == before["held"]
    assert_ledger_holds()


def _a_round(name: str) -> list[CanonicalEvent]:
    """Return a round of two stakes, one of which comes back, and a win that closes it."""
    events = [
        stake(f"b-{name}"),
        stake(f"c-{name}", 500),
        rollback(f"x-{name}", f"c-{name}"),
        win(f"w-{name}", finalized=True),
    ]
    return [sealed(replace(event, round_ref=f"r-{name}")) for event in events]


def _apply(casino: Casino, events: Sequence[CanonicalEvent]) -> None:
    delivery = ToJudge(casino.profile, casino.now, None, tuple(events))
    apply_deliveries([delivery], casino.games, now=casino.now)


def _until_death(nemesis: Nemesis, run: Callable[[], Any]) -> None:
    """Run until the nemesis strikes; the connection dies with the process."""
    with nemesis.watching(), suppress(Died, DatabaseError):
        run()
    connection.close()


def test_the_control_a_death_between_store_and_apply_leaves_work_for_the_sweeper() -> None:
    """Show that the deaths are real: without a retry, only the sweeper brings the effect."""
    casino = open_casino()
    casino.send(casino.event("first"))
    inbound = casino.inbound(casino.body(casino.event("e-1")))
    games = casino.games
    # The first call stores the delivery, the second commits it; the sixth is inside applying it.
    _until_death(Nemesis(6), lambda: intake.take_in([inbound], games, now=casino.now))
    assert Delivery.objects.count() == 2
    assert not RoundEvent.objects.filter(event_id="e-1").exists()
    stored_at = Delivery.objects.latest("pk").stored_at
    assert intake.apply_unjudged(now=stored_at + timedelta(minutes=1)) == 1
    assert RoundEvent.objects.get(event_id="e-1").status == "accepted"
    assert_ledger_holds()
