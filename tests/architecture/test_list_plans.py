"""No list over a big table reads it: not to begin with, not by any filter, not by any search.

Every list of the admin over a table that grows with play is opened over a hundred thousand rows,
plain, with each choice of each filter, and with a search. What PostgreSQL read for it is counted by
EXPLAIN ANALYZE: rows that were returned and rows that were thrown away.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from apps.staff.models import AuditorLookUp, User
from tests.big_rows import ROWS, fill
from tests.factories import make_game, make_player, make_provider

MOST_READ = 25_000
"""Filters that no index serves look at the newest 20,000 rows; a page and its count come on top."""

# A count by time reads the table where no index on the time would be worth its cost at each write;
# it ends at 10,001 rows, and the list itself begins at the newest.
_BY_TIME = "_within="

# A search that finds nothing, and one that is a number.
_TERMS = ("t99999999", "99999999")


def big_tables() -> list[type[Model]]:
    registered = {type(one): one.model for one in admin.site._registry.values()}.values()
    big = {model for model in registered if getattr(model, "is_big_table", False)}
    return sorted(big | {AuditorLookUp}, key=lambda model: model._meta.label)


def asked(model_admin: admin.ModelAdmin[Any], person: User, query: str) -> Any:
    """Read a list as its page does, without drawing it: the rows here mean nothing."""
    request = RequestFactory().get(f"/{query}")
    request.user = person
    changelist = model_admin.get_changelist_instance(request)
    assert changelist.result_count >= 0
    list(changelist.result_list)
    return changelist


def queries(model_admin: admin.ModelAdmin[Any], person: User) -> Iterator[str]:
    """Yield every way to ask for a list: plain, by each choice on offer, by a search."""
    yield ""
    changelist = asked(model_admin, person, "")
    for spec in changelist.filter_specs:
        for choice in spec.choices(changelist):
            query = str(choice.get("query_string", ""))
            if query not in {"", "?"}:
                yield query
    if model_admin.search_fields:
        for term in _TERMS:
            yield f"?{urlencode({'q': term})}"


def rows_read(sql: str, names: set[str]) -> int:
    """Run a statement once more and return the most rows that it read of one big table."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql.replace("%", "%%"), None)
        [(found,)] = cursor.fetchall()
    plan = found if isinstance(found, list) else json.loads(found)
    return max(_read_of(plan[0]["Plan"], names), default=0)


def _read_of(node: dict[str, Any], names: set[str]) -> Iterator[int]:
    if node.get("Relation Name") in names:
        thrown = sum(
            node.get(key, 0) for key in ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        )
        yield int((node["Actual Rows"] + thrown) * node["Actual Loops"])
    for inner in node.get("Plans", ()):
        yield from _read_of(inner, names)


@pytest.mark.timeout(600)  # two million rows on a busy machine
@pytest.mark.django_db
def test_no_list_over_a_big_table_reads_it() -> None:
    provider = make_provider()
    make_provider("borealis")
    make_game(provider)
    make_player("p-1")
    person = User.objects.create_superuser("root")
    tables = big_tables()
    assert len(tables) > 10
    fill(tables)
    names = {model._meta.db_table for model in tables}
    slow: list[str] = []
    ways = 0
    for model in tables:
        assert model._default_manager.count() >= ROWS, model
        model_admin = admin.site._registry[model]
        for query in queries(model_admin, person):
            ways += 1
            with CaptureQueriesContext(connection) as captured:
                asked(model_admin, person, query)
            for sql in (one["sql"] for one in captured.captured_queries):
                if not sql.startswith("SELECT") or not any(f'"{name}"' in sql for name in names):
                    continue
                read = rows_read(sql, names)
                if read > MOST_READ and _BY_TIME not in query:
                    slow.append(f"{model._meta.label} {query}: {read:,} rows by {sql}")
    assert ways > 100
    assert slow == []
