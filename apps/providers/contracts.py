from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from apps.providers.enums import (
    FreeRounds,
    KeyPurpose,
    LateStake,
    Operation,
    Permission,
    RefundAmount,
    RefusedStakeReplay,
    RepeatedBalance,
    RollbackNumber,
    RollbackOfWin,
    RoundScope,
    StakeSettles,
    TransactionScope,
    UnknownRollback,
    WalletModel,
    WhenUnavailable,
    WinWithoutStake,
)

REHEARSAL_KEY_PREFIX: Final = "acceptance-"
"""Names of keys that only a rehearsal signs with."""


@dataclass(frozen=True, slots=True)
class CanonicalEvent:
    """A provider's message about money in our own words: minor units, UTC, no provider dialect.

    ``fingerprint`` covers everything that makes two deliveries the same event; two events with
    one id and different fingerprints are a conflict. ``session_token`` is left out of it because
    a retry may carry a fresh one. ``content`` is the event as sent, for people to look at.
    ``finalized`` says that the message closes its round. A rollback without a
    ``reference_event_id`` takes back the stake of its round.

    ``session_ref`` is the opaque id of a launch. Where a protocol names no player, currency or
    game, these are empty and come from the session; ``amount_text`` is then the amount in main
    units, which only the session's currency can turn into minor units.
    """

    event_id: str
    round_ref: str
    player_ref: str
    occurred_at: datetime
    bet_minor: int
    win_minor: int
    currency: str
    game_code: str
    round_type: str
    balance_before_minor: int | None
    balance_after_minor: int | None
    finalized: bool
    reference_event_id: str
    promo_campaign: str
    promo_multiplier: str
    session_token: str
    fingerprint: str
    content: dict[str, Any]
    operation: str = Operation.ROUND
    session_ref: str = ""
    amount_text: str = ""
    is_same_by_id: bool = False
    """Its id says all that it does, whatever else a repetition states or leaves out."""
    needs_live_session: bool = False
    may_outlast_session: bool = False
    """Its session may have run out, though nobody may have ended it: a promotion's stake."""
    is_free: bool = False
    jackpot_minor: int = 0
    refund_minor: int | None = None
    """The amount a rollback states; None where the protocol states none."""
    session_problem: str = ""
    """Why the session doesn't allow this message; told only if the message is no repeat."""
    launched_game: str = ""
    """The game that the session it names was launched with."""
    is_game_of_session: bool = False
    """The message names no game; ``game_code`` is its session's, and not in ``fingerprint``."""
    is_past_session: bool = False
    """Its session ran out, so what the launch gate said at the launch holds no more."""


@dataclass(frozen=True, slots=True)
class CanonicalQuery:
    """A question about a player that moves nothing: a balance, or who a session belongs to."""

    player_ref: str
    session_ref: str = ""
    currency: str = ""
    game_code: str = ""
    needs_live_session: bool = False


@dataclass(frozen=True, slots=True)
class EventRefusal:
    """An event refused before the ledger saw it: nothing is stored under its id."""

    event_id: str
    code: str
    detail: str


type Parsed = CanonicalEvent | CanonicalQuery | EventRefusal


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to one message, before it is put into a provider's words.

    ``balance_minor`` is what the player can stake now; ``our_id`` is our id of the stored event.
    """

    event_id: str
    status: str
    code: str
    balance_minor: int | None
    currency: str
    our_id: int | None = None
    player_ref: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a provider's contract decides and ours can't; the defaults are the safest.

    The flags are those on which real protocols differ (protocols reference, section 4 I).
    """

    unknown_rollback: str = UnknownRollback.OK
    late_stake: str = LateStake.ACK
    win_without_stake: str = WinWithoutStake.REFUSE
    stake_after_close: str = Permission.REFUSE
    win_after_close: str = Permission.ALLOW
    rollback_after_win: str = Permission.REFUSE
    rollback_of_win: str = RollbackOfWin.REFUSE
    zero_stake: str = Permission.ALLOW
    refund_amount: str = RefundAmount.ORIGINAL
    game_change: str = Permission.REFUSE
    stake_without_session: str = Permission.REFUSE
    round_scope: str = RoundScope.PROVIDER
    transaction_scope: str = TransactionScope.PROVIDER
    rollback_number: str = RollbackNumber.TARGET
    repeated_balance: str = RepeatedBalance.STORED
    refused_stake_replay: str = RefusedStakeReplay.SAME
    free_rounds: str = FreeRounds.PER_SPIN
    stake_settles: str = StakeSettles.AT_CLOSE
    when_unavailable: str = WhenUnavailable.REFUSE


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """A key of a provider, decrypted for the process that verifies with it.

    ``secret`` is what the protocol verifies with: an HMAC key, or a public key in PEM.
    """

    kid: str
    secret: bytes
    not_before: datetime
    not_after: datetime | None

    def is_active(self, now: datetime) -> bool:
        return self.not_before <= now and (self.not_after is None or now < self.not_after)


