from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.providers.contracts import CanonicalEvent, EventRefusal, ProviderProfile
from apps.rounds.enums import Origin


@dataclass(frozen=True, slots=True)
class Clocks:
    """``received_at`` judges the traffic, ``now`` judges our own keys; they differ in replay."""

    received_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Inbound:
    """An authentic callback in flight: who sent it, when, and its bytes."""

    provider: ProviderProfile
    received_at: datetime
    message_id: str
    key_id: str
    path: str
    headers: dict[str, str]
    body: bytes
    events: tuple[CanonicalEvent | EventRefusal, ...]


@dataclass(frozen=True, slots=True)
class ToJudge:
    """A stored delivery with its parsed events, ready to be applied."""

    provider: ProviderProfile
    received_at: datetime
    delivery_id: int | None
    events: tuple[CanonicalEvent | EventRefusal, ...]
    origin: Origin = Origin.CALLBACK


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer for one event; ``balance_minor`` is what the player can stake now."""

    event_id: str
    status: str
    code: str
    balance_minor: int | None
    currency: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Refused input to be counted; ``provider_id`` is None where nobody proved who called."""

    provider_id: int | None
    code: str
    at: datetime
    event_id: str = ""
    detail: str = ""


type Answer = list[dict[str, Any]]
