"""Events in our ledger, put there as the gateway leaves them."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from apps.providers.models import Provider
from apps.rounds.models import RoundEvent

AT = datetime(2026, 11, 18, 10, tzinfo=UTC)


def make_event(provider_code: str, event_id: str, **changes: Any) -> RoundEvent:
    """Make an accepted, settled event: p-1 stakes 2.00 AUD and wins 3.50."""
    values = {
        "provider": Provider.objects.get(code=provider_code),
        "event_id": event_id,
        "fingerprint": hashlib.sha256(event_id.encode()).hexdigest(),
        "player_ref": "p-1",
        "game_code": "aurora-slot-01",
        "round_ref": "r-1",
        "occurred_at": AT,
        "received_at": AT,
        "bet_minor": 200,
        "win_minor": 350,
        "currency": "AUD",
        "round_type": "base",
        "balance_before_minor": 0,
        "balance_after_minor": 150,
        "finalized": True,
        "status": "accepted",
        "money_state": "settled",
        **changes,
    }
    return RoundEvent.objects.create(**values)
