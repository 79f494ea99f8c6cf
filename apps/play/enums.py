from django.db import models


class SigningKeyState(models.TextChoices):
    """A retired key signs no more, but what it signed lives to its end; a revoked one ends it."""

    ACTIVE = "active", "Active"
    RETIRED = "retired", "Retired"
    REVOKED = "revoked", "Revoked"


class SessionEnd(models.TextChoices):
    """Why a session ended before its time."""

    LOGOUT = "logout", "Logged out"
    STAFF = "staff", "Ended by staff"
    PROTECTION = "protection", "Player protection"
    REFRESH_REUSED = "refresh_reused", "Refresh credential used twice"
    OFFER_WITHDRAWN = "offer_withdrawn", "Game withdrawn there"
    GATE_CLOSED = "gate_closed", "Game may not be served there any more"
    REALITY_CHECK = "reality_check", "Stopped at a reality check"
    KEY_REVOKED = "key_revoked", "Signing key revoked"
