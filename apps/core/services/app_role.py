"""The role that serving processes connect as: it adds to history and can't change it.

Triggers refuse a change too, but whoever owns a table can switch its triggers off. So migrations
run as the owner, and everything that serves runs as a role that owns nothing.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from apps.core import statements
from apps.core.errors import AppRoleError


@dataclass(frozen=True, slots=True)
class TableRights:
    """What the application may do to one table, besides reading it."""

    table: str
    insert: bool
    update: bool
    delete: bool

    @property
    def verbs(self) -> list[str]:
        wanted = {"INSERT": self.insert, "UPDATE": self.update, "DELETE": self.delete}
        return ["SELECT", *(verb for verb, is_granted in wanted.items() if is_granted)]


@transaction.atomic
def grant_app_role(role: str) -> list[TableRights]:
    """Give the role what it needs on every table and take everything else; safe to repeat.

    Run by the tables' owner after each migration: a new table is closed until then.

    Raises:
        AppRoleError: the role is missing, has powers over everything, or may become the owner.
    """
    with connection.cursor() as cursor:
        cursor.execute(statements.LOCK_GRANTING)
        _refuse_unfit(cursor, role)
        schema = _current_schema(cursor)
        rights = app_rights()
        name = sql.Identifier(role)
        for statement in (
            "REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {role}",
            "REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {role}",
            "REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM PUBLIC, {role}",
            "GRANT USAGE ON SCHEMA {schema} TO {role}",
            # USAGE draws numbers; setting a sequence back would need UPDATE.
            "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
        ):
            cursor.execute(sql.SQL(statement).format(schema=sql.Identifier(schema), role=name))
        for one in rights:
            verbs = sql.SQL(", ").join(sql.SQL(verb) for verb in one.verbs)
            table = sql.Identifier(schema, one.table)
            cursor.execute(sql.SQL("GRANT {} ON {} TO {}").format(verbs, table, name))
    return rights


@transaction.atomic
def set_guards_always() -> int:
    """Make every guard trigger fire in each session, also one that plays a replica; repeatable."""
    with connection.cursor() as cursor:
        cursor.execute(statements.GUARDS_NOT_ALWAYS)
        found = cursor.fetchall()
        for table, guard in found:
            statement = sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}")
            cursor.execute(statement.format(sql.Identifier(table), sql.Identifier(guard)))
    return len(found)


def app_rights() -> list[TableRights]:
    """Work out from each table's guards what the application may do to it."""
    with connection.cursor() as cursor:
        cursor.execute(statements.TABLES_AND_BANS)
        return [
            TableRights(table, not no_insert, not no_update, not no_delete)
            for table, no_insert, no_update, no_delete in cursor.fetchall()
        ]


def unsafe_connection() -> list[str]:
    """Say what this process's own connection could do to history; empty where it is safe."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (role,) = cursor.fetchone()
        cursor.execute(statements.ROLE_POWERS, [role])
        has_powers, owned = cursor.fetchone()
        cursor.execute(statements.DURABILITY)
        loose = [name for name, value in cursor.fetchall() if value in {"off", "local"}]
        problems = [f"PostgreSQL has {name} off: what it confirms may be lost." for name in loose]
        if has_powers:
            problems.append(f"The role {role} is a superuser, or may make or replicate roles.")
        if owned:
            problems.append(
                f"The role {role} owns {owned} tables, or is a member of their owner: it could "
                "switch off the guards of the ledger."
            )
        problems += _changeable(cursor, role)
    return problems


def _changeable(cursor: Any, role: str) -> list[str]:
    cursor.execute(statements.TABLES_TOO_WIDE)
    wide = [table for (table,) in cursor.fetchall()]
    if not wide:
        return []
    names = ", ".join(wide[:5]) + (" and others" if len(wide) > 5 else "")
    return [f"The role {role} may change what is only added to: {names}. Run grant_app_role."]


def _refuse_unfit(cursor: Any, role: str) -> None:
    cursor.execute(statements.ROLE_POWERS, [role])
    row = cursor.fetchone()
    if row is None:
        raise AppRoleError(
            f"There is no role {role}. Embedded servers make it when they start (servers stop); "
            f'elsewhere: CREATE ROLE "{role}" LOGIN PASSWORD ...'
        )
    has_powers, owned = row
    if has_powers:
        raise AppRoleError(f"{role} is a superuser, or may make or replicate roles.")
    if owned:
        raise AppRoleError(f"{role} owns {owned} tables, or is a member of their owner.")


def _current_schema(cursor: Any) -> str:
    cursor.execute("SELECT current_schema()")
    return str(cursor.fetchone()[0])
