"""The provider's side of Standard Webhooks and of the event checksum.

Written apart from the gateway's verifier on purpose: a provider is another party, and a mistake
that both sides shared would never show. The tests hold the two, and ``standardwebhooks``, together.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

CHECKSUM_FIELDS: Final = (
    "event_id", "player_id", "timestamp", "bet_amount", "win_amount", "currency", "game_code",
    "round_type", "balance_before", "balance_after",
)  # fmt: skip


def secret_bytes(secret: str) -> bytes:
    """Decode ``whsec_<base64>`` to the key itself."""
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the ``webhook-signature`` header of one delivery."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def event_checksum(secret: bytes, fields: Mapping[str, Any]) -> str:
    """Return the checksum over an event's values as they are sent."""
    values = [str(fields[name]) for name in CHECKSUM_FIELDS]
    values.append("true" if fields["finalized"] else "false")
    return hmac.new(
        secret, "|".join(values).encode(errors="surrogatepass"), hashlib.sha256
    ).hexdigest()
