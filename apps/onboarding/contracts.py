from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at one item found; ``evidence`` is plain JSON with the figures behind it."""

    is_green: bool
    summary: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one item stands; without a ``proof_id`` nobody has looked yet."""

    item: str
    label: str
    is_green: bool
    summary: str
    proof_id: int | None = None
    proved_at: datetime | None = None
    proved_by: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The provider that is looked at, as its checklist needs it."""

    id: int
    code: str
    protocol: str
    wallet_model: str
    export_url: str
    payload_url: str
    export_token: str
    retention_months: int
