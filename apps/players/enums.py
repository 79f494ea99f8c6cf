from django.db import models


class KycStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    VERIFIED = "verified", "Verified"
    REJECTED = "rejected", "Rejected"


class PlayerStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    BLOCKED = "blocked", "Blocked"
    SELF_EXCLUDED = "self_excluded", "Self-excluded"
    CLOSED = "closed", "Closed"


class LimitKind(models.TextChoices):
    """What a limit counts. A wager limit counts stakes placed in the trailing period."""

    WAGER_24H = "wager_24h", "Wagered in 24 hours"
