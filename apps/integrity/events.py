from dataclasses import dataclass
from typing import ClassVar

from apps.core.contracts import Event


@dataclass(frozen=True)
class FaultOpened(Event):
    """A game server runs a file that is not the certified one, or did not report one."""

    topic: ClassVar[str] = "integrity.fault_opened"
    fault_id: int
    provider: str
    game: str
    kind: str
    path: str
