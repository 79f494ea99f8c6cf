"""Rounds, events and deliveries: looked at, never edited."""

from apps.rounds.admin.deliveries import (
    BalanceDriftAdmin,
    ConflictAdmin,
    DeliveryAdmin,
    EventAttemptAdmin,
)
from apps.rounds.admin.events import RoundAdmin, RoundEventAdmin

__all__ = [
    "BalanceDriftAdmin",
    "ConflictAdmin",
    "DeliveryAdmin",
    "EventAttemptAdmin",
    "RoundAdmin",
    "RoundEventAdmin",
]
