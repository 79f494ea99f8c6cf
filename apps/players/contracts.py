from dataclasses import dataclass
from datetime import datetime


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
class WagerLimit:
    """The lowest wager limit in force for a player: minor units per trailing 24 hours."""

    player_id: int
    amount_minor: int
    effective_from: datetime
