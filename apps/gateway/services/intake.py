"""Taking callbacks in: verify raw bytes, parse, store durably, apply, answer."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, LiteralString

from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection, transaction

from apps.core.batches import Cursor
from apps.gateway.contracts import Inbound, Judged, Refused, ToJudge, Unreadable
from apps.gateway.errors import BatchRacedError, DeliveryNotReadableError, UnknownDeliveryError
from apps.gateway.services.apply import Games, apply_deliveries
from apps.gateway.services.refusals import count_refusals
from apps.providers.adapters.contract import (
    Adapter,
    CallbackRequest,
    CallbackResponse,
    EnvelopeError,
)
from apps.providers.adapters.registry import adapter_for
from apps.providers.contracts import (
    CanonicalQuery,
    GameRef,
    Outcome,
    ProviderProfile,
)
from apps.providers.enums import Protocol
from apps.providers.errors import IdScopesMovedError
from apps.providers.selectors.catalogue import games_by_code
from apps.providers.selectors.profiles import provider_profile_by_id
from apps.rounds import sweep_statements
from apps.rounds.contracts import DeliveryRow, VerdictRow
from apps.rounds.enums import EventStatus
from apps.rounds.selectors import swept_through
from apps.rounds.services import store, unjudged

logger = logging.getLogger(__name__)

_MOST_SPANS = 100
_JUDGING_FOR = timedelta(seconds=15)
_LONGEST_PATH = 200


class UnauthenticatedError(Exception):
    """Nobody proved to be the provider; the answer says no more than that."""

    code = "unauthenticated"


class UnreadableError(EnvelopeError):
    """An authentic body that can't be read at all, with the delivery to keep as evidence."""

    def __init__(self, code: str, delivery: DeliveryRow) -> None:
        super().__init__(code)
        self.delivery = delivery


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
        UnreadableError: an authentic body that can't be read; it carries what to store.
        EnvelopeError: an authentic question that can't be stored whole.
    """
    adapter = adapter_of(profile)
    keys = [key for key in profile.keys if key.is_active(now)] if profile else []
    tolerance = profile.envelope_tolerance_seconds if profile else 0
    key = adapter.authenticate(keys, request, tolerance)
    if profile is None or key is None:
        raise UnauthenticatedError
    inbound = Inbound(
        provider=profile,
        message_id=adapter.message_id(request)[:64],
        key_id=key.kid,
        path=_stored_path(profile, request),
        headers={n: request.headers[n] for n in adapter.kept_headers if n in request.headers},
        request=request,
        parsed=(),
    )
    try:
        return replace(inbound, parsed=adapter.parse(profile, request))
    except EnvelopeError as error:
        raise UnreadableError(error.code, _row_of(inbound)) from error


def _stored_path(profile: ProviderProfile, request: CallbackRequest) -> str:
    """Return the path and query to store; what a question asks is in its query, so that is whole.

    Raises:
        EnvelopeError: a question too long to be stored whole, and so to be read again.
    """
    query = f"?{request.query}" if request.query else ""
    path = f"/callbacks/{profile.code}/{request.path}{query}"
    if len(path) > _LONGEST_PATH and request.method == "GET":
        raise EnvelopeError("query_too_long")
    return path[:_LONGEST_PATH]


def take_in(inbound: Sequence[Inbound], games: Games, *, now: datetime) -> list[Judged]:
    """Store deliveries, then apply them; return what became of each.

    Once this returns, every delivery is durable. One that could be stored but not applied is
    answered ``parked`` with ``ledger_unavailable`` and applied later by ``apply_unjudged``.

    Raises:
        DatabaseError: nothing could be stored; the provider must be told to try again.
    """
    rows = [_row_of(one) for one in inbound]
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        ids = store.store_deliveries(cursor, rows)
    deliveries = [
        ToJudge(one.provider, one.received_at, delivery_id, one.parsed, one.request)
        for delivery_id, one in zip(ids, inbound, strict=True)
    ]
    return _apply_or_park(deliveries, games, now=now)


def _row_of(one: Inbound) -> DeliveryRow:
    return DeliveryRow(
        provider_id=one.provider.id,
        received_at=one.received_at,
        message_id=one.message_id,
        key_id=one.key_id,
        path=one.path,
        headers=one.headers,
        body=one.request.body,
    )


def _apply_or_park(deliveries: list[ToJudge], games: Games, *, now: datetime) -> list[Judged]:
    """Apply a batch; where it fails, halve it down to what fails, so that one can't hold up all.

    All of it is stored already, so whatever the failure is, an answer is owed to every delivery.
    """
    try:
        return apply_deliveries(deliveries, games, now=now)
    except Exception as error:
        facts = {"deliveries": len(deliveries), "error": type(error).__name__}
        if isinstance(error, (DatabaseError, BatchRacedError, IdScopesMovedError)):
            logger.warning("gateway.batch.failed", extra=facts)
        else:
            logger.exception("gateway.batch.failed", extra=facts)
        is_divisible = len(deliveries) > 1 and not _is_away(error)
    if not is_divisible:
        return [answer_unavailable(delivery) for delivery in deliveries]
    middle = len(deliveries) // 2
    return [
        judged
        for half in (deliveries[:middle], deliveries[middle:])
        for judged in _apply_or_park(half, games, now=now)
    ]


def _is_away(error: Exception) -> bool:
    """Tell whether the database has gone and stays away: then trying halves helps nobody."""
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    if connection.is_usable():
        return False
    try:
        connection.close()
        connection.ensure_connection()
    except (OperationalError, InterfaceError):
        return True
    return False


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
    try:
        response = adapter.render(delivery.provider, delivery.request, delivery.parsed, outcomes)
    except Exception:
        # What can't even be answered in its own words is told to come again.
        logger.exception("gateway.answer.failed", extra={"delivery_id": delivery.delivery_id})
        response = adapter.refuse(delivery.request, "unavailable")
    return Judged(outcomes, response)


def apply_unjudged(*, now: datetime, limit: int = 500) -> int:
    """Apply deliveries that were stored but never judged, because a process died in between.

    Idempotent, and safe beside the gateway: what was applied meanwhile is answered as a repeat.
    One that can't be read or applied is listed, tried again later, and holds up nobody. None is
    too old: a run goes on from where the one before found all judged or listed.

    Raises:
        OperationalError, InterfaceError: the database is away.
    """
    names = _Names()
    due = _read(sweep_statements.FIND_UNJUDGED_DUE, {"now": now, "limit": limit})
    applied = sum(_try_stored(row, names, now) for row in due)
    after = swept_through()
    for _ in range(_MOST_SPANS):
        span = unjudged.next_span(after, now=now)
        if span is None:
            break
        applied += _apply_span(span, names, now, limit)
        unjudged.end_span(span)
        after = span.upto
    unjudged.unlist_judged()
    return applied


@dataclass(slots=True)
class _Names:
    """Profiles and games for one sweep."""

    profiles: dict[int, ProviderProfile] = field(default_factory=dict)
    games: dict[tuple[int, str], GameRef] = field(default_factory=dict)

    def profile(self, provider_id: int) -> ProviderProfile:
        if provider_id not in self.profiles:
            profile = provider_profile_by_id(provider_id)
            self.games |= {(provider_id, code): g for code, g in games_by_code(provider_id).items()}
            self.profiles[provider_id] = profile
        return self.profiles[provider_id]


def _apply_span(span: unjudged.Span, names: _Names, now: datetime, limit: int) -> int:
    """Apply what of a span is not judged, ``limit`` deliveries at a time."""
    applied, last = 0, span.after
    while True:
        asked = {"after": last, "upto": span.upto, "until": now - _JUDGING_FOR, "limit": limit}
        rows = _read(sweep_statements.FIND_UNJUDGED, asked)
        applied += sum(_try_stored(row, names, now) for row in rows)
        if len(rows) < limit:
            return applied
        last = rows[-1][0]


def _read(statement: LiteralString, asked: dict[str, Any]) -> list[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())


def _try_stored(row: Sequence[Any], names: _Names, now: datetime) -> bool:
    """Apply a stored delivery; return whether that worked, and list it where it didn't."""
    try:
        delivery = _stored(row, names.profile(row[1]))
        apply_deliveries([delivery], names.games, now=now)
    except Exception as error:
        if _is_away(error):
            raise
        logger.exception("gateway.unjudged.failed", extra={"delivery_id": row[0]})
        unjudged.list_unjudged(row[0], row[1], error=type(error).__name__, now=now)
        return False
    return True


