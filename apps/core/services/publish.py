"""Telling the apps above: rows written with the fact, sent after it is durable."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, transaction

from apps.core.canonical import require_plain_json
from apps.core.contracts import Event
from apps.core.statements import INSERT_OUTBOX


class Cursor(Protocol):
    """Django's cursor or psycopg's own."""

    def execute(self, query: Any, params: Any = None, /) -> Any: ...


@transaction.atomic
def publish(event: Event, *, now: datetime) -> None:
    """Write one outbox row per subscriber of ``event``, in the caller's transaction.

    Raises:
        NotPlainJsonError: a field is not an id or other plain JSON.
    """
    with connection.cursor() as cursor:
        publish_with_cursor(cursor, [event], now)


@transaction.atomic
def publish_all(events: Iterable[Event], *, now: datetime) -> None:
    """Write the rows of many events with one statement, in the caller's transaction.

    Raises:
        NotPlainJsonError: a field is not an id or other plain JSON; nothing was written.
    """
    with connection.cursor() as cursor:
        publish_with_cursor(cursor, events, now)


def publish_with_cursor(cursor: Cursor, events: Iterable[Event], now: datetime) -> None:
    """Write the rows of many events with one statement, in the transaction ``cursor`` is in.

    For the gateway's hot path, which holds a plain psycopg cursor; nothing of Django's connection
    is touched.

    Raises:
        NotPlainJsonError: a field is not an id or other plain JSON; nothing was written.
    """
    params = outbox_params(events, now)
    if params is not None:
        cursor.execute(INSERT_OUTBOX, params)


def outbox_params(events: Iterable[Event], now: datetime) -> tuple[Any, ...] | None:
    """Return the parameters of ``INSERT_OUTBOX``, or None where nobody listens.

    For a caller with an async cursor, who awaits the statement itself.
    """
    subscriptions: Mapping[str, Sequence[str]] = settings.PITBOSS_SUBSCRIPTIONS
    topics: list[str] = []
    tasks: list[str] = []
    payloads: list[str] = []
    for event in events:
        listeners = subscriptions.get(event.topic, ())
        if not listeners:
            continue
        payload = event.payload()
        require_plain_json(payload, event.topic)
        text = json.dumps(payload)
        for task in listeners:
            topics.append(event.topic)
            tasks.append(task)
            payloads.append(text)
    return (now, now, topics, tasks, payloads) if topics else None
