"""From bytes to answers: verify and parse (pure), store raw, apply once."""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import Error as DatabaseError
from django.db import connection, transaction

from apps.gateway.contracts import Answer, Clocks, Inbound, Refused, ToJudge
from apps.gateway.errors import BatchRacedError
from apps.gateway.services.apply import Games, apply_deliveries
from apps.gateway.services.refusals import count_refusals
from apps.providers.adapters.native.parse import EnvelopeError, parse_body, parse_event
from apps.providers.adapters.native.signing import verify
from apps.providers.contracts import CanonicalEvent, EventRefusal, GameRef, ProviderProfile
from apps.providers.selectors.catalogue import games_by_code
from apps.providers.selectors.profiles import provider_profile_by_id
from apps.rounds import statements as round_statements
from apps.rounds.contracts import DeliveryRow
from apps.rounds.services import store

logger = logging.getLogger(__name__)

KEPT_HEADERS = (
    "content-type",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
)
_SWEPT_FOR = timedelta(days=3)
_JUDGING_FOR = timedelta(seconds=15)


class UnauthenticatedError(Exception):
    """Nobody proved to be the provider; the answer says no more than that."""


def read_callback(
    profile: ProviderProfile | None,
    headers: Mapping[str, str],
    body: bytes,
    *,
    path: str,
    clocks: Clocks,
) -> Inbound:
    """Verify a callback on its raw bytes, then parse it. Pure.

    Raises:
        UnauthenticatedError: unknown provider, or no valid signature of an active key.
        EnvelopeError: an authentic body that is not one event or a list of events.
    """
    keys = [key for key in profile.keys if key.is_active(clocks.now)] if profile else []
    tolerance = profile.envelope_tolerance_seconds if profile else 0
    key = verify(keys, headers, body, now=clocks.received_at, tolerance_seconds=tolerance)
    if profile is None or key is None:
        raise UnauthenticatedError
    return Inbound(
        provider=profile,
        received_at=clocks.received_at,
        message_id=headers["webhook-id"],
        key_id=key.kid,
        path=path[:200],
        headers={name: headers[name] for name in KEPT_HEADERS if name in headers},
        body=body,
        events=parse_events(profile, body),
    )


def parse_events(
    profile: ProviderProfile, body: bytes
) -> tuple[CanonicalEvent | EventRefusal, ...]:
    """Parse an authentic body.

    Raises:
        EnvelopeError: see ``parse_body``.
    """
    secrets = [key.secret for key in profile.keys]
    return tuple(parse_event(raw, secrets) for raw in parse_body(body))


def take_in(inbound: Sequence[Inbound], games: Games, *, now: datetime) -> list[Answer]:
    """Store deliveries, then apply them; return the answer to each.

    Once this returns, every delivery is durable. One that could be stored but not applied is
    answered ``parked`` with ``ledger_unavailable`` and applied later by ``apply_unjudged``.

    Raises:
        DatabaseError: nothing could be stored; the provider must be told to try again.
    """
    rows = [
        DeliveryRow(
            provider_id=one.provider.id,
            received_at=one.received_at,
            message_id=one.message_id,
            key_id=one.key_id,
            path=one.path,
            headers=one.headers,
            body=one.body,
        )
        for one in inbound
    ]
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        ids = store.store_deliveries(cursor, rows)
    deliveries = [
        ToJudge(one.provider, one.received_at, delivery_id, one.events)
        for delivery_id, one in zip(ids, inbound, strict=True)
    ]
    return _apply_or_park(deliveries, games, now=now)


def _apply_or_park(deliveries: list[ToJudge], games: Games, *, now: datetime) -> list[Answer]:
    """Apply a batch; where it fails, apply its deliveries alone, so that one can't hold up all."""
    try:
        return apply_deliveries(deliveries, games, now=now)
    except (DatabaseError, BatchRacedError) as error:
        logger.warning(
            "gateway.batch.failed",
            extra={"deliveries": len(deliveries), "error": type(error).__name__},
        )
    if len(deliveries) > 1:
        return [
            answer
            for delivery in deliveries
            for answer in _apply_or_park([delivery], games, now=now)
        ]
    return [_unavailable(delivery) for delivery in deliveries]


def _unavailable(delivery: ToJudge) -> Answer:
    return [
        {
            "event_id": event.event_id,
            "status": "parked",
            "code": "ledger_unavailable",
            "balance": None,
        }
        for event in delivery.events
    ]


def apply_unjudged(*, now: datetime, limit: int = 500) -> int:
    """Apply deliveries that were stored but never judged, because a process died in between.

    Idempotent, and safe beside the gateway: what was applied meanwhile is answered as a repeat.
    A delivery that the database refuses is left for the next run and holds up nobody.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            round_statements.FIND_UNJUDGED, [now - _SWEPT_FOR, now - _JUDGING_FOR, limit]
        )
        rows = cursor.fetchall()
    profiles: dict[int, ProviderProfile] = {}
    games: dict[tuple[int, str], GameRef] = {}
    applied = 0
    for delivery_id, provider_id, received_at, _message_id, _key_id, _path, body in rows:
        if provider_id not in profiles:
            profiles[provider_id] = provider_profile_by_id(provider_id)
            games |= {(provider_id, code): g for code, g in games_by_code(provider_id).items()}
        profile = profiles[provider_id]
        events = parse_events(profile, bytes(body))
        delivery = ToJudge(profile, received_at, delivery_id, events)
        try:
            apply_deliveries([delivery], games, now=now)
        except (DatabaseError, BatchRacedError):
            logger.exception("gateway.unjudged.failed", extra={"delivery_id": delivery_id})
        else:
            applied += 1
    return applied


def record_refusals(refused: Sequence[Refused]) -> None:
    """Count refused input in a transaction of its own."""
    with transaction.atomic(), connection.cursor() as cursor:
        count_refusals(cursor, refused)


def answer_body(answer: Answer) -> bytes:
    """Return the JSON answer of a delivery."""
    return json.dumps({"results": answer}, separators=(",", ":")).encode()


__all__ = [
    "EnvelopeError",
    "UnauthenticatedError",
    "answer_body",
    "apply_unjudged",
    "read_callback",
    "record_refusals",
    "take_in",
]
