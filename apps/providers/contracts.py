from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class CanonicalEvent:
    """A provider's round event in our own words: minor units, UTC, no provider dialect.

    ``fingerprint`` covers everything that makes two deliveries the same event; two events with
    one id and different fingerprints are a conflict. ``session_token`` is left out of it because
    a retry may carry a fresh one. ``content`` is the event as sent, for people to look at.
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
    balance_before_minor: int
    balance_after_minor: int
    finalized: bool
    reference_event_id: str
    promo_campaign: str
    promo_multiplier: str
    session_token: str
    fingerprint: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventRefusal:
    """An event refused before the ledger saw it: nothing is stored under its id."""

    event_id: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """An active secret of a provider, decrypted for the process that verifies with it."""

    kid: str
    secret: bytes
    not_before: datetime
    not_after: datetime | None

    def is_active(self, now: datetime) -> bool:
        return self.not_before <= now and (self.not_after is None or now < self.not_after)


@dataclass(frozen=True, slots=True)
class ProviderProfile:
    """What the gateway must know of a provider to judge its traffic."""

    id: int
    code: str
    protocol: str
    past_seconds: int
    future_seconds: int
    envelope_tolerance_seconds: int
    keys: tuple[WebhookKey, ...]


@dataclass(frozen=True, slots=True)
class GameRef:
    """What other apps may know of a game."""

    id: int
    game_code: str
    name: str
    category: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class LaunchFacts:
    """What the catalogue says about serving a game in a jurisdiction; certificates apart."""

    game_id: int
    game_code: str
    provider_code: str
    is_game_active: bool
    is_provider_active: bool
    is_offered: bool


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


@dataclass(frozen=True, slots=True)
class Cover:
    """Whether a game may be served in a jurisdiction on a day, as far as certificates go.

    With ``allowed`` there is the certificate that proves it; without, at least one reason.
    """

    allowed: bool
    certificate: CertificateRef | None
    reasons: tuple[CoverReason, ...] = ()


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
