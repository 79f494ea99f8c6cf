from dataclasses import dataclass
from typing import ClassVar

from apps.core.contracts import Event


@dataclass(frozen=True)
class ProviderAdded(Event):
    """A provider was loaded for the first time."""

    topic: ClassVar[str] = "providers.provider_added"
    provider: str


@dataclass(frozen=True)
class OfferWithdrawn(Event):
    """A game is not offered in a jurisdiction any more: nobody there plays on."""

    topic: ClassVar[str] = "providers.offer_withdrawn"

    withdrawal_id: int
    game_id: int
    jurisdiction: str


@dataclass(frozen=True)
class ReportTakenBack(Event):
    """A report covers less than it did, by a person's word: what it alone covered may not go on."""

    topic: ClassVar[str] = "providers.report_taken_back"

    certificate_id: int


@dataclass(frozen=True)
class DocumentDamaged(Event):
    """The stored file of a certificate is gone or altered: it proves nothing any more."""

    topic: ClassVar[str] = "providers.document_damaged"

    document_id: int
    state: str


@dataclass(frozen=True)
class PastCoverMoved(Event):
    """The register says something else of days that are over: these games' cover, from a day on.

    ``is_gain``: it can only have covered more than before.
    """

    topic: ClassVar[str] = "providers.past_cover_moved"

    game_ids: list[int]
    since: str
    is_gain: bool
