"""How a seed chooses: in the database, so that a million rows never come to Python."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Final

from django.db import OperationalError, connection, transaction
from django.db.models import BinaryField, Func, Max, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat
from psycopg.errors import QueryCanceled

from apps.auditing.errors import PopulationBusyError, PopulationTooSlowError

_READ_MILLISECONDS: Final = 60_000
_WAIT_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.1

# Every transaction of this database that writes to a table or drew an id by now must have ended:
# until then a row with a low id may still appear. An id is drawn under this lock on its sequence,
# held to the end: the gateway draws its ids long before it inserts. Nothing is locked here, and
# what another database of the same server writes is no concern of ours.
_WRITING: Final = """
SELECT held.virtualtransaction
FROM pg_locks held
JOIN pg_class written ON written.oid = held.relation AND written.relkind IN ('r', 'p', 'S')
WHERE held.locktype = 'relation' AND held.mode = 'RowExclusiveLock' AND held.granted
  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND held.pid IS DISTINCT FROM pg_backend_pid()
"""
_GIVE_TIME: Final = "SELECT set_config('statement_timeout', %s, true)"


class _DrawKey(Func):
    """SHA-256 of a text, as bytes."""

    template = "SHA256(CONVERT_TO(%(expressions)s, 'UTF8'))"
    output_field = BinaryField()


def draw_key(seed: str, member_id: int) -> str:
    """Return what decides a row's place, for whoever repeats the draw by hand."""
    return sha256(f"{seed}:{member_id}".encode()).hexdigest()


def drawn_ids(rows: QuerySet[Any], *, seed: str, size: int) -> list[int]:
    """Return the ids with the lowest keys, in their order: one pass and a heap of ``size``."""
    return list(in_draw_order(rows, seed).values_list("pk", flat=True)[:size])


def in_draw_order(rows: QuerySet[Any], seed: str) -> QuerySet[Any]:
    text = Concat(Value(f"{seed}:"), Cast("pk", TextField()), output_field=TextField())
    return rows.order_by(_DrawKey(text), "pk")


def members_digest(member_ids: Iterable[int]) -> str:
    """Return the SHA-256 of the ids in the order of the draw, joined by commas."""
    return sha256(",".join(map(str, member_ids)).encode()).hexdigest()


def highest_id(rows: QuerySet[Any]) -> int | None:
    """Return the highest id, once nothing that began earlier can bring a lower one.

    Raises:
        PopulationBusyError: something is being written for too long.
        PopulationTooSlowError: the rows can't be read in the time there is.
    """
    with time_to_read():
        found: int | None = rows.aggregate(highest=Max("pk"))["highest"]
    deadline = time.monotonic() + _WAIT_SECONDS
    writing = _transactions_writing()
    while writing:
        if time.monotonic() > deadline:
            raise PopulationBusyError
        time.sleep(_PAUSE_SECONDS)
        writing &= _transactions_writing()
    return found


def _transactions_writing() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_WRITING)
        return {transaction_id for (transaction_id,) in cursor.fetchall()}


@contextmanager
def time_to_read() -> Iterator[None]:
    """Open a transaction whose statements may take longer than those of a page.

    Raises:
        PopulationTooSlowError: one of them took longer still; nothing of it is kept.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_GIVE_TIME, [str(_READ_MILLISECONDS)])
            yield
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise PopulationTooSlowError from error
