"""A provider's own book: what it knows of its operations, and in the end its statement."""

from apps.simulator.dialects.contract import Step
from tests.soak.contracts import Entry, Op, State


class Book:
    """Kept from the answers alone; nothing of ours is ever looked at."""

    def __init__(self) -> None:
        self._ops: dict[str, Op] = {}
        self._states: dict[str, str] = {}

    def open(self, op: Op) -> None:
        self._ops[op.id] = op
        self._states.setdefault(op.id, State.OPEN)

    def accept(self, op: Op) -> None:
        """Note a success; a rollback cancels its target, whatever became of that before."""
        self._settle(op, State.ACCEPTED)
        if op.step == Step.ROLLBACK:
            self._states[op.target_id] = State.CANCELLED

    def refuse(self, op: Op) -> None:
        self._settle(op, State.REFUSED)

    def leave_out(self, op: Op) -> None:
        """Count an operation as played that nobody is ever told of."""
        self.open(op)
        self._settle(op, State.GAP)

    def state(self, op_id: str) -> str:
        return self._states.get(op_id, State.OPEN)

    @property
    def open_ids(self) -> list[str]:
        return [op_id for op_id, state in self._states.items() if state == State.OPEN]

    def statement(self) -> list[Entry]:
        return [_entry(op, self._states[op.id]) for op in self._ops.values()]

    def _settle(self, op: Op, state: State) -> None:
        if self._states.get(op.id) != State.CANCELLED:
            self._states[op.id] = state


def _entry(op: Op, state: str) -> Entry:
    kind = op.step
    if op.provider == "soak-native" and op.step != Step.ROLLBACK:
        kind = "round"
    has_money = op.moves and op.step != Step.ROLLBACK
    return Entry(
        provider=op.provider,
        id=op.id,
        kind=str(kind),
        player=op.player,
        currency=op.currency,
        stake_minor=op.stake_minor if has_money else 0,
        win_minor=op.win_minor if has_money else 0,
        state=state,
        target_id=op.target_id,
    )
