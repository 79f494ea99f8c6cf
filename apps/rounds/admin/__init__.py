"""Rounds, events and deliveries: looked at, never edited."""

from apps.rounds.admin.deliveries import DeliveryAdmin
from apps.rounds.admin.events import RoundAdmin, RoundEventAdmin
from apps.rounds.admin.findings import BalanceDriftAdmin, ConflictAdmin, EventAttemptAdmin

__all__ = [
    "BalanceDriftAdmin",
    "ConflictAdmin",
    "DeliveryAdmin",
    "EventAttemptAdmin",
    "RoundAdmin",
    "RoundEventAdmin",
]
