from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class RoundRow:
    """A round under the player's lock, changed in place while a batch is judged."""

    id: int
    provider_id: int
    round_ref: str
    player_id: int
    game_id: int
    currency: str
    state: str
    stake_minor: int
    stake_bonus_minor: int
    win_minor: int
    standing_events: int
    opened_at: datetime
    settled_at: datetime | None
    is_new: bool = False
    is_changed: bool = False
    held: list["EventRow"] = field(default_factory=list)
    ended_bonus_minor: int = 0
    """What of its stakes came from bonuses before the player's running one; not stored."""


@dataclass(frozen=True, slots=True)
class StuckRound:
    """A round that its provider left open, in minor units: what it holds, what it took at once.

    ``paid_minor`` are the wins that were paid; of them ``won_with_stake_minor`` came in one message
    with a stake that it took, and goes back with it. ``standing_events`` are the messages that
    stand: a win of nothing tells that a stake was played, and is in no sum.
    """

    id: int
    provider_id: int
    provider_code: str
    round_ref: str
    player_ref: str
    game_code: str
    currency: str
    opened_at: datetime
    held_minor: int
    pending_minor: int
    taken_minor: int
    paid_minor: int
    won_with_stake_minor: int
    standing_events: int


@dataclass(slots=True)
class EventRow:
    """An event as stored, or about to be; changed in place while a batch is judged."""

    id: int
    provider_id: int
    event_id: str
    fingerprint: str
    final_fingerprint: str
    round_id: int | None
    player_id: int | None
    player_ref: str
    game_id: int | None
    game_code: str
    round_ref: str
    occurred_at: datetime
    received_at: datetime
    bet_minor: int
    win_minor: int
    stake_bonus_minor: int
    win_bonus_minor: int
    overdrawn_minor: int
    currency: str
    round_type: str
    balance_before_minor: int | None
    balance_after_minor: int | None
    finalized: bool
    reference_event_id: str
    promo_campaign: str
    promo_multiplier: str
    status: str
    code: str
    money_state: str
    balance_minor: int | None
    delivery_id: int | None
    origin: str
    operation: str
    is_free: bool
    jackpot_minor: int
    is_new: bool = False
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A further delivery of an event, or of one that was refused and not stored."""

    provider_id: int
    event_id: str
    delivery_id: int
    received_at: datetime
    status: str
    code: str


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """The same event id with other content, as it was sent.

    ``is_of_test_player`` is about this content; whose event it contradicts is looked up when the
    conflict is written.
    """

    provider_id: int
    event_id: str
    fingerprint: str
    content: dict[str, Any]
    delivery_id: int
    seen_at: datetime
    is_of_test_player: bool = False


@dataclass(frozen=True, slots=True)
class DriftRow:
    """The provider's balance minus ours for a player, after an event (minor units)."""

    provider_id: int
    player_id: int
    difference_minor: int
    event_id: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """An authentic delivery to store, byte for byte."""

    provider_id: int
    received_at: datetime
    message_id: str
    key_id: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """What was answered to a delivery."""

    delivery_id: int
    http_status: int
    results: list[dict[str, Any]]
    judged_at: datetime


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One delivery attempt of an event, for people."""

    delivery_id: int
    received_at: datetime
    status: str
    code: str
    message_id: str
    http_status: int | None
    body: bytes
    headers: dict[str, str]
