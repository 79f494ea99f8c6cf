"""An event as the reference provider knows it, and its two faces: callback payload and log row."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from apps.core.money import format_minor
from apps.simulator.borealis.signing import event_checksum

ROW_COLUMNS: Final = (
    "event_id", "round_id", "player_id", "timestamp", "bet_amount", "win_amount", "currency",
    "game_code", "round_type", "balance_before", "balance_after", "finalized", "promo_campaign",
    "promo_multiplier", "status", "reference_event_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Promo:
    campaign: str
    multiplier: str


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One thing that happened in a game; amounts in minor units of ``currency``."""

    event_id: str
    round_id: str
    player_id: str
    occurred_at: datetime
    bet_minor: int
    win_minor: int
    currency: str
    game_code: str
    round_type: str
    before_minor: int
    after_minor: int
    is_final: bool
    reference_event_id: str | None = None
    promo: Promo | None = None

    def payload(self, secret: bytes) -> dict[str, Any]:
        """Return the callback's JSON object, checksum included."""
        fields: dict[str, Any] = {
            **self._texts(),
            "finalized": self.is_final,
            "reference_event_id": self.reference_event_id,
        }
        if self.promo is not None:
            fields["promo"] = {
                "campaign": self.promo.campaign,
                "multiplier": self.promo.multiplier,
            }
        fields["checksum"] = event_checksum(secret, fields)
        return fields

    def row(self, status: str) -> dict[str, str]:
        """Return the round log's line: every value as text, missing ones empty."""
        return {
            **self._texts(),
            "finalized": "true" if self.is_final else "false",
            "promo_campaign": self.promo.campaign if self.promo else "",
            "promo_multiplier": self.promo.multiplier if self.promo else "",
            "status": status,
            "reference_event_id": self.reference_event_id or "",
        }

    def _texts(self) -> dict[str, str]:
        """Return what the callback and the round log say in the same words."""
        return {
            "event_id": self.event_id,
            "round_id": self.round_id,
            "player_id": self.player_id,
            "timestamp": timestamp_text(self.occurred_at),
            "bet_amount": format_minor(self.bet_minor, self.currency),
            "win_amount": format_minor(self.win_minor, self.currency),
            "currency": self.currency,
            "game_code": self.game_code,
            "round_type": self.round_type,
            "balance_before": format_minor(self.before_minor, self.currency),
            "balance_after": format_minor(self.after_minor, self.currency),
        }


def timestamp_text(at: datetime) -> str:
    """Write an instant as the protocol has it: UTC, milliseconds, ``Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
