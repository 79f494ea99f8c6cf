"""What the layers above pass in and get back on the wagering path.

All amounts are minor units of the grant's currency. Weights are basis points: 10,000 is 100 %.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from apps.bonuses.enums import GrantState, ReceiptReason

FULL_WEIGHT_BP = 10_000


@dataclass(frozen=True, slots=True)
class WeightTable:
    """The game weights of one rule version."""

    games: Mapping[str, int] = field(default_factory=dict)
    categories: Mapping[str, int] = field(default_factory=dict)

    def weight_bp(self, game_code: str, category: str) -> int:
        """Return the weight of a game; a game's own weight beats its category's.

        A category nobody weighted counts 0: turnover is never given away by an omission.
        """
        if game_code in self.games:
            return self.games[game_code]
        return self.categories.get(category, 0)


@dataclass(frozen=True, slots=True)
class WageringState:
    """A grant as the wagering path sees it: locked, and carried through a batch by value."""

    grant_id: int
    player_id: int
    currency: str
    remaining_minor: int
    required_minor: int
    rule_id: int
    rule_version: int
    max_bet_minor: int | None
    contribution_cap_minor: int | None
    weights: WeightTable
    granted_at: datetime
    expires_at: datetime
    state: GrantState

    @property
    def is_completed(self) -> bool:
        return self.state == GrantState.COMPLETED

    def is_open_at(self, moment: datetime) -> bool:
        """Whether a bet of that moment is played under this grant (the max bet applies)."""
        return self.state == GrantState.ACTIVE and self.granted_at <= moment < self.expires_at

    def exceeds_max_bet(self, stake_minor: int) -> bool:
        """Whether a stake is over the rule's maximum; the maximum itself is allowed."""
        return self.max_bet_minor is not None and stake_minor > self.max_bet_minor


@dataclass(frozen=True, slots=True)
class GrantFact:
    """A grant of a player and what became of it."""

    grant_id: int
    granted_at: datetime
    state: GrantState


@dataclass(frozen=True, slots=True)
class Receipt:
    """How one bet moved one grant's requirement, with everything needed to recompute it.

    A reversal has a negative ``counted_minor`` and the weight and version of the original. If the
    grant was already closed the requirement isn't reopened: ``counted_minor`` is 0 and the turnover
    that no longer exists stands in ``unrecovered_minor``, which staff see flagged.
    """

    grant_id: int
    subject: str
    stake_minor: int
    weight_bp: int
    cap_minor: int | None
    max_bet_minor: int | None
    counted_minor: int
    remaining_before_minor: int
    remaining_after_minor: int
    rule_version: int
    reason: ReceiptReason
    currency: str
    game_code: str
    occurred_at: datetime
    event_pk: int | None = None
    unrecovered_minor: int = 0
    is_reversal: bool = False
    grant_remaining_minor: int = 0
    """The grant's remaining turnover when the receipt was read; used for closed grants only."""

    @property
    def is_flagged(self) -> bool:
        return self.unrecovered_minor > 0


@dataclass(frozen=True, slots=True)
class Requirement:
    """The turnover a grant asks for, and the sum it comes from."""

    multiple: Decimal
    basis: str
    deposit_minor: int
    bonus_minor: int
    required_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """The terms of a new rule version; see ``models.BonusRule`` for each field's meaning."""

    code: str
    name: str
    currency: str
    percent_bp: int
    basis: str
    requirement_multiple: Decimal
    expires_after_days: int
    jurisdiction: str = ""
    max_bonus_minor: int | None = None
    max_bet_minor: int | None = None
    contribution_cap_minor: int | None = None
    requires_verified_kyc: bool = True


@dataclass(frozen=True, slots=True)
class GrantProgress:
    """How far a grant is, ready to show; amounts in minor units."""

    grant_id: int
    state: str
    currency: str
    done_minor: int
    required_minor: int
    done_bp: int
    """Done as basis points of required, rounded down: 10,000 only when nothing remains."""
    sentence: str


@dataclass(frozen=True, slots=True)
class ExpiryReport:
    """What one run of the expiry found and did."""

    expired: int
    forfeited: tuple[tuple[str, int], ...] = ()
    """Bonus money returned to the house, (currency, minor units)."""
