"""Sending callbacks until they are answered, as a provider does: signed, repeated, patient."""

import asyncio
import json
import secrets
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx
import structlog

from apps.simulator.borealis.faults import DeliveryKind
from apps.simulator.borealis.signing import signature
from apps.simulator.borealis.store import QueuedDelivery, Store

logger = structlog.get_logger(__name__)

IDLE_SECONDS: Final = 0.2
LOOK_AHEAD: Final = 64
FIRST_RETRY_MS: Final = 250
LAST_RETRY_MS: Final = 20_000
UNREACHABLE_PAUSE_SECONDS: Final = 0.5

# Answers that sending the same bytes again can't change.
FINAL_REFUSALS: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends what is queued, one delivery after the other, forever.

    A delivery that fails waits its turn with growing pauses while later ones go on: reordering
    by retry is part of what a gateway must bear.
    """

    store: Store
    client: httpx.AsyncClient
    callback_url: str
    secret: bytes

    async def send_forever(self) -> None:
        while True:
            due = self.store.due(now_ms=_now_ms(), limit=LOOK_AHEAD)
            for delivery in due:
                await self._attempt(delivery)
            if not due:
                await asyncio.sleep(IDLE_SECONDS)

    async def _attempt(self, delivery: QueuedDelivery) -> None:
        try:
            response = await self.client.post(
                self.callback_url, content=delivery.body, headers=self._headers(delivery)
            )
        except httpx.TransportError as error:
            logger.warning("simulator.delivery.unreachable", error=type(error).__name__)
            self._retry_later(delivery, http_status=None)
            await asyncio.sleep(UNREACHABLE_PAUSE_SECONDS)
            return
        self._note_answer(delivery, response)

    def _headers(self, delivery: QueuedDelivery) -> dict[str, str]:
        # Signed at each attempt: the timestamp is the attempt's, the id is the message's.
        timestamp = int(time.time())
        is_forged = delivery.kind is DeliveryKind.FORGED
        secret = secrets.token_bytes(32) if is_forged else self.secret
        return {
            "content-type": "application/json",
            "webhook-id": delivery.message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret, delivery.message_id, timestamp, delivery.body),
        }

    def _note_answer(self, delivery: QueuedDelivery, response: httpx.Response) -> None:
        status = response.status_code
        results = _results(response)
        if response.is_success and results is not None:
            self.store.mark_answered(
                delivery.position, http_status=status, answer=json.dumps(results), state="answered"
            )
        elif status in FINAL_REFUSALS or delivery.kind is DeliveryKind.FORGED:
            self.store.mark_answered(
                delivery.position, http_status=status, answer="[]", state="refused"
            )
        else:
            logger.warning("simulator.delivery.not_taken", http_status=status)
            self._retry_later(delivery, http_status=status)

    def _retry_later(self, delivery: QueuedDelivery, *, http_status: int | None) -> None:
        pause_ms = min(FIRST_RETRY_MS * 2 ** min(delivery.attempts, 10), LAST_RETRY_MS)
        self.store.mark_failed_attempt(
            delivery.position, http_status=http_status, next_attempt_ms=_now_ms() + pause_ms
        )


def _results(response: httpx.Response) -> list[dict[str, Any]] | None:
    """Return the answer's results, or None where a 2xx has no usable body (then we send again)."""
    try:
        document = response.json()
    except ValueError:
        return None
    results = document.get("results") if isinstance(document, dict) else None
    return results if isinstance(results, list) else None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
