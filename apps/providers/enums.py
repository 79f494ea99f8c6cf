from django.db import models


class Protocol(models.TextChoices):
    NATIVE = "native", "Native (design 6.1)"


class WalletModel(models.TextChoices):
    HOLD = "hold", "Hold on our ledger"


class KeyState(models.TextChoices):
    ACTIVE = "active", "Active"
    RETIRED = "retired", "Retired"
    REVOKED = "revoked", "Revoked"


class GameCategory(models.TextChoices):
    SLOT = "slot", "Slot"
    ROULETTE = "roulette", "Roulette"
    BLACKJACK = "blackjack", "Blackjack"
    BACCARAT = "baccarat", "Baccarat"
    LIVE = "live", "Live"
    OTHER = "other", "Other"


class CertificateKind(models.TextChoices):
    """What a report certifies. Only a game or live report covers a game (selectors.coverage)."""

    RNG = "rng", "RNG"
    GAME = "game", "Game"
    LIVE = "live", "Live game"
    PLATFORM = "platform", "Platform"


class CertificateResult(models.TextChoices):
    """``NOT_STATED``: the document has no result that could be read (a scan, say)."""

    COMPLIES = "complies", "Complies"
    DOES_NOT_COMPLY = "does_not_comply", "Does not comply"
    NOT_STATED = "not_stated", "Not stated"


class CertificateState(models.TextChoices):
    REGISTERED = "registered", "Registered"
    WITHDRAWN = "withdrawn", "Withdrawn"


class RootState(models.TextChoices):
    """A root that came with documents is only proposed; an officer trusts it, and may withdraw."""

    PROPOSED = "proposed", "Proposed, not trusted"
    TRUSTED = "trusted", "Trusted"
    WITHDRAWN = "withdrawn", "Withdrawn"


class SignatureState(models.TextChoices):
    VALID = "valid", "Valid"
    INVALID = "invalid", "Invalid"
    UNTRUSTED = "untrusted", "Untrusted"
    NONE = "none", "Not signed"


class FlagKind(models.TextChoices):
    EXPIRED = "expired", "Expired"
    EXPIRING = "expiring", "Expiring"
    REVIEW_DUE = "review_due", "Review due"
    SUPERSEDED = "superseded", "Superseded"
    INVALID_SIGNATURE = "invalid_signature", "Invalid signature"
