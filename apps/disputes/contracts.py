from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a player complains about; ``provider_code`` and ``event_id`` name a round event or none.

    ``received_at`` is when the complaint reached us, in whatever way: the clocks run from it.
    """

    player_ref: str
    case_type: str
    claim: str
    provider_code: str = ""
    event_id: str = ""
    received_at: datetime | None = None
