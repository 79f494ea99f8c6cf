"""Taking callbacks in: verify raw bytes, parse, store durably, apply, answer."""

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection, transaction

from apps.gateway.contracts import Inbound, Judged, Refused, ToJudge
from apps.gateway.errors import BatchRacedError, UnknownDeliveryError
from apps.gateway.services.apply import Games, apply_deliveries
from apps.gateway.services.refusals import count_refusals
from apps.providers.adapters.contract import (
    Adapter,
    CallbackRequest,
    CallbackResponse,
)
from apps.providers.adapters.registry import adapter_for
from apps.providers.contracts import (
    CanonicalQuery,
    GameRef,
    Outcome,
    ProviderProfile,
)
from apps.providers.enums import Protocol
from apps.providers.selectors.catalogue import games_by_code
from apps.providers.selectors.profiles import provider_profile_by_id
from apps.rounds import statements as round_statements
from apps.rounds.contracts import DeliveryRow
from apps.rounds.enums import EventStatus
from apps.rounds.services import store

logger = logging.getLogger(__name__)

_SWEPT_FOR = timedelta(days=3)
_JUDGING_FOR = timedelta(seconds=15)
_LONGEST_PATH = 200


class UnauthenticatedError(Exception):
    """Nobody proved to be the provider; the answer says no more than that."""


def adapter_of(profile: ProviderProfile | None) -> Adapter:
    """Return a provider's adapter; strangers are spoken to in the native protocol."""
    return adapter_for(profile.protocol if profile else Protocol.NATIVE)


def read_callback(
    profile: ProviderProfile | None, request: CallbackRequest, *, now: datetime
) -> Inbound:
    """Verify a callback on its raw bytes, then parse it. Pure.

    ``now`` says which of our keys are active; ``request.received_at`` judges the signed time.
    An unknown provider goes the same way without a key.

    Raises:
        UnauthenticatedError: unknown provider, or no valid signature of an active key.
        EnvelopeError: an authentic body that can't be read.
    """
    adapter = adapter_of(profile)
    keys = [key for key in profile.keys if key.is_active(now)] if profile else []
    tolerance = profile.envelope_tolerance_seconds if profile else 0
    key = adapter.authenticate(keys, request, tolerance)
    if profile is None or key is None:
        raise UnauthenticatedError
    return Inbound(
        provider=profile,
        message_id=adapter.message_id(request)[:64],
        key_id=key.kid,
        path=_stored_path(profile, request),
        headers={n: request.headers[n] for n in adapter.kept_headers if n in request.headers},
        request=request,
        parsed=adapter.parse(profile, request),
    )


def _stored_path(profile: ProviderProfile, request: CallbackRequest) -> str:
    query = f"?{request.query}" if request.query else ""
    return f"/callbacks/{profile.code}/{request.path}{query}"[:_LONGEST_PATH]


def take_in(inbound: Sequence[Inbound], games: Games, *, now: datetime) -> list[Judged]:
    """Store deliveries, then apply them; return what became of each.

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
            body=one.request.body,
        )
        for one in inbound
    ]
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        ids = store.store_deliveries(cursor, rows)
    deliveries = [
        ToJudge(one.provider, one.received_at, delivery_id, one.parsed, one.request)
        for delivery_id, one in zip(ids, inbound, strict=True)
    ]
    return _apply_or_park(deliveries, games, now=now)


def _apply_or_park(deliveries: list[ToJudge], games: Games, *, now: datetime) -> list[Judged]:
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
            judged
            for delivery in deliveries
            for judged in _apply_or_park([delivery], games, now=now)
        ]
    return [answer_unavailable(delivery) for delivery in deliveries]


def answer_unavailable(delivery: ToJudge) -> Judged:
    """Return the answer to a delivery that is durable and will be applied later."""
    outcomes = tuple(
        Outcome(
            message.event_id if not isinstance(message, CanonicalQuery) else "",
            EventStatus.PARKED,
            "ledger_unavailable",
            None,
            "",
        )
        for message in delivery.parsed
    )
    adapter = adapter_of(delivery.provider)
    if delivery.request is None:
        return Judged(outcomes, CallbackResponse(503, b""))
    response = adapter.render(delivery.provider, delivery.request, delivery.parsed, outcomes)
    return Judged(outcomes, response)


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
    for row in rows:
        provider_id = row[1]
        if provider_id not in profiles:
            profiles[provider_id] = provider_profile_by_id(provider_id)
            games |= {(provider_id, code): g for code, g in games_by_code(provider_id).items()}
        delivery = _stored(row, profiles[provider_id])
        try:
            apply_deliveries([delivery], games, now=now)
        except (DatabaseError, BatchRacedError):
            logger.exception("gateway.unjudged.failed", extra={"delivery_id": row[0]})
        else:
            applied += 1
    return applied


def reprocess_delivery(*, delivery_id: int, now: datetime) -> tuple[Outcome, ...]:
    """Apply one stored delivery again, because a person asked for it; its first verdict stands.

    What it says was booked already is answered as a repeat; what was parked is judged anew.

    Raises:
        UnknownDeliveryError: no delivery has this id.
        BatchRacedError, DatabaseError: nothing was written; ask again.
    """
    with connection.cursor() as cursor:
        cursor.execute(round_statements.FIND_DELIVERY, [delivery_id])
        rows = cursor.fetchall()
    if not rows:
        raise UnknownDeliveryError(delivery_id)
    profile = provider_profile_by_id(rows[0][1])
    games = {(profile.id, code): game for code, game in games_by_code(profile.id).items()}
    [judged] = apply_deliveries([_stored(rows[0], profile)], games, now=now)
    return judged.outcomes


def _stored(row: Sequence[Any], profile: ProviderProfile) -> ToJudge:
    """Parse a stored delivery again; it was authentic when it was stored."""
    delivery_id, _provider_id, received_at, _message_id, _key_id, path, headers, body = row
    adapter = adapter_of(profile)
    below, _, query = path.removeprefix(f"/callbacks/{profile.code}/").partition("?")
    request = CallbackRequest(
        method=min(adapter.routes.get(below, {"POST"})),
        path=below,
        query=query,
        headers=headers if isinstance(headers, dict) else json.loads(headers),
        body=bytes(body),
        received_at=received_at,
    )
    parsed = adapter.parse(profile, request)
    return ToJudge(profile, received_at, delivery_id, parsed, request, is_swept=True)


def record_refusals(refused: Sequence[Refused]) -> None:
    """Count refused input in a transaction of its own."""
    with transaction.atomic(), connection.cursor() as cursor:
        count_refusals(cursor, refused)
