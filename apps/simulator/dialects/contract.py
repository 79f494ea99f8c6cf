"""What a provider's side can say and hear, before it is put into a protocol's own words."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar


class Step(StrEnum):
    """What a provider asks of an operator's wallet."""

    BALANCE = "balance"
    STAKE = "stake"
    WIN = "win"
    PLAYED = "played"
    """Stake and win of a finished round in one message; only some protocols have it."""
    ROLLBACK = "rollback"
    REWARD = "reward"


class Closing(StrEnum):
    """How a provider says that a round is over."""

    FLAG = "flag"
    WIN = "win"
    NEVER = "never"


class Verdict(StrEnum):
    """What a provider concludes from an answer.

    ``RETRYABLE`` leaves open what the operator did, so a provider asks again or rolls back;
    ``REFUSED`` is definite: nothing was taken. ``PARKED`` was stored without moving money.
    """

    OK = "ok"
    REPEAT = "repeat"
    PARKED = "parked"
    REFUSED = "refused"
    UNAUTHENTICATED = "unauthenticated"
    RETRYABLE = "retryable"


@dataclass(frozen=True, slots=True)
class Seat:
    """A player in a launched game, as its provider knows it."""

    player_ref: str
    session_id: str
    currency: str
    game_code: str
    session_token: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """One message in neutral words. ``target_id``: the stake of a win, or what is rolled back.

    ``closes`` says that the round is over with it. ``fields`` adds to or replaces what the message
    holds, in the provider's own names; ``without`` leaves some of it out.
    """

    step: Step
    seat: Seat
    tx_id: str = ""
    round_id: str = ""
    amount_minor: int = 0
    win_minor: int = 0
    target_id: str = ""
    closes: bool = False
    is_free: bool = False
    campaign: str = ""
    jackpot_minor: int = 0
    before_minor: int = 0
    """The balance that the provider last saw; protocols that state balances state this one."""
    at: datetime | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What goes over the wire. ``signed_text`` is what the signature covers where not the body."""

    method: str
    path: str
    body: bytes
    query: str = ""
    signed_text: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, in neutral words. ``http_status`` 0: the connection gave no answer."""

    verdict: Verdict
    code: str
    balance_minor: int | None
    http_status: int
    our_id: str
    raw: bytes

    @property
    def is_success(self) -> bool:
        return self.verdict in {Verdict.OK, Verdict.REPEAT}


@dataclass(frozen=True, slots=True)
class RunKey:
    """A key that a provider signs with. ``registered`` is the text that the operator stores."""

    registered: str
    signing: Any


class Dialect(ABC):
    """One protocol from the provider's side.

    ``marks_repeats``: the answer to a repetition says so. ``refusals`` gives, for each reason in
    neutral words, the codes that the protocol has for it; a reason it has no word for is absent.
    """

    name: ClassVar[str]
    protocol: ClassVar[str]
    marks_repeats: ClassVar[bool]
    signature_header: ClassVar[str]
    game_codes: ClassVar[tuple[str, str]] = ("acceptance-test", "acceptance-secondary-test")
    uncovered_game: ClassVar[str] = "acceptance-uncovered-test"
    """A game that is there and on offer, and that no certificate covers."""
    refusals: ClassVar[Mapping[str, frozenset[str]]]
    demands: ClassVar[Mapping[str, str]] = {}
    """Policy flags that the protocol's own text decides, so that no setting may say otherwise."""
    closing: ClassVar[Closing] = Closing.FLAG
    amount_field: ClassVar[str]
    win_field: ClassVar[str] = "amount"
    round_field: ClassVar[str]
    currency_field: ClassVar[str] = ""
    game_field: ClassVar[str] = ""

    @abstractmethod
    def new_key(self) -> RunKey:
        """Make a key of the kind this protocol signs with."""

    @abstractmethod
    def key_from(self, stored: str) -> RunKey:
        """Return a key from what was kept of an earlier ``new_key``."""

    @abstractmethod
    def new_transaction(self) -> str: ...

    @abstractmethod
    def write(self, move: Move, *, key: RunKey, now: datetime) -> Request:
        """Put a message into the protocol's words; ``now`` is its time where it names none."""

    @abstractmethod
    def sign(self, request: Request, key: RunKey, *, now: datetime) -> dict[str, str]:
        """Return the headers that prove where a request comes from."""

    @abstractmethod
    def read(self, move: Move, status: int, body: bytes) -> Answer:
        """Understand an answer as a provider of this protocol does."""

    @abstractmethod
    def amount(self, minor: int, currency: str) -> Any:
        """Return an amount as this protocol writes it."""

    @abstractmethod
    def below_smallest(self, minor: int, currency: str) -> Any | None:
        """Return the amount and a bit more, finer than the currency; None where none can be."""

    @property
    @abstractmethod
    def malformed_amounts(self) -> tuple[Any, ...]:
        """Return amounts that this protocol's grammar does not allow."""

    def new_round(self) -> str:
        return "r-" + secrets.token_hex(8)

    def negative(self, minor: int, currency: str) -> Any:
        """Return an amount below zero as this protocol would have to write it."""
        return self.amount(-minor, currency)


_DECIMALS = {"JPY": 0, "KRW": 0, "CLP": 0, "KWD": 3, "BHD": 3, "TND": 3}


def decimals_of(currency: str) -> int:
    """Return how many decimals a currency has; most have two."""
    return _DECIMALS.get(currency, 2)


def main_units(minor: int, currency: str) -> str:
    """Return an amount in main units with all its decimals: 150 is ``1.50`` in EUR."""
    return format(Decimal(minor).scaleb(-decimals_of(currency)), "f")


def minor_units(text: object, currency: str) -> int | None:
    """Return minor units of a decimal in main units, or None for what is none or is finer."""
    if not isinstance(text, str):
        return None
    try:
        scaled = Decimal(text).scaleb(decimals_of(currency))
    except ArithmeticError:
        return None
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        return None
    return int(scaled)


def with_changes(move: Move, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message's content with the fields that a move adds, replaces or leaves out."""
    merged = {**content, **move.fields}
    return {name: value for name, value in merged.items() if name not in move.without}
