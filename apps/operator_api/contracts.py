from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from apps.play.contracts import OpenedSession


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who calls: the client behind a token that holds now, and what it may do."""

    client_id: int
    client_name: str
    token_id: int
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made. ``secret`` is shown once and stored nowhere."""

    token_id: int
    secret: str
    prefix: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that must take effect once: whose key it is and what it asks for."""

    client_id: int
    key: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a keyed request was answered with, the first time and every time after."""

    status: int
    body: dict[str, Any]
    is_repeat: bool = False

    @property
    def is_success(self) -> bool:
        return self.status < 400


@dataclass(frozen=True, slots=True)
class MoneyOrder:
    """Money to move in or out of a player's cash, once per client and key."""

    client_id: int
    key: str
    player_ref: str
    direction: str
    amount: str
    currency: str
    reference: str
    provider_code: str = ""


@dataclass(frozen=True, slots=True)
class CashOutOrder:
    """All that a player has at a provider, back to the player's cash, once per client and key."""

    client_id: int
    key: str
    player_ref: str
    provider_code: str
    reference: str


@dataclass(frozen=True, slots=True)
class FundedLaunch:
    """A session to open with money set apart for it, which moves once per client and key."""

    request: KeyedRequest
    player_ref: str
    provider_code: str
    game_code: str
    amount: str


@dataclass(frozen=True, slots=True)
class FundedSession:
    """What came of a funded launch: the answer about its money, and the session if it has any."""

    funding: Answer
    session: OpenedSession | None


@dataclass(frozen=True, slots=True)
class ProviderBalance:
    """What a player's wallet at a provider holds, by the provider's word and by ours."""

    player_ref: str
    provider_code: str
    currency: str
    ours_minor: int
    theirs_minor: int
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class MoneyMoved:
    """A transfer and what the player has after it.

    ``state`` is posted, or requested where a provider has yet to say that it took the money.
    """

    transfer_id: str
    state: str
    player_ref: str
    direction: str
    amount_minor: int
    currency: str
    reference: str
    balances: dict[str, int]
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class EligibilityReason:
    """One thing about a withdrawal: what it is, how much, and where it is resolved.

    With ``blocks`` it must be resolved first; without, it only explains the amount.
    """

    code: str
    text: str
    blocks: bool
    value: str
    resolve_at: str


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether a player may withdraw, how much, and everything that bears on it."""

    player_ref: str
    currency: str
    withdrawable_minor: int
    reasons: tuple[EligibilityReason, ...]

    @property
    def is_eligible(self) -> bool:
        return not any(reason.blocks for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class WantedLimit:
    """A protection limit as the operator's system states it; no value removes it."""

    kind: str
    amount: str | None
    minutes: int | None


@dataclass(frozen=True, slots=True)
class WantedExclusion:
    kind: str
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class MirroredPlayer:
    """A player as the operator's system states it now."""

    player_ref: str
    currency: str
    jurisdiction: str
    kyc_status: str
    status: str | None = None
    date_of_birth: date | None = None
    limits: tuple[WantedLimit, ...] = ()
    exclusion: WantedExclusion | None = None
