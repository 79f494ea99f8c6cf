from apps.rounds.models.deliveries import (
    Delivery,
    DeliveryVerdict,
    SweptThrough,
    UnjudgedDelivery,
)
from apps.rounds.models.play import BalanceDrift, Conflict, EventAttempt, Round, RoundEvent

__all__ = [
    "BalanceDrift",
    "Conflict",
    "Delivery",
    "DeliveryVerdict",
    "EventAttempt",
    "Round",
    "RoundEvent",
    "SweptThrough",
    "UnjudgedDelivery",
]
