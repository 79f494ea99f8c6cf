from django.db import models


class RuleState(models.TextChoices):
    DRAFT = "draft", "Draft"
    ACTIVE = "active", "Active"
    RETIRED = "retired", "Retired"


class RequirementBasis(models.TextChoices):
    """What the requirement multiplies: the bonus alone (B) or deposit and bonus (D+B)."""

    BONUS = "bonus", "Bonus (B)"
    DEPOSIT_AND_BONUS = "deposit_and_bonus", "Deposit and bonus (D+B)"


class GrantState(models.TextChoices):
    ACTIVE = "active", "Active"
    COMPLETED = "completed", "Completed"
    EXPIRED = "expired", "Expired"
    FORFEITED = "forfeited", "Forfeited"


class ReceiptReason(models.TextChoices):
    COUNTED = "counted", "Counted"
    CAPPED = "capped", "Counted up to the cap"
    NO_STAKE = "no_stake", "No stake"
    ZERO_WEIGHT = "zero_weight", "Game does not count"
    OVER_MAX_BET = "over_max_bet", "Over the maximum bet"
    BEFORE_GRANT = "before_grant", "Played before the grant"
    EXPIRED = "expired", "Played after expiry"
    REQUIREMENT_MET = "requirement_met", "Requirement already met"
    ROLLED_BACK = "rolled_back", "Rolled back"
