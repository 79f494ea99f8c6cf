from dataclasses import dataclass
from typing import ClassVar

from apps.core.contracts import Event


@dataclass(frozen=True)
class PlayerExcluded(Event):
    """A player is kept from playing from now on: every game session ends.

    ``kind`` is self_exclusion, time_out or closure, or block where staff did it by hand and there
    is no exclusion.
    """

    topic: ClassVar[str] = "players.excluded"
    player_id: int
    exclusion_id: int | None
    kind: str


@dataclass(frozen=True)
class PlayerMoved(Event):
    """A player is in another jurisdiction: what may be served there is asked anew."""

    topic: ClassVar[str] = "players.moved"
    player_id: int
    left: str
    entered: str


@dataclass(frozen=True)
class RealityChecksMoved(Event):
    """A player's own time between reality checks changed, so the next one may be due sooner."""

    topic: ClassVar[str] = "players.reality_checks_moved"
    player_id: int
