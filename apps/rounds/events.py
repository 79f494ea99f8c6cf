from dataclasses import dataclass
from typing import ClassVar

from apps.core.contracts import Event


@dataclass(frozen=True)
class ConflictSeen(Event):
    """A provider sent an event id again with other content; nothing moved."""

    topic: ClassVar[str] = "rounds.conflict_seen"
    provider_id: int
    event_id: str


@dataclass(frozen=True)
class PlayerOverdrawn(Event):
    """A played round cost more than the player had; the rest stands on a receivable account."""

    topic: ClassVar[str] = "rounds.player_overdrawn"
    provider_id: int
    event_id: str
    player_id: int


@dataclass(frozen=True)
class RoundsStuck(Event):
    """Rounds of a provider hold a stake and were left open for over a day."""

    topic: ClassVar[str] = "rounds.stuck"
    provider_id: int
    count: int


@dataclass(frozen=True)
class DeliveryNotJudged(Event):
    """A delivery was stored, and applying it has failed several times."""

    topic: ClassVar[str] = "rounds.delivery_not_judged"
    provider_id: int
    delivery_id: int
    error: str


@dataclass(frozen=True)
class PastPlayTaken(Event):
    """Play of a day of UTC that is over for days came in, or was settled or undone."""

    topic: ClassVar[str] = "rounds.past_play_taken"
    provider_id: int
    day: str
