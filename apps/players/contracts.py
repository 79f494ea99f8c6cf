from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

REHEARSAL_JURISDICTION: Final = "ZZ"
"""A code that ISO 3166 leaves to users: where test players live, and nobody else.

Their play is no provider's round log and nobody's revenue.
"""


@dataclass(frozen=True, slots=True)
class PlayerRef:
    """What other apps may know of a player: identity and standing, no personal data."""

    id: int
    player_ref: str
    currency: str
    jurisdiction: str
    kyc_status: str
    status: str

    @property
    def may_stake(self) -> bool:
        """Only an active player places new stakes; money back is never refused."""
        return self.status == "active"


@dataclass(frozen=True, slots=True)
class PlayerRecord:
    """A player as an operator's file states it, before it is stored."""

    player_ref: str
    currency: str
    jurisdiction: str
    kyc_status: str


@dataclass(frozen=True, slots=True)
class PlayerUpdate:
    """A player as the operator's system states it now; None leaves a field as it stands."""

    player_ref: str
    currency: str
    jurisdiction: str
    kyc_status: str
    status: str | None = None
    date_of_birth: date | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A regulator's number as data: what it says, where, from when, and how well it is known.

    ``quote`` is the source's own words, where somebody has them.
    """

    id: str
    jurisdiction: str
    kind: str
    value: int
    citation: str
    effective_from: date
    effective_to: date | None
    evidence: str
    checked_on: date | None
    currency: str = ""
    category: str = ""
    below_age: int | None = None
    url: str = ""
    quote: str = ""

    def is_in_force(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on < self.effective_to)


@dataclass(frozen=True, slots=True)
class SupportLink:
    """Where a player in a jurisdiction finds help."""

    id: str
    jurisdiction: str
    name: str
    phone: str
    url: str
    evidence: str
    checked_on: date | None


@dataclass(frozen=True, slots=True)
class LimitRequest:
    """A limit somebody asks for: minor units or, as its kind says, minutes; neither removes it."""

    player_id: int
    kind: str
    source: str
    asked_by: str
    reason: str
    amount_minor: int | None = None
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class LimitChange:
    """What came of a request: the limit's row, if any, and the moment from which it holds."""

    kind: str
    limit_id: int | None
    effective_at: datetime
    is_pending: bool


@dataclass(frozen=True, slots=True)
class ExclusionRequest:
    """An exclusion somebody asks for; without ``ends_at`` it has no end of its own."""

    player_id: int
    kind: str
    source: str
    asked_by: str
    reason: str
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProtectionReason:
    """One thing that keeps a player from playing or paying in; ``until`` is when it lets go."""

    code: str
    text: str
    until: datetime | None = None

    @property
    def is_limit(self) -> bool:
        """A used-up limit ends by itself; everything else keeps the player out until resolved."""
        return self.code.endswith("_limit")


@dataclass(frozen=True, slots=True)
class RealityCheckRecord:
    """What a player was shown in a reality check, or how it was answered."""

    player_id: int
    session_ref: str
    shown_at: datetime
    step: str
    minutes_played: int
    staked_minor: int
    won_minor: int


@dataclass(frozen=True, slots=True)
class RealityCheckClock:
    """When the next reality check is due, and by when it must be acknowledged to play on.

    Both are None where no rule says so.
    """

    due_at: datetime | None
    acknowledge_by: datetime | None


@dataclass(frozen=True, slots=True)
class RealityCheckInterval:
    """After how many minutes a check is due: the shorter of the rule's and the player's own."""

    rule_minutes: int | None
    own_minutes: int | None

    @property
    def minutes(self) -> int | None:
        known = [one for one in (self.rule_minutes, self.own_minutes) if one is not None]
        return min(known, default=None)


@dataclass(frozen=True, slots=True)
class RealityCheckLine:
    """A reality check as it was shown, with its answer; without one, ``answer`` is empty."""

    check_id: int
    session_ref: str
    shown_at: datetime
    minutes_played: int
    staked_minor: int
    won_minor: int
    answer: str = ""
    answered_at: datetime | None = None

    @property
    def net_minor(self) -> int:
        return self.won_minor - self.staked_minor


@dataclass(frozen=True, slots=True)
class LimitUse:
    """A limit with what is used of its window, in minor units or minutes; None without a window."""

    kind: str
    source: str
    allowed: int
    used: int | None
    effective_from: datetime
    effective_until: datetime | None

    @property
    def left(self) -> int | None:
        return None if self.used is None else max(0, self.allowed - self.used)


@dataclass(frozen=True, slots=True)
class ProtectionRecordRow:
    """One thing that was done or looked at for a player's protection."""

    at: datetime
    player_id: int
    player_ref: str
    kind: str
    what: str
    who: str
    basis: str
    row_id: int
