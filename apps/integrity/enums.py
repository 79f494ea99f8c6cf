from django.db import models


class ReportSource(models.TextChoices):
    FILE = "file", "File"
    API = "api", "API"


class LineVerdict(models.TextChoices):
    """What the register says to one reported digest.

    ``UNKNOWN``: no report in force names the file, so that it proves and disproves nothing.
    """

    MATCH = "match", "As certified"
    MISMATCH = "mismatch", "Not as certified"
    UNKNOWN = "unknown", "Not certified"


class FaultKind(models.TextChoices):
    MISMATCH = "mismatch", "Another digest than certified"
    MISSING = "missing", "Certified file was not reported"


class FaultState(models.TextChoices):
    OPEN = "open", "Open"
    CLEARED = "cleared", "Cleared by a later report"
    ACCEPTED = "accepted", "Accepted by two people"


class OnMismatch(models.TextChoices):
    CLOSE = "close", "Close the game and end its sessions"
    ALERT = "alert", "Alert only"
