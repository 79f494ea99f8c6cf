"""What core takes from and gives to the other apps."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

type Json = bool | int | str | list["Json"] | dict[str, "Json"] | None


@dataclass(frozen=True)
class Event:
    """A fact that one app tells the apps above it.

    Subclasses are frozen dataclasses with a ``topic`` and fields that are ids or other plain JSON;
    who listens is one line in ``config/subscriptions.py``.
    """

    topic: ClassVar[str]

    def payload(self) -> dict[str, Any]:
        """Return the fields as the keyword arguments that the subscribed task gets."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What a walk over one audit chain found; ``first_bad_id`` is None when it holds."""

    chain: str
    entries: int
    head_hash: str
    first_bad_id: int | None = None
    why: str = ""

    @property
    def holds(self) -> bool:
        return self.first_bad_id is None and not self.why


@dataclass(frozen=True, slots=True)
class OutboxClaim:
    """One outbox message that this process may send now."""

    id: int
    task: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SendReport:
    """How a round of sending went; ``failed`` messages stay due."""

    sent: int
    failed: int
    parked: int = 0
