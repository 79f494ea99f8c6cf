"""How PostgreSQL would run a statement."""

from typing import Any

from django.db import connection


def plan_of(statement: str, params: Any = None) -> str:
    """Return the plan that PostgreSQL chooses; over few rows its choice is chance."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", params)
        return "\n".join(row[0] for row in cursor.fetchall())
