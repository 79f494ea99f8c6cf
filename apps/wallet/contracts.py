from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

LARGEST_AMOUNT_MINOR: Final = 10**14
"""The most that one message from outside may name: one deposit, stake, win or transfer."""

LARGEST_CREDITED_MINOR: Final = 10**17
"""The most that a player's pots may hold together after a deposit or a win."""

LARGEST_BALANCE_MINOR: Final = 10**18
"""The most that one pot may hold. It is ten times what deposits and wins may fill, so that money
that goes back, which nobody may refuse, always finds room."""


@dataclass(frozen=True, slots=True)
class PlayerPot:
    """A pot of a player: one side of a transfer.

    A pot set apart for a provider (``play_models``) is opened when money first comes to it.
    """

    player_id: int
    pot: str


RECEIVABLE: Final = "receivable:"
"""What a player owes us stands on the house account of this prefix and the player's reference."""


@dataclass(frozen=True, slots=True)
class House:
    """A house account by name, for example ``gaming:aurora``; opened when first used."""

    name: str


WRITTEN_OFF: Final = House("written_off")
"""What the house bears of what players owed."""


type Side = PlayerPot | House


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """Money to move from ``debit`` to ``credit``: a positive amount in minor units.

    ``reverses_key`` is the idempotency key of the transfer this one takes back.
    """

    idempotency_key: str
    debit: Side
    credit: Side
    amount_minor: int
    currency: str
    kind: str
    subject: str
    occurred_at: datetime
    reverses_key: str = ""
    note: str = ""


@dataclass(slots=True)
class Wallet:
    """A player's pots under lock, carried through a batch: ids by pot and running balances.

    A pot that isn't opened yet holds nothing.
    """

    player_id: int
    player_ref: str
    currency: str
    account_ids: dict[str, int] = field(default_factory=dict)
    balances: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    jurisdiction: str = ""


@dataclass(frozen=True, slots=True)
class PostedLine:
    """A ledger line as a rollback needs it; a pot is empty where that side is a house account."""

    key: str
    kind: str
    debit_pot: str
    credit_pot: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class TransferLine:
    """A transfer as people read it."""

    id: int
    idempotency_key: str
    kind: str
    debit: str
    credit: str
    amount_minor: int
    currency: str
    occurred_at: datetime
    created_at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """Money to move between a player's cash and the player's wallet at a provider, once per key."""

    player_id: int
    provider_id: int
    provider_code: str
    direction: str
    amount_minor: int
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class GameTransferRef:
    """A transfer between our ledger and a provider's wallet, as other apps see it."""

    id: int
    public_id: str
    player_id: int
    player_ref: str
    provider_id: int
    provider_code: str
    direction: str
    amount_minor: int
    currency: str
    state: str
    attempts: int
    requested_at: datetime
    decided_at: datetime | None
    code: str


@dataclass(frozen=True, slots=True)
class Receivable:
    """What a player owes us in one currency: played stakes and spent wins that no pot covered."""

    account_id: int
    player_ref: str
    currency: str
    open_minor: int


@dataclass(slots=True)
class EndedDebt:
    """One end of a receivable: what of it no rollback has given back yet.

    ``key`` and ``subject`` are those of the transfer that ended it.
    """

    key: str
    subject: str
    is_settled: bool
    left_minor: int


@dataclass(slots=True)
class Debt:
    """What a player owes, as a batch carries it: still open, and what people ended of it.

    The ends stand in the order in which a rollback gives them back: the player's own cash first.
    """

    open_minor: int
    ends: list[EndedDebt] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ComparedPot:
    """A pot, how many balances its provider stated in the chain, and where it first differs.

    Without a difference the figures are None. ``is_carried``: it differed before the chain began.
    ``moved_minor`` is what moved here between the word before, if there was one, and this one.
    """

    account_id: int
    currency: str
    words: int
    ours_minor: int | None
    theirs_minor: int | None
    event_id: str
    event_at: datetime | None
    is_carried: bool
    event_before: str
    theirs_before_minor: int | None
    moved_minor: int | None


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit of one provider's pots compared and newly found."""

    audit_id: int
    provider_code: str
    compared: int
    unheard: int
    words: int
    findings: int
    audited_at: datetime


@dataclass(frozen=True, slots=True)
class LedgerVerdict:
    """What a fold over every transfer found; ``problems`` is empty when the ledger holds."""

    transfers: int
    accounts: int
    sums: Mapping[str, int]
    seals: int
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.problems
