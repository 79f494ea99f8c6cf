from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PositionRow:
    """One game of one provider in one currency on one reporting day; amounts in minor units.

    ``start`` and ``end`` are the day by the provider's clock. ``actual_rtp`` is None where nothing
    was staked. ``is_enough_play`` is false below ``ENOUGH_ROUNDS``: then the actual RTP says
    nothing about the game.
    """

    provider_id: int
    provider_code: str
    provider_name: str
    start: datetime
    end: datetime
    day: date
    currency: str
    game_code: str
    rounds: int
    stake_minor: int
    win_minor: int
    corrections_minor: int
    open_minor: int
    ggr_minor: int
    actual_rtp: Decimal | None
    theoretical_rtp: Decimal | None
    is_enough_play: bool


@dataclass(frozen=True, slots=True)
class PositionTotal:
    """All games of one provider in one currency on one reporting day; amounts in minor units."""

    provider_id: int
    provider_name: str
    start: datetime
    end: datetime
    currency: str
    rounds: int
    stake_minor: int
    win_minor: int
    corrections_minor: int
    open_minor: int
    ggr_minor: int
    actual_rtp: Decimal | None
