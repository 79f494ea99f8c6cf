"""What the soak's parts tell each other. All of it can be written down and read back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

LEDGER_UNAVAILABLE: Final = "ledger_unavailable"
"""Our word for what is durable and can't be booked at the moment."""


class Copy(StrEnum):
    """Whether the network delivers a message twice."""

    NONE = ""
    AT_ONCE = "at_once"
    LATER = "later"


class Variant(StrEnum):
    """What was really sent under an operation's id."""

    GENUINE = "genuine"
    CONFLICT = "conflict"
    FORGED = "forged"
    STALE = "stale"
    MALFORMED = "malformed"


class State(StrEnum):
    """Where an operation stands in its provider's book; ``GAP`` was never sent, on purpose."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Faults:
    """What the network and the provider do to one operation, decided by the plan.

    ``overtaken``: the first delivery is held up until the provider has given up on it.
    ``is_forged_only``: no genuine delivery ever follows the forged one.
    """

    copy: str = Copy.NONE
    copy_after: float = 0.0
    hold_back: float = 0.0
    hangs_up: bool = False
    overtaken: bool = False
    has_conflict: bool = False
    is_forged: bool = False
    is_forged_only: bool = False
    is_stale: bool = False
    is_malformed: bool = False
    is_gap: bool = False


CLEAN = Faults()


@dataclass(frozen=True, slots=True)
class Op:
    """One operation of a plan; ``step`` is the dialects' word.

    ``moves`` is False for what is only told, such as a free stake: its stated amount is no money.
    """

    provider: str
    id: str
    step: str
    player: str
    currency: str
    round_id: str
    stake_minor: int = 0
    win_minor: int = 0
    target_id: str = ""
    closes: bool = False
    is_free: bool = False
    moves: bool = True
    campaign: str = ""
    faults: Faults = CLEAN

    @property
    def stated_minor(self) -> int:
        """The one amount that a message states, where its protocol has one."""
        return self.stake_minor or self.win_minor


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """One round as its provider means to play it.

    Stakes come first, then what is taken back, then the wins, at once and so in any order.
    ``is_shuffled``: nothing waits for anything; only a provider that retries everything does so.
    """

    stakes: tuple[Op, ...] = ()
    undone: tuple[Op, ...] = ()
    wins: tuple[Op, ...] = ()
    is_shuffled: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a provider's own statement: its side of one operation in the end."""

    provider: str
    id: str
    kind: str
    player: str
    currency: str
    stake_minor: int
    win_minor: int
    state: str
    target_id: str = ""

    @property
    def net_minor(self) -> int:
        return self.win_minor - self.stake_minor

    @property
    def moved_money(self) -> bool:
        is_known = self.state == State.ACCEPTED
        return is_known and self.kind != "rollback" and (self.stake_minor, self.win_minor) != (0, 0)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the history: ``invoke``, then one of ``ok``, ``fail`` and ``info``.

    ``info`` leaves open what we did. ``essence`` is what must be the same in every answer to the
    operation. ``at`` counts seconds from the start.
    """

    at: float
    type: str
    provider: str
    op: str
    step: str
    variant: str = Variant.GENUINE
    is_copy: bool = False
    status: int = 0
    code: str = ""
    essence: str = ""

    @property
    def is_server_error(self) -> bool:
        return self.type == "info" and self.status > 0

    @property
    def is_parked(self) -> bool:
        """Whether we said that it is durable, and will be booked once the ledger is back."""
        return self.type == "info" and self.status == 200 and self.code == LEDGER_UNAVAILABLE


@dataclass(frozen=True, slots=True)
class OurEvent:
    """An event as our database has it.

    ``net_minor`` is what its ledger lines made of the player's cash, bonus and pending pots.
    """

    provider: str
    id: str
    kind: str
    player: str
    currency: str
    stake_minor: int
    win_minor: int
    status: str
    code: str
    money_state: str
    net_minor: int

    @property
    def moved_money(self) -> bool:
        stands = self.money_state in {"held", "settled"}
        return stands and (self.stake_minor, self.win_minor) != (0, 0)


@dataclass(frozen=True, slots=True)
class Ours:
    """Everything the checker may know of our side when all is quiet."""

    events: tuple[OurEvent, ...]
    balances: Mapping[str, int]
    spendable: Mapping[str, int]
    conflicts: frozenset[tuple[str, str]]
    stray_subjects: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    unjudged: int = 0
    outbox_waiting: int = 0
    outbox_parked: int = 0
    spool_waiting: int = 0
    spool_set_aside: int = 0
    conflict_alerts: int = 0
    conflict_events: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the ledger while it was under fire."""

    at: float
    differences: tuple[str, ...]
    changed_rows: int


@dataclass(frozen=True, slots=True)
class Kill:
    """What the nemesis did: ``pids`` is what it signalled, and nothing else."""

    at: float
    kind: str
    pids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of the processes: when the gateway was not ready, and memory in MB."""

    down: tuple[tuple[float, float], ...] = ()
    memory: Mapping[str, tuple[tuple[float, int, float], ...]] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    drain_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run leaves behind; the checker sees this and nothing else.

    ``patience`` stretches the limits of time on a machine that other work shares. ``told``: the
    balance of each player that we told each provider in the end.
    """

    seed: int
    openings: Mapping[str, int]
    entries: tuple[Entry, ...]
    forged_only: frozenset[tuple[str, str]]
    history: tuple[Line, ...]
    ours: Ours
    samples: tuple[Sample, ...] = ()
    kills: tuple[Kill, ...] = ()
    watched: Watched = Watched()
    patience: float = 1.0
    told: tuple[tuple[str, str, int | None], ...] = ()
