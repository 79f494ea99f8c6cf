"""Each protocol says which flags of a policy decide for it: played with every value of each."""

from dataclasses import asdict, fields, replace

import pytest
from django.db import connection

from apps.play.services import open_session
from apps.providers.adapters.registry import ADAPTERS
from apps.providers.contracts import Policy
from apps.providers.models import Game, ProviderPolicy
from apps.rounds.enums import RoundState
from apps.rounds.models import Round, RoundEvent
from apps.simulator.dialects.contract import Dialect, Move, RunKey, Seat, Step
from apps.simulator.dialects.registry import DIALECTS
from tests.factories import make_cover
from tests.gateway.builders import SLOT, TABLE, Casino, deposit, open_player
from tests.gateway.dialect_makers import open_casino_of, say

OUTAGE = "when_unavailable"
"""Asked while the ledger can't be reached, which ``test_spool_outage`` plays."""
FLAGS = [flag.name for flag in fields(Policy) if flag.name != OUTAGE]
FIRST, SECOND = "123", "456"


class Play:
    """One night at a provider, with something in it that each flag is about."""

    def __init__(self, casino: Casino, key: RunKey, dialect: Dialect) -> None:
        self.casino, self.key, self.dialect = casino, key, dialect
        self.seat = self.sit("p-1001", FIRST)
        self.said: list[tuple[str, str, int | None]] = []

    def sit(self, player_ref: str, game_code: str) -> Seat:
        opened = open_session(
            player_ref=player_ref,
            provider_code="aurora",
            game_code=game_code,
            now=self.casino.now,
        )
        return Seat(player_ref, opened.public_id, "AUD", game_code, opened.token)

    def tell(
        self, step: Step, tx: int, round_: int, amount_minor: int = 100, **more: object
    ) -> None:
        seat = more.pop("seat", self.seat)
        assert isinstance(seat, Seat)
        move = Move(
            step,
            seat,
            tx_id=str(tx),
            round_id=str(round_),
            amount_minor=amount_minor,
            **more,  # type: ignore[arg-type]  # named where it is asked for
        )
        answer = say(self.casino, self.key, move, self.dialect)
        self.said.append((answer.verdict, answer.code, answer.balance_minor))

    def play(self) -> list[object]:
        self.of_rollbacks_first()
        self.of_closed_rounds()
        self.of_stakes()
        self.of_ids()
        rounds = Round.objects.order_by("pk").values_list("round_ref", "state")
        events = RoundEvent.objects.order_by("pk").values_list("status", "code", "money_state")
        return [self.said, self.casino.pots(), list(rounds), list(events)]

    def of_rollbacks_first(self) -> None:
        self.tell(Step.ROLLBACK, 2, 1, target_id="1")
        self.tell(Step.STAKE, 1, 1)
        self.tell(Step.WIN, 3, 2)
        self.tell(Step.STAKE, 4, 4)
        half = {self.dialect.amount_field: self.dialect.amount(50, "AUD")}
        half |= {self.dialect.currency_field: "AUD"} if self.dialect.currency_field else {}
        self.tell(Step.ROLLBACK, 5, 4, target_id="4", fields=half)

    def of_closed_rounds(self) -> None:
        self.tell(Step.STAKE, 10, 10)
        self.tell(Step.WIN, 11, 10, 150, target_id="10", closes=True)
        # Where no message closes a round, people do.
        closed = Round.objects.filter(round_ref__endswith="10", state=RoundState.OPEN)
        closed.update(state=RoundState.SETTLED, settled_at=self.casino.now)
        self.tell(Step.STAKE, 12, 10)
        self.tell(Step.WIN, 13, 10, 150, target_id="10")
        self.tell(Step.ROLLBACK, 14, 10, target_id="10")
        self.tell(Step.ROLLBACK, 15, 10, 150, target_id="11")

    def of_stakes(self) -> None:
        self.tell(Step.STAKE, 20, 20, 0)
        if self.dialect.game_field:
            self.tell(Step.STAKE, 21, 21, seat=replace(self.seat, game_code=SECOND))
        self.tell(Step.STAKE, 22, 22, seat=replace(self.seat, session_token=""))
        self.tell(Step.STAKE, 23, 23, 1_000_000)
        deposit(self.casino.player, 2_000_000, key="funds")
        self.tell(Step.STAKE, 23, 23, 1_000_000)
        free = {"is_free": True, "campaign": "free-1"}
        self.tell(Step.STAKE, 24, 24, 20, **free)
        self.tell(Step.WIN, 25, 24, 90, target_id="24", **free)

    def of_ids(self) -> None:
        self.tell(Step.STAKE, 30, 30)
        self.tell(Step.WIN, 30, 30, 70, target_id="30", closes=True)
        self.tell(Step.STAKE, 30, 31, seat=self.sit("p-2", FIRST))
        self.tell(Step.STAKE, 32, 32)
        self.tell(Step.STAKE, 33, 32, seat=self.sit("p-1001", SECOND))
        self.tell(Step.STAKE, 32, 32)


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", ADAPTERS)
def test_a_flag_changes_something_exactly_where_its_protocol_says_so(protocol: str) -> None:
    dialect = DIALECTS[protocol]()
    key = dialect.new_key()
    casino = open_casino_of(dialect, key)
    for made, told in ((SLOT, FIRST), (TABLE, SECOND)):
        Game.objects.filter(game_code=made).update(game_code=told)
        make_cover(Game.objects.get(game_code=told))
    open_player("p-2", cash_minor=10_000)
    adapter = ADAPTERS[protocol]
    usual = asdict(adapter.default_policy)

    def played(**changes: str) -> list[object]:
        ProviderPolicy.objects.update(**{**usual, **changes})
        # No atomic block: what is durable refuses to run inside one.
        point = connection.savepoint() or ""
        found = Play(casino, key, dialect).play()
        connection.savepoint_rollback(point)
        return found

    columns = {column.name: column for column in ProviderPolicy._meta.concrete_fields}
    as_usual = played()
    deciding = {
        flag
        for flag in FLAGS
        for value, _ in columns[flag].choices or ()
        if value != usual[flag] and played(**{flag: value}) != as_usual
    }
    assert deciding == adapter.policy_flags - {OUTAGE}
