"""What the gateway passes in and gets back when it tags flagged events."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.promotions.enums import StartMode, TagReason


@dataclass(frozen=True, slots=True)
class CampaignRef:
    """A campaign that is live, about to start by schedule, or over.

    Its effective window is ``live_from <= t < live_until``, both provider's clock, UTC. A kill
    switch shortens the window; a late approval or a start by hand moves its beginning.
    """

    campaign_id: int
    provider_id: int
    code: str
    version: int
    multiplier: Decimal
    live_from: datetime
    live_until: datetime


@dataclass(frozen=True, slots=True)
class TagVerdict:
    """Whether a provider's promo flag agrees with a campaign of ours."""

    is_known: bool
    is_in_window: bool
    multiplier_matches: bool
    reason: TagReason


@dataclass(frozen=True, slots=True)
class Tag:
    """One flagged event, ready to be saved; build it with ``services.tagging.make_tag``."""

    provider_id: int
    event_id: str
    subject: str
    flagged_code: str
    flagged_multiplier: str
    occurred_at: datetime
    campaign_id: int | None
    campaign_version: int | None
    verdict: TagVerdict


@dataclass(frozen=True, slots=True)
class FlaggedEvent:
    """The part of a round event that carries a promo flag; texts as the provider sent them."""

    provider_id: int
    event_id: str
    subject: str
    flagged_code: str
    flagged_multiplier: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class CampaignContent:
    """What a promo manager writes and a second person approves; times are UTC."""

    provider_id: int
    code: str
    name: str
    multiplier: Decimal
    starts_at: datetime
    ends_at: datetime
    terms_version: str
    terms: str
    start_mode: str = StartMode.SCHEDULED


@dataclass(frozen=True, slots=True)
class AdvanceReport:
    """What one run of the schedule did, by campaign id."""

    started: tuple[int, ...]
    ended: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TagCounts:
    """Flagged events received since a moment."""

    tagged: int
    in_campaign: int

    @property
    def to_look_at(self) -> int:
        return self.tagged - self.in_campaign
