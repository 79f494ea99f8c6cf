"""Sending outbox messages and running each one's effect exactly once.

The broker may lose, repeat, delay or reorder what it is given. Loss: a message not done is sent
again with growing pauses. Repetition: ``run_once`` finds it done under the row's lock. Messages
that never succeed, and messages that kill their worker, are parked for a person.
"""

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final, cast

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction

from apps.core.contracts import OutboxClaim, SendReport
from apps.core.errors import MessageNotParkedError, UnknownOutboxMessageError
from apps.core.models import OutboxMessage
from apps.core.reasons import require_reason
from apps.core.services.audit import record_audit
from apps.core.statements import CLAIM_DUE, COUNT_START, PARK_EXHAUSTED, RELEASE_UNSENT

logger = structlog.get_logger(__name__)

MAX_ATTEMPTS: Final = 8
RETRY_SECONDS: Final = 60
RELEASE_SECONDS: Final = 2
KEEP_DONE: Final = timedelta(days=7)

type Send = Callable[[OutboxClaim], None]


class BrokerRefusedError(Exception):
    """What ``Send`` raises when the broker can't be reached; the message stays due."""


def send_due(*, send: Send, limit: int = 200, now: datetime) -> SendReport:
    """Claim up to ``limit`` due messages, then give each to ``send`` with no transaction open.

    A crash between the two delays a message by ``RETRY_SECONDS``, it never loses it. After the
    first refusal the rest are given back untried: a broker that is down stays down for a while.
    """
    claims = _claim(limit=limit, now=now)
    sent = 0
    error = ""
    for claim in claims:
        try:
            send(claim)
        except BrokerRefusedError as refusal:
            error = str(refusal) or type(refusal).__name__
            break
        sent += 1
    unsent = [claim.id for claim in claims[sent:]]
    if unsent:
        _release(unsent, error=error, now=now)
        logger.warning("core.outbox.broker_refused", count=len(unsent))
    return SendReport(sent=sent, failed=len(unsent))


def sweep(*, send: Send, limit: int = 1000, now: datetime) -> SendReport:
    """Park what is exhausted, send what is due, and drop what was done long ago.

    Finds the same work as the relay, so that a dead relay only makes things slower.
    """
    parked = _park_exhausted(limit=limit, now=now)
    report = send_due(send=send, limit=limit, now=now)
    _drop_done(limit=10 * limit, before=now - KEEP_DONE)
    return SendReport(sent=report.sent, failed=report.failed, parked=parked)


def run_once(outbox_id: int, handle: Callable[[], object], *, now: datetime | None = None) -> bool:
    """Run ``handle`` and mark the message done in one transaction; False if it was done before.

    ``handle`` must not open a durable transaction of its own. What it raises goes up after its
    effects are rolled back and the error is noted on the message, which is sent again later.

    Raises:
        UnknownOutboxMessageError: there is no such message, so nobody asked for this effect.
    """
    if not _count_start(outbox_id):
        return False
    try:
        with transaction.atomic(durable=True):
            message = OutboxMessage.objects.select_for_update().get(pk=outbox_id)
            if message.done_at is not None:
                return False
            handle()
            message.done_at = now or _database_clock()
            message.parked_at = None
            message.last_error = ""
            message.save(update_fields=["done_at", "parked_at", "last_error"])
    except Exception as error:
        note = f"{type(error).__name__}: {error}"[:500].replace("\x00", "")
        OutboxMessage.objects.filter(pk=outbox_id, done_at=None).update(last_error=note)
        raise
    return True


def _count_start(outbox_id: int) -> bool:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(COUNT_START, [outbox_id])
        row = cursor.fetchone()
        if row is None:
            if not OutboxMessage.objects.filter(pk=outbox_id).exists():
                raise UnknownOutboxMessageError(outbox_id)
            return False
        starts, is_parked = row
        if starts <= MAX_ATTEMPTS:
            return True
        if not is_parked:
            OutboxMessage.objects.filter(pk=outbox_id).update(
                parked_at=_database_clock(),
                last_error=f"Started {MAX_ATTEMPTS} times and never done.",
            )
            logger.error("core.outbox.parked", outbox_id=outbox_id)
        return False


@transaction.atomic(durable=True)
def requeue(
    outbox_id: int,
    *,
    acting_user: AbstractBaseUser | AnonymousUser,
    reason: str,
    now: datetime,
) -> None:
    """Give a parked message a fresh set of attempts.

    Raises:
        ReasonRequiredError: nobody said why.
        UnknownOutboxMessageError: there is no such message.
        MessageNotParkedError: it is done, or still on its way.
    """
    require_reason(reason)
    message = OutboxMessage.objects.select_for_update().filter(pk=outbox_id).first()
    if message is None:
        raise UnknownOutboxMessageError(outbox_id)
    if message.parked_at is None:
        raise MessageNotParkedError(outbox_id)
    message.parked_at = None
    message.sent_at = None
    message.attempts = 0
    message.starts = 0
    message.next_attempt_at = now
    message.save(update_fields=["parked_at", "sent_at", "attempts", "starts", "next_attempt_at"])
    record_audit(
        action="core.outbox.requeued",
        actor=acting_user,
        subject=f"outbox:{outbox_id}",
        details={"topic": message.topic, "task": message.task},
        reason=reason.strip(),
        now=now,
    )


@transaction.atomic(durable=True)
def _claim(*, limit: int, now: datetime) -> list[OutboxClaim]:
    with connection.cursor() as cursor:
        cursor.execute(
            CLAIM_DUE,
            {
                "now": now,
                "limit": limit,
                "retry_seconds": RETRY_SECONDS,
                "max_attempts": MAX_ATTEMPTS,
            },
        )
        rows = cursor.fetchall()
    claims = [OutboxClaim(id=pk, task=task, payload=_loaded(payload)) for pk, task, payload in rows]
    return sorted(claims, key=lambda claim: claim.id)


def _loaded(payload: Any) -> dict[str, Any]:
    # Django's psycopg connections hand jsonb over as text.
    return dict(json.loads(payload) if isinstance(payload, str) else payload)


@transaction.atomic(durable=True)
def _release(ids: Iterable[int], *, error: str, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            RELEASE_UNSENT,
            {
                "ids": list(ids),
                "retry_at": now + timedelta(seconds=RELEASE_SECONDS),
                "error": error[:500],
            },
        )


@transaction.atomic(durable=True)
def _park_exhausted(*, limit: int, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(PARK_EXHAUSTED, {"now": now, "max_attempts": MAX_ATTEMPTS, "limit": limit})
        parked = [row[0] for row in cursor.fetchall()]
    for outbox_id in parked:
        logger.error("core.outbox.parked", outbox_id=outbox_id)
    return len(parked)


def _drop_done(*, limit: int, before: datetime) -> None:
    old = OutboxMessage.objects.filter(done_at__lt=before).order_by("done_at").values("pk")[:limit]
    OutboxMessage.objects.filter(pk__in=old).delete()


def _database_clock() -> datetime:
    # A worker's own transaction start: the one clock that all workers share.
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (moment,) = cursor.fetchone()
    return cast("datetime", moment)
