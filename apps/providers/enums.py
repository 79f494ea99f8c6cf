from collections.abc import Mapping
from typing import Final

from django.db import models


class Protocol(models.TextChoices):
    """The wire protocols we speak. None but our own was tried against a live provider."""

    NATIVE = "native", "Native (Pitboss)"
    SWIPE = "swipe", "Swipe-Games-compatible (API 1.7.5 text)"
    HUB88 = "hub88", "Hub88/Caleta-compatible"
    IPLAYGAMES = "iplaygames", "iPlayGames-compatible (SDK 1.0.2)"


class ProviderStage(models.TextChoices):
    """A provider is rehearsed with until two people take it live (the onboarding checklist)."""

    ONBOARDING = "onboarding", "Onboarding: rehearsal only"
    LIVE = "live", "Live"


class WalletModel(models.TextChoices):
    HOLD = "hold", "Hold on our ledger"
    SUB_WALLET = "sub_wallet", "Sub-wallet per provider"
    TRANSFER = "transfer", "Transfer to the provider"


class KeyState(models.TextChoices):
    PROPOSED = "proposed", "Awaits a second person"
    ACTIVE = "active", "Active"
    RETIRED = "retired", "Retired"
    REVOKED = "revoked", "Revoked"


class KeyPurpose(models.TextChoices):
    """What a key proves. No key does both: who holds one can't play the other side."""

    CALLBACKS = "callbacks", "Callbacks: what the provider sends us"
    ORDERS = "orders", "Orders: what we ask of the provider's wallet"


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


COVERING_KINDS: Final = (CertificateKind.GAME, CertificateKind.LIVE)


class CertificateResult(models.TextChoices):
    """``NOT_STATED``: the document has no result that could be read (a scan, say)."""

    COMPLIES = "complies", "Complies"
    DOES_NOT_COMPLY = "does_not_comply", "Does not comply"
    NOT_STATED = "not_stated", "Not stated"


class CertificateState(models.TextChoices):
    REGISTERED = "registered", "Registered"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Channel(models.TextChoices):
    """Through what a game is played; a report or deployment that names none reaches all."""

    ANY = "any", "Every channel"
    DESKTOP = "desktop", "Desktop browser"
    MOBILE = "mobile", "Mobile browser"
    APP = "app", "Mobile app"


class DigestAlgorithm(models.TextChoices):
    """How a lab fingerprints a critical file; a CRC16 says nothing without its seed."""

    SHA1 = "sha1", "SHA-1"
    SHA256 = "sha256", "SHA-256"
    CRC16 = "crc16", "CRC16 with seed"


class ChangeClass(models.TextChoices):
    """Whether a supplier's change may affect fairness (UKGC testing strategy, Annex A)."""

    MAJOR = "major", "Major: needs a new report"
    MINOR = "minor", "Minor: the report carries over"


class RootState(models.TextChoices):
    """A root that came with documents is only proposed; an officer trusts it, and may withdraw."""

    PROPOSED = "proposed", "Proposed, not trusted"
    TRUSTED = "trusted", "Trusted"
    WITHDRAWN = "withdrawn", "Withdrawn"


class SignatureState(models.TextChoices):
    """``INVALID``: altered after signing, or broken. Only that takes cover away."""

    VALID = "valid", "Valid"
    INVALID = "invalid", "Altered"
    UNTRUSTED = "untrusted", "Untrusted"
    EXPIRED = "expired", "Signer expired"
    NONE = "none", "Not signed"


class IntegrityState(models.TextChoices):
    """Whether the stored bytes are still those that were taken."""

    INTACT = "intact", "Intact"
    ALTERED = "altered", "Altered in the store"
    MISSING = "missing", "Missing from the store"


class DraftState(models.TextChoices):
    OPEN = "open", "To review"
    REGISTERED = "registered", "Registered"
    DISCARDED = "discarded", "Discarded"


class Door(models.TextChoices):
    """How a document came in."""

    FORM = "form", "Upload page"
    BATCH = "batch", "Bulk upload"
    API = "api", "API"
    COMMAND = "command", "Command line"


class BatchState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    REFUSED = "refused", "Refused"


class LineOutcome(models.TextChoices):
    DRAFTED = "drafted", "To review"
    KNOWN = "known", "Known already"
    PROPOSED = "proposed", "A root, proposed"
    REFUSED = "refused", "Refused"


