"""Keeping account of deliveries that are stored and not judged: none is too old to be found."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from apps.core.services.publish import publish
from apps.rounds import sweep_statements
from apps.rounds.events import DeliveryNotJudged

_WRITTEN_AFTER: Final = timedelta(minutes=10)
"""Storing is one statement, and the gateway's take five seconds at most (``config/databases``)."""
_AT_ONCE: Final = 20_000
_TOLD_AFTER: Final = 3


@dataclass(frozen=True, slots=True)
class Span:
    """The deliveries after one number up to another; ``written`` is where the next sweep begins."""

    after: int
    upto: int
    written: int | None


def next_span(after: int, *, now: datetime) -> Span | None:
    """Return the next deliveries to look through, or None where there are no more."""
    asked: dict[str, int | datetime] = {
        "after": after,
        "most": _AT_ONCE,
        "written_before": now - _WRITTEN_AFTER,
    }
    with connection.cursor() as cursor:
        cursor.execute(sweep_statements.NEXT_SPAN, asked)
        upto, written = cursor.fetchone() or (None, None)
    return None if upto is None else Span(after, upto, written)


def end_span(span: Span) -> None:
    """Begin after this span next time: all of it is judged or listed."""
    if span.written is not None:
        with connection.cursor() as cursor:
            cursor.execute(sweep_statements.MOVE_SWEPT_THROUGH, {"delivery_id": span.written})


@transaction.atomic
def list_unjudged(delivery_id: int, provider_id: int, *, error: str, now: datetime) -> None:
    """List a delivery that could not be applied, to be tried again; tell people at the third."""
    asked: dict[str, int | str | datetime] = {
        "delivery_id": delivery_id,
        "error": error[:64],
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(sweep_statements.LIST_UNJUDGED, asked)
        [tries] = cursor.fetchone() or (0,)
    if tries == _TOLD_AFTER:
        fact = DeliveryNotJudged(provider_id=provider_id, delivery_id=delivery_id, error=error[:64])
        publish(fact, now=now)


def unlist_judged() -> None:
    """Take what is judged by now off the list, whoever judged it."""
    with connection.cursor() as cursor:
        cursor.execute(sweep_statements.UNLIST_JUDGED)
