"""Many rows in any table, without a word about what the table means.

What the rows say is nonsense: the constraints are dropped first, inside the test's transaction,
which gives them back. A foreign key to another big table counts along; any other names the one row
that there is. So lists can be asked at a size at which it shows who reads a whole table, and plans
where the planner has a reason to choose: over the few rows of a test it is chance, and what earlier
tests left behind, which index is the cheapest.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection, models
from django.db.models import Model

type Table = type[Model]

# What is unique becomes the same index over rows that may be alike.
_UNIQUE = """
SELECT i.indexrelid::regclass::text, replace(replace(pg_get_indexdef(i.indexrelid),
    'CREATE UNIQUE INDEX', 'CREATE INDEX'), 'NULLS NOT DISTINCT', ''), c.conname
FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'u'
WHERE i.indrelid = %s::regclass AND i.indisunique AND NOT i.indisprimary
"""

ROWS = 100_000


def fill(tables: list[Table], *, rows: int = ROWS, values: Mapping[str, str] | None = None) -> None:
    """Fill these tables, with one row in each that they refer to.

    ``values`` says by SQL over the row's number ``i`` what stands in the columns of these names.
    """
    assert connection.in_atomic_block, "the constraints would stay dropped"
    with connection.cursor() as cursor:
        # What the makers left to be checked at commit is checked now: it would hold the tables.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            _loosen(cursor, table)
        for parent in _parents(tables):
            if not parent._default_manager.exists():
                _loosen(cursor, parent)
                _insert(cursor, parent, 1, set(), {})
            cursor.execute(f"ANALYZE {parent._meta.db_table}")
        for table in tables:
            _insert(cursor, table, rows, set(tables), values or {})
            cursor.execute(f"ANALYZE {table._meta.db_table}")


def _parents(tables: list[Table]) -> list[Table]:
    """Return what the tables refer to, and what that refers to, the furthest first."""
    found: list[Table] = []
    seen = set(tables)

    def look(table: Table) -> None:
        for field in table._meta.concrete_fields:
            target = _target(field)
            if target is not None and target not in seen:
                seen.add(target)
                look(target)
                found.append(target)

    for table in tables:
        look(table)
    return found


def _target(field: Any) -> Table | None:
    target: Table | None = field.related_model if field.is_relation else None
    return target


def _loosen(cursor: Any, table: Table) -> None:
    """Drop every constraint of a table but its primary key, and turn its triggers off."""
    name = table._meta.db_table
    cursor.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('c', 'f')",
        [name],
    )
    for (constraint,) in cursor.fetchall():
        cursor.execute(f'ALTER TABLE {name} DROP CONSTRAINT "{constraint}" CASCADE')
    cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
    cursor.execute(_UNIQUE, [name])
    for index, definition, constraint in cursor.fetchall():
        drop = f'ALTER TABLE {name} DROP CONSTRAINT "{constraint}"' if constraint else ""
        cursor.execute(f"{drop} CASCADE" if drop else f"DROP INDEX {index}")
        cursor.execute(definition)


def _insert(
    cursor: Any, table: Table, rows: int, counted: set[Table], given: Mapping[str, str]
) -> None:
    fields = [field for field in table._meta.concrete_fields if not field.generated]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join(given.get(str(field.column)) or _value(field, counted) for field in fields)
    # Above what there is: ids must not meet those of rows that a migration or a fixture made.
    cursor.execute(
        f"INSERT INTO {table._meta.db_table} ({columns}) OVERRIDING SYSTEM VALUE "
        f"SELECT {values} FROM generate_series(1, %s) AS i ON CONFLICT DO NOTHING",
        [rows],
    )


_VALUES = {
    "DateTimeField": f"now() - make_interval(secs => 20 * ({ROWS} - i))",
    "DateField": f"current_date - (({ROWS} - i) / 1000)::int",
    "BooleanField": "false",
    "JSONField": "'{}'::jsonb",
    "BinaryField": "'\\x7b7d'::bytea",
    "UUIDField": "gen_random_uuid()",
    "GenericIPAddressField": "'10.0.0.1'::inet",
}


def _value(field: Any, counted: set[Table]) -> str:
    target = _target(field)
    if target is not None and target not in counted:
        options = target._meta
        return f"(SELECT min({options.pk.column}) FROM {options.db_table})"
    if target is not None or field.primary_key:
        return "i" if _is_number(field) else "i::text"
    if isinstance(field, models.CharField | models.TextField):
        return _text(field)
    plain = "mod(i, 1000) + 1" if _is_number(field) else "NULL"
    return _VALUES.get(field.get_internal_type(), plain)


def _text(field: Any) -> str:
    """Return one of the choices, always the same one: the others are what nobody has."""
    if field.choices:
        return "'" + str(field.choices[-1][0]) + "'"
    width = field.max_length or 40
    return f"left('t' || i, {width})" if width > 6 else "'EUR'"


def _is_number(field: Any) -> bool:
    kind = (field.target_field if field.is_relation else field).get_internal_type()
    return "Integer" in kind or "AutoField" in kind or kind == "DecimalField"
