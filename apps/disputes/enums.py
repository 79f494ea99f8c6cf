from django.db import models


class CaseType(models.TextChoices):
    """What players dispute, by the shares that dispute bodies publish."""

    SETTLEMENT = "settlement", "Settlement or outcome"
    IDENTITY = "identity", "Identity or KYC hold"
    SELF_EXCLUSION = "self_exclusion", "Self-exclusion or social responsibility"
    BONUS_TERMS = "bonus_terms", "Bonus terms"
    DELAYED_WITHDRAWAL = "delayed_withdrawal", "Delayed withdrawal"
    MALFUNCTION = "malfunction", "Game malfunction or interrupted round"
    ACCOUNT_CLOSURE = "account_closure", "Account closure"
    DUPLICATE_ACCOUNT = "duplicate_account", "Duplicate account"


class CaseState(models.TextChoices):
    OPEN = "open", "Open"
    IN_REVIEW = "in_review", "In review"
    CREDIT_REQUESTED = "credit_requested", "Credit requested"
    RESOLVED = "resolved", "Resolved"
    REJECTED = "rejected", "Rejected"


CLOSED_STATES = (CaseState.RESOLVED, CaseState.REJECTED)


class NoteKind(models.TextChoices):
    NOTE = "note", "Note"
    OPENED = "opened", "Opened"
    ASSIGNED = "assigned", "Assigned"
    ACKNOWLEDGED = "acknowledged", "Acknowledged to the player"
    CREDIT_REQUESTED = "credit_requested", "Credit requested"
    CREDITED = "credited", "Credited"
    RESOLVED = "resolved", "Resolved"
    REJECTED = "rejected", "Rejected"
