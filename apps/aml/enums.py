from django.db import models


class Suspicion(models.TextChoices):
    """What is suspected; it decides how long there is to report."""

    TERRORISM_FINANCING = "terrorism_financing", "Terrorism financing"
    MONEY_LAUNDERING = "money_laundering", "Money laundering"
    FRAUD = "fraud", "Fraud or identity crime"
    OTHER = "other", "Other crime"


class MatterState(models.TextChoices):
    OPEN = "open", "Open"
    REPORTED = "reported", "Reported (SMR lodged)"
    CLOSED = "closed", "Closed without a report"


class Deed(models.TextChoices):
    """What somebody did inside the compartment."""

    LISTED = "listed", "Looked at a list"
    READ = "read", "Read a matter"
    CARD = "card", "Looked at a player's card"
    OPENED = "opened", "Opened a matter"
    NOTED = "noted", "Added a note"
    REPORTED = "reported", "Recorded the report"
    CLOSED = "closed", "Closed without a report"
    VERIFIED = "verified", "Verified the access log"