@dataclass(frozen=True, slots=True)
class ProviderProfile:
    """What the gateway must know of a provider to judge its traffic.

    ``are_ids_fixed``: nothing can change what its ids mean any more, so nobody needs to ask.
    ``is_active``: it is not switched off, so it may take new stakes. ``is_live``: real players may
    play there; until then only a rehearsal's may.
    """

    id: int
    code: str
    protocol: str
    past_seconds: int
    future_seconds: int
    envelope_tolerance_seconds: int
    keys: tuple[WebhookKey, ...]
    wallet_model: str = WalletModel.HOLD
    policy: Policy = Policy()
    are_ids_fixed: bool = False
    is_active: bool = True
    is_live: bool = True


@dataclass(frozen=True, slots=True)
class GameRef:
    """What other apps may know of a game."""

    id: int
    game_code: str
    name: str
    category: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class CertificateRef:
    """The certificate that answers for something, enough to name it and to look it up."""

    id: int
    lab: str
    report_number: str
    revision: int
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class CoverReason:
    """One rule that speaks against cover; ``code`` is stable, ``text`` is for people."""

    code: str
    text: str


NEVER_LIFTED: Final = frozenset(
    {
        "unknown_game",
        "unknown_build",
        "unknown_variant",
        "unknown_jurisdiction",
        "not_deployed",
        "digest_mismatch",
    }
)
"""Reasons against cover that are no missing report: two people can't stand in for a build that
nobody knows or runs, nor for another package than was certified."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Whether a game may be served in a jurisdiction on a day, as far as certificates go.

    With ``allowed`` there is the certificate that proves it; without, at least one reason.
    ``remarks`` say what an officer should know of the proof; they take nothing away. ``besides``
    are the further certificates where several builds run, each under one of its own.
    """

    allowed: bool
    certificate: CertificateRef | None
    reasons: tuple[CoverReason, ...] = ()
    remarks: tuple[CoverReason, ...] = ()
    besides: tuple[CertificateRef, ...] = ()

    @property
    def proofs(self) -> tuple[CertificateRef, ...]:
        """Return every certificate that proves it; none without cover."""
        return () if self.certificate is None else (self.certificate, *self.besides)

    @property
    def may_be_lifted(self) -> bool:
        """Tell whether nothing but a report is missing, so that two people can stand in for it."""
        return not self.allowed and all(one.code not in NEVER_LIFTED for one in self.reasons)


@dataclass(frozen=True, slots=True)
class UncoveredGame:
    """A game on offer in a jurisdiction without a certificate that covers it."""

    provider_code: str
    game_code: str
    jurisdiction: str


@dataclass(frozen=True, slots=True)
class CertificateStanding:
    """Where one revision of a report stands on a day, by its dates and its document."""

    certificate_id: int
    lab: str
    report_number: str
    revision: int
    kind: str
    effective_on: date
    expires_on: date | None
    review_due_on: date | None
    superseded_by: int | None
    signature_state: str
    signature_detail: str
    invalidated_on: date | None = None
    recalled_on: date | None = None


@dataclass(frozen=True, slots=True)
class CertificateRemark:
    """Something a careful officer would ask about; it takes no cover away by itself."""

    report_number: str
    revision: int | None
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class ProviderRecord:
    """A provider as its file states it, checked, before it is stored."""

    code: str
    name: str
    protocol: str
    wallet_model: str
    webhook_secret: str
    reporting_timezone: str
    past_seconds: int
    future_seconds: int
    retention_months: int
    settlement_hours: int
    export_url: str
    payload_url: str
    export_token: str


@dataclass(frozen=True, slots=True)
class GameRecord:
    """A game as a provider's catalogue states it; RTP is a share of the stake."""

    game_code: str
    name: str
    category: str
    theoretical_rtp: Decimal
    offered_in: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SavedProvider:
    """What saving a provider did."""

    provider_id: int
    is_new: bool
    key_is_new: bool


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to add; without a ``secret`` one is made. Other keys of its purpose may end then."""

    provider_id: int
    kid: str
    secret: str
    not_before: datetime
    not_after: datetime | None
    end_others_at: datetime | None
    purpose: str = KeyPurpose.CALLBACKS