class FlagKind(models.TextChoices):
    EXPIRED = "expired", "Expired"
    EXPIRING = "expiring", "Expiring"
    REVIEW_DUE = "review_due", "Review due"
    INVALIDATING = "invalidating", "Ends by a change"
    INVALIDATED = "invalidated", "Ended by a change"
    RECALLING = "recalling", "Recalled from a day ahead"
    RECALLED = "recalled", "Recalled"
    SUPERSEDED = "superseded", "Superseded"
    INVALID_SIGNATURE = "invalid_signature", "Invalid signature"


class EndKind(models.TextChoices):
    """Which of its ends a certificate comes to."""

    EXPIRY = "expiry", "Expiry"
    REVIEW = "review", "Review"
    INVALIDATION = "invalidation", "End by a change"
    RECALL = "recall", "Recall"


THRESHOLD_DAYS: Final = (1, 7, 14, 30, 60, 90)
"""How many days before an end people are told of it, the nearest first."""

END_OF_FLAG: Final[Mapping[str, EndKind]] = {
    FlagKind.EXPIRING: EndKind.EXPIRY,
    FlagKind.EXPIRED: EndKind.EXPIRY,
    FlagKind.REVIEW_DUE: EndKind.REVIEW,
    FlagKind.INVALIDATING: EndKind.INVALIDATION,
    FlagKind.INVALIDATED: EndKind.INVALIDATION,
    FlagKind.RECALLING: EndKind.RECALL,
    FlagKind.RECALLED: EndKind.RECALL,
}


class Operation(models.TextChoices):
    """What a message of a provider asks for; ``ROUND`` is stake and win in one native event."""

    ROUND = "round", "Round"
    STAKE = "stake", "Stake"
    WIN = "win", "Win"
    ROLLBACK = "rollback", "Rollback"
    REWARD = "reward", "Reward"


class UnknownRollback(models.TextChoices):
    OK = "ok", "Answer success"
    NOT_FOUND = "not_found", "Answer not found"


class LateStake(models.TextChoices):
    REFUSE = "refuse", "Refuse it"
    ACK = "ack", "Answer success, move nothing"


class WinWithoutStake(models.TextChoices):
    REFUSE = "refuse", "Refuse it"
    PROMO = "allow_if_promo", "Allow it for free rounds and rewards"
    ALLOW = "allow", "Allow it"


class Permission(models.TextChoices):
    REFUSE = "refuse", "Refuse it"
    ALLOW = "allow", "Allow it"


class RollbackOfWin(models.TextChoices):
    REFUSE = "refuse", "Refuse it"
    ALLOW = "allow", "Allow it where the player still has the money"
    RECEIVABLE = "receivable", "Allow it; what is missing becomes receivable"


class RefundAmount(models.TextChoices):
    ORIGINAL = "original", "Return the original stake"
    MUST_MATCH = "must_match", "Refuse another amount"


class RollbackNumber(models.TextChoices):
    """What the number of a rollback means, where the protocol gives it only one."""

    TARGET = "target", "Its target: the stake it takes back"
    OWN = "own", "The rollback itself: its round's stake is taken back"


class RoundScope(models.TextChoices):
    PROVIDER = "provider", "Unique at the provider"
    GAME = "game", "Unique within a game"


class TransactionScope(models.TextChoices):
    PROVIDER = "provider", "Unique at the provider"
    PLAYER = "player", "Unique for a player"
    OPERATION = "operation", "Unique for an operation"


class RepeatedBalance(models.TextChoices):
    STORED = "stored", "As first answered"
    CURRENT = "current", "As it is now"


class RefusedStakeReplay(models.TextChoices):
    SAME = "same", "Refuse it again"
    REEVALUATE = "re-evaluate", "Judge it again"


class FreeRounds(models.TextChoices):
    PER_SPIN = "per_spin", "Each free win is paid"
    TRACKING = "tracking", "Free wins are information; one payout ends them"


class StakeSettles(models.TextChoices):
    AT_CLOSE = "at_close", "Held until the round closes"
    AT_ONCE = "at_once", "Taken at once"


class WhenUnavailable(models.TextChoices):
    REFUSE = "refuse", "Answer 503, the provider comes again"
    SPOOL = "spool", "Keep played rounds on disk and apply them later"
