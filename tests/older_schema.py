"""The schema as an earlier version left it, for tests of migrations."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


@contextmanager
def schema_at(app: str, name: str) -> Iterator[None]:
    """Go back to a migration, and through all that came after it at the end, whatever happens.

    All, not up to one that is named: what a test leaves out is missing in every test after it.
    """
    MigrationExecutor(connection).migrate([(app, name)])
    try:
        yield
    finally:
        to_the_newest()


def to_the_newest() -> None:
    """Run every migration that waits."""
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