def reprocess_delivery(*, delivery_id: int, now: datetime) -> tuple[Outcome, ...]:
    """Apply one stored delivery again, because a person asked for it; its first verdict stands.

    What it says was booked already is answered as a repeat; what was parked is judged anew. A new
    stake is never taken this way, and its id stays as it was.

    Raises:
        UnknownDeliveryError: no delivery has this id.
        DeliveryNotReadableError: its bytes say nothing that can be judged.
        BatchRacedError, DatabaseError: nothing was written; ask again.
    """
    names = _Names()
    delivery = replace(_read_again(delivery_id, names), is_asked_again=True)
    [judged] = apply_deliveries([delivery], names.games, now=now)
    return judged.outcomes


def why_not_again(delivery_id: int) -> str:
    """Say why a stored delivery can't be applied again; empty where it can. Moves nothing."""
    try:
        parsed = _read_again(delivery_id, _Names()).parsed
    except (UnknownDeliveryError, DeliveryNotReadableError) as refusal:
        return str(refusal)
    if all(isinstance(message, CanonicalQuery) for message in parsed):
        return "It is a question and carries no event, so there is nothing to apply."
    return ""


def _read_again(delivery_id: int, names: _Names) -> ToJudge:
    rows = _read(sweep_statements.FIND_DELIVERY, {"delivery_id": delivery_id})
    if not rows:
        raise UnknownDeliveryError(delivery_id)
    try:
        return _stored(rows[0], names.profile(rows[0][1]))
    except EnvelopeError as error:
        raise DeliveryNotReadableError(delivery_id, error.code) from error


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
    """Count refused input in a transaction of its own, and keep what was authentic of it."""
    kept = [one.unreadable for one in refused if one.unreadable is not None]
    with transaction.atomic(), connection.cursor() as cursor:
        count_refusals(cursor, refused)
        if kept:
            _keep_unreadable(cursor, kept)


def _keep_unreadable(cursor: Cursor, kept: Sequence[Unreadable]) -> None:
    """Store deliveries with the answer each got, so that none of them waits to be judged."""
    ids = store.store_deliveries(cursor, [one.delivery for one in kept])
    verdicts = [
        VerdictRow(
            delivery_id,
            one.http_status,
            [{"event_id": "", "status": EventStatus.REJECTED.value, "code": one.code}],
            one.delivery.received_at,
        )
        for delivery_id, one in zip(ids, kept, strict=True)
    ]
    store.save_verdicts(cursor, verdicts)
