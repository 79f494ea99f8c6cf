from django.db import models


class RoundType(models.TextChoices):
    BASE = "base", "Base"
    FREE_SPIN = "free_spin", "Free spin"
    BONUS = "bonus", "Bonus"
    JACKPOT = "jackpot", "Jackpot"
    CASCADE = "cascade", "Cascade"
    LIVE_HAND = "live_hand", "Live hand"
    ROLLBACK = "rollback", "Rollback"
    ADJUSTMENT = "adjustment", "Adjustment"


class EventStatus(models.TextChoices):
    """Where an event stands with us; the answer a provider got first."""

    ACCEPTED = "accepted", "Accepted"
    TENTATIVE = "tentative", "Tentative"
    PARKED = "parked", "Parked"
    REJECTED = "rejected", "Refused"


class MoneyState(models.TextChoices):
    """What an event's money is doing now."""

    NONE = "none", "No money"
    HELD = "held", "Held"
    SETTLED = "settled", "Settled"
    ROLLED_BACK = "rolled_back", "Rolled back"


class RoundState(models.TextChoices):
    """``STUCK`` is a round that a person looks at: left open too long, or closed with a stake held.

    One that was closed keeps the time it was closed at, and stays closed to new stakes.
    """

    OPEN = "open", "Open"
    STUCK = "stuck", "Stuck"
    SETTLED = "settled", "Settled"
    ROLLED_BACK = "rolled_back", "Rolled back"


class Origin(models.TextChoices):
    """Who made the event: the provider, or our own approved correction."""

    CALLBACK = "callback", "Provider callback"
    CORRECTION = "correction", "Approved correction"
