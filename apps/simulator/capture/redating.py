"""Moving a capture in time, so that it can be played as traffic of today.

Whatever was right stays right: checksums and signatures are made again with the provider's key.
Whatever was wrong on purpose stays wrong, word for word: a bad signature or checksum is kept, and
can't come to match the changed bytes.
"""

import hmac
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from apps.simulator.borealis.signing import CHECKSUM_FIELDS, event_checksum, signature
from apps.simulator.capture.reading import CapturedDelivery, events_of, parsed

REDATED_IDS: Final = ("event_id", "round_id", "reference_event_id")
NOT_IN_A_MESSAGE_ID: Final = re.compile(r"[^A-Za-z0-9_-]")
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def suffix_of(shift: timedelta) -> str:
    """Return the mark that ids get, from the shift alone: the same shift gives the same ids."""
    milliseconds = shift // timedelta(milliseconds=1)
    number, digits = abs(milliseconds), ""
    while number:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return f"~{'b' if milliseconds < 0 else 's'}{digits or '0'}"


@dataclass(frozen=True, slots=True)
class OutgoingDelivery:
    """What goes over the wire, apart from what only the moment of sending decides.

    ``signing_secret`` None means: send the recorded headers as they are, except for the
    timestamp where ``envelope_offset`` is given.
    """

    line_no: int
    received_at: datetime
    received_text: str
    path: str
    headers: dict[str, str]
    body: bytes
    signing_secret: bytes | None = None
    envelope_offset: int | None = None
    """Seconds that the recorded webhook-timestamp was ahead of the recorder's clock."""

    def headers_at(self, unix_time: int) -> dict[str, str]:
        """Return the headers for an attempt at this moment."""
        if self.envelope_offset is None:
            return self.headers
        timestamp = unix_time + self.envelope_offset
        headers = {**self.headers, "webhook-timestamp": str(timestamp)}
        if self.signing_secret is not None:
            headers["webhook-signature"] = signature(
                self.signing_secret, headers["webhook-id"], timestamp, self.body
            )
        return headers


def as_recorded(delivery: CapturedDelivery) -> OutgoingDelivery:
    """Return the delivery with its recorded bytes."""
    return OutgoingDelivery(
        line_no=delivery.line_no,
        received_at=delivery.received_at,
        received_text=delivery.received_text,
        path=delivery.path,
        headers=delivery.headers,
        body=delivery.body,
    )


@dataclass(frozen=True, slots=True)
class Redating:
    """Moves deliveries by ``shift``, marks their ids, signs anew with the first of ``secrets``.

    The others, older keys of the provider, only serve to see what was right in the recording.
    """

    shift: timedelta
    suffix: str
    secrets: tuple[bytes, ...]

    def apply(self, delivery: CapturedDelivery) -> OutgoingDelivery:
        timestamp = _whole_number(delivery.headers.get("webhook-timestamp", ""))
        outgoing = as_recorded(delivery)
        headers = dict(delivery.headers)
        if "webhook-id" in headers:
            headers["webhook-id"] += NOT_IN_A_MESSAGE_ID.sub("-", self.suffix)
        offset = None if timestamp is None else timestamp - int(delivery.received_at.timestamp())
        return replace(
            outgoing,
            received_at=delivery.received_at + self.shift,
            headers=headers,
            body=self._body(delivery.body),
            signing_secret=self.secrets[0] if self._was_signed(delivery) else None,
            envelope_offset=offset,
        )

    def _was_signed(self, delivery: CapturedDelivery) -> bool:
        headers = delivery.headers
        timestamp = _whole_number(headers.get("webhook-timestamp", ""))
        given = headers.get("webhook-signature", "").encode().split(b" ")
        if timestamp is None or "webhook-id" not in headers:
            return False
        expected = [
            signature(secret, headers["webhook-id"], timestamp, delivery.body).encode()
            for secret in self.secrets
        ]
        return any(hmac.compare_digest(one, other) for one in given for other in expected)

    def _body(self, body: bytes) -> bytes:
        document = parsed(body)
        if document is None:
            return body
        for event in events_of(document):
            self._redate(event)
        return json.dumps(document, separators=(",", ":")).encode()

    def _redate(self, event: dict[str, Any]) -> None:
        was_right = self._has_right_checksum(event)
        for name in REDATED_IDS:
            if isinstance(event.get(name), str):
                event[name] += self.suffix
        event.update(_moved(event, self.shift))
        if was_right:
            event["checksum"] = event_checksum(self.secrets[0], event)

    def _has_right_checksum(self, event: dict[str, Any]) -> bool:
        names = (*CHECKSUM_FIELDS, "finalized")
        given = event.get("checksum")
        if not isinstance(given, str) or any(name not in event for name in names):
            return False
        return any(
            hmac.compare_digest(given.encode(), event_checksum(secret, event).encode())
            for secret in self.secrets
        )


def _moved(event: dict[str, Any], shift: timedelta) -> dict[str, str]:
    """Return the moved timestamp with its precision kept; nothing where there is none to move."""
    text = event.get("timestamp")
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not isinstance(text, str):
        return {}
    precision = "milliseconds" if "." in text else "seconds"
    moved = (at + shift).isoformat(timespec=precision)
    return {"timestamp": moved.replace("+00:00", "Z") if text.endswith("Z") else moved}


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None
