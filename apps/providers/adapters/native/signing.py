"""Signatures of the native protocol: the Standard Webhooks envelope and the event checksum.

Our own strict verifier, because the reference library raises untyped errors on hostile headers
and accepts timestamps that are not plain digits; the library is the oracle of the tests.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from apps.providers.contracts import WebhookKey
from apps.providers.errors import InvalidSecretError

_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{43}=", re.ASCII)
_HEADER_LIMIT = 1_024
_MOST_SIGNATURES = 8

CHECKSUM_FIELDS = (
    "event_id",
    "player_id",
    "timestamp",
    "bet_amount",
    "win_amount",
    "currency",
    "game_code",
    "round_type",
    "balance_before",
    "balance_after",
)


def decode_secret(text: str) -> bytes:
    """Return the key bytes of a ``whsec_`` secret.

    Raises:
        InvalidSecretError: not base64, or not 24 to 64 bytes (Standard Webhooks).
    """
    try:
        secret = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSecretError("The webhook secret is not base64.") from error
    if not text.startswith("whsec_") or not 24 <= len(secret) <= 64:
        raise InvalidSecretError("A webhook secret is whsec_ and the base64 of 24 to 64 bytes.")
    return secret


def sign(secret: bytes, message_id: str, timestamp: int | str, body: bytes) -> str:
    """Return one ``v1,<base64>`` signature over ``id.timestamp.body``."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode("ascii")


def may_be_signed(headers: Mapping[str, str]) -> bool:
    """Tell whether headers have the form of a signed envelope."""
    return (
        _MESSAGE_ID.fullmatch(headers.get("webhook-id", "")) is not None
        and _TIMESTAMP.fullmatch(headers.get("webhook-timestamp", "")) is not None
        and bool(_signatures(headers.get("webhook-signature", "")))
    )


def verify(
    keys: Iterable[WebhookKey],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: datetime,
    tolerance_seconds: int,
) -> WebhookKey | None:
    """Return the key that signed this delivery, or None for anything less than a valid one.

    The caller passes the keys that are active. Every one is compared, in constant time each, so
    that timing tells nothing of which. A repeated header arrives joined by a comma and so fails
    its grammar.
    """
    if not may_be_signed(headers):
        return None
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    signatures = _signatures(headers["webhook-signature"])
    matched: WebhookKey | None = None
    for key in keys:
        expected = sign(key.secret, message_id, timestamp, body)[3:]
        for signature in signatures:
            if hmac.compare_digest(expected, signature):
                matched = key
    if abs(now.timestamp() - int(timestamp)) > tolerance_seconds:
        return None
    return matched


def _signatures(header: str) -> list[str]:
    """Return the well-formed ``v1`` signatures; other versions are skipped, junk is refused."""
    if len(header) > _HEADER_LIMIT or not header.isascii():
        return []
    parts = header.split(" ")
    if len(parts) > _MOST_SIGNATURES:
        return []
    found = []
    for part in parts:
        version, _, signature = part.partition(",")
        if version == "v1" and _SIGNATURE.fullmatch(signature):
            found.append(signature)
    return found


def checksum(secret: bytes, event: Mapping[str, object]) -> str:
    """Return the hex HMAC-SHA256 of an event's values as sent, joined by ``|`` (design 6.1)."""
    values = [str(event[name]) for name in CHECKSUM_FIELDS]
    values.append("true" if event["finalized"] is True else "false")
    return hmac.new(secret, "|".join(values).encode(), hashlib.sha256).hexdigest()
