"""Statements kept prepared behave like any other of Django's."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from prometheus_client import REGISTRY

from apps.core.prepared import prepared_row

pytestmark = pytest.mark.django_db


def _prepared_statements() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE NOT from_sql")
        return [row[0] for row in cursor.fetchall()]


def test_a_statement_that_was_run_three_times_is_kept_prepared_on_the_server() -> None:
    statement = "SELECT %s::int + 1 AS kept_prepared"

    answers = [prepared_row(statement, [number]) for number in range(4)]

    assert answers == [(1,), (2,), (3,), (4,)]
    assert [text for text in _prepared_statements() if "kept_prepared" in text] == [
        "SELECT $1::int + 1 AS kept_prepared"
    ]


def test_no_row_is_none_and_names_bind_as_well_as_places() -> None:
    assert prepared_row("SELECT 1 WHERE %(is_wanted)s", {"is_wanted": False}) is None
    assert prepared_row("SELECT %(a)s::int - %(b)s::int", {"a": 5, "b": 3}) == (2,)


def test_it_runs_in_the_transaction_that_is_open_and_is_counted_like_any_query() -> None:
    name = "django_db_execute_total"
    labels = {"alias": "default", "vendor": "postgresql"}
    before = REGISTRY.get_sample_value(name, labels) or 0

    with CaptureQueriesContext(connection) as queries:
        ours = prepared_row("SELECT pg_current_xact_id()::text", [])
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text")
            theirs = cursor.fetchone()

    assert ours == theirs
    assert len(queries) == 2
    assert (REGISTRY.get_sample_value(name, labels) or 0) - before >= 2


def test_an_error_of_the_database_is_djangos_own() -> None:
    with pytest.raises(DatabaseError, match="division by zero"), transaction.atomic():
        prepared_row("SELECT 1 / %s::int", [0])
