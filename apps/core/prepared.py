"""Statements that stand in every launch: bound, parsed and planned on the server once.

Django binds values into a statement's text, so that PostgreSQL parses and plans it anew each time.
For the launch gate's one statement over fourteen tables that took four times as long as running it
(measured). Prepared plans live as long as the connection, thus for ``CONN_MAX_AGE`` at most where
requests are served.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, LiteralString

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django_prometheus.db.common import ExportingCursorWrapper


def prepared_row(
    statement: LiteralString, arguments: Mapping[str, Any] | Sequence[Any]
) -> tuple[Any, ...] | None:
    """Return the first row of a statement that is run often enough to be kept prepared.

    It runs on Django's own connection and in its transaction, and is counted, logged and
    translated into Django's errors like any other.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        bare = _counted_cursor()(connection.connection)
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with wrap(bare) as cursor:
        cursor.execute(statement, arguments)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


@cache
def _counted_cursor() -> Callable[[Any], Any]:
    counted: Callable[[Any], Any] = ExportingCursorWrapper(
        ServerBindingCursor, connection.alias, connection.vendor
    )
    return counted
