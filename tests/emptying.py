"""Empty the tables after a test that committed what it wrote.

Django truncates every table, each with files and indexes of its own, and makes all content types
and permissions anew: most of a second for the few rows that a test leaves. Deleting those takes a
twentieth of it.
"""

import functools
from graphlib import TopologicalSorter
from typing import Final

from django.db import connection, transaction
from psycopg import sql

_KEPT: Final = frozenset({"django_content_type", "auth_permission", "django_migrations"})
"""What migrations wrote; truncating makes the first two anew as they were."""

_MANY: Final = 1_000
"""From so many rows in a table on, truncating is quicker and leaves no dead rows behind."""

_REFERENCES: Final = """
SELECT confrelid::regclass::text, conrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND NOT condeferrable AND confrelid <> conrelid
"""
"""References that are checked at once, not at commit as Django's are: who refers goes first."""


def emptied_row_by_row() -> bool:
    """Delete all rows there are, and say so; False where there are too many, and nothing is done.

    Whoever still writes is waited for first, as truncating would.
    """
    tables = _tables()
    names = sql.SQL(", ").join(map(sql.Identifier, tables))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(names))
        cursor.execute(_counts(tables))
        filled = {name: count for name, count in cursor.fetchall() if count}
        if max(filled.values(), default=0) >= _MANY:
            return False
        for name in filter(filled.get, tables):
            cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
    return True


@functools.cache
def _tables() -> tuple[str, ...]:
    found = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with connection.cursor() as cursor:
        cursor.execute(_REFERENCES)
        order: TopologicalSorter[str] = TopologicalSorter({name: [] for name in found})
        for table, referring in cursor.fetchall():
            order.add(table, referring)
    return tuple(name for name in order.static_order() if name not in _KEPT)


def _counts(tables: tuple[str, ...]) -> sql.Composed:
    count = sql.SQL("SELECT {}, count(*) FROM (SELECT FROM {} LIMIT {}) AS few")
    return sql.SQL(" UNION ALL ").join(
        count.format(sql.Literal(name), sql.Identifier(name), sql.Literal(_MANY)) for name in tables
    )
