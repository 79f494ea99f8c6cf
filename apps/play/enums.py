from django.db import models


class SigningKeyState(models.TextChoices):
    """A retired key signs no more, but what it signed lives to its end; a revoked one ends it."""

    ACTIVE = "active", "Active"
    RETIRED = "retired", "Retired"
    REVOKED = "revoked", "Revoked"
