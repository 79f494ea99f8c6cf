from dataclasses import dataclass
from datetime import datetime

from apps.providers.adapters.contract import CallbackRequest, CallbackResponse
from apps.providers.contracts import Outcome, Parsed, ProviderProfile
from apps.rounds.contracts import DeliveryRow
from apps.rounds.enums import Origin


@dataclass(frozen=True, slots=True)
class Inbound:
    """An authentic callback in flight: who sent it, by which key, and what it says."""

    provider: ProviderProfile
    message_id: str
    key_id: str
    path: str
    headers: dict[str, str]
    request: CallbackRequest
    parsed: tuple[Parsed, ...]

    @property
    def received_at(self) -> datetime:
        return self.request.received_at


@dataclass(frozen=True, slots=True)
class ToJudge:
    """A stored delivery with its messages, ready to be applied.

    ``request`` is None for what no provider sent: our own corrections, which nobody is answered.
    ``is_swept`` says that the delivery was found in the store, after its answer was lost or never
    given: a stake that was never answered with a yes is then not charged any more.
    ``is_asked_again`` says that a person has it applied once more, after it was judged: a new stake
    is then not remembered as refused, so that the provider may still send it.
    """

    provider: ProviderProfile
    received_at: datetime
    delivery_id: int | None
    parsed: tuple[Parsed, ...]
    request: CallbackRequest | None = None
    origin: Origin = Origin.CALLBACK
    is_swept: bool = False
    is_asked_again: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a delivery: an outcome per message, and the answer to its provider."""

    outcomes: tuple[Outcome, ...]
    response: CallbackResponse


@dataclass(frozen=True, slots=True)
class Refused:
    """Refused input to be counted; ``provider_id`` is None where nobody proved who called.

    ``unreadable`` is what an authentic body that can't be read is kept as, with its answer.
    """

    provider_id: int | None
    code: str
    at: datetime
    event_id: str = ""
    detail: str = ""
    unreadable: "Unreadable | None" = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An authentic delivery that can't be read, and what was answered to it."""

    delivery: DeliveryRow
    http_status: int
    code: str


@dataclass(frozen=True, slots=True)
class SpoolFacts:
    """What waits on a gateway's disk, and how much may.

    ``gateway`` names the machine and the folder; ``drained_at`` is when something was brought in
    last; ``reported_at`` says how old the figures are.
    """

    gateway: str
    waiting: int
    waiting_bytes: int
    oldest_at: datetime | None
    set_aside: int
    most_waiting: int
    most_bytes: int
    drained_at: datetime | None
    reported_at: datetime
