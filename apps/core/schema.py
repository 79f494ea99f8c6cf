"""Whether the database has the shape that this code is written for."""

import pkgutil
import time
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Final

from django.apps import AppConfig, apps
from django.db import connection

_RECHECKED_SECONDS: Final = 60.0
_APPLIED: Final = "SELECT app, name FROM django_migrations"


class SchemaWatch:
    """Knows for a process what its database lacks; asks often while something is pending only."""

    def __init__(self) -> None:
        self._fits_until = 0.0

    def pending(self) -> list[str]:
        """Return the migrations that the code has and the database has not, by app and name.

        Raises:
            DatabaseError: the database does not answer.
        """
        if time.monotonic() < self._fits_until:
            return []
        found = pending_migrations()
        if not found:
            self._fits_until = time.monotonic() + _RECHECKED_SECONDS
        return found


def pending_migrations() -> list[str]:
    """Return the migrations that wait, by app and name.

    Names are compared and no migration is imported: it is asked by processes that count their
    memory, and a name says enough where migrations are linear.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        applied: set[tuple[str, str]] = set()
        if cursor.fetchone() == (True,):
            cursor.execute(_APPLIED)
            applied = {(app, name) for app, name in cursor.fetchall()}
    return [f"{app}.{name}" for app, name in sorted(_of_the_code() - applied)]


@cache
def _of_the_code() -> frozenset[tuple[str, str]]:
    return frozenset(
        (config.label, module.name)
        for config in apps.get_app_configs()
        for module in pkgutil.iter_modules(_folder(config))
        if not module.name.startswith("_")
    )


def _folder(config: AppConfig) -> Sequence[str]:
    """Return where an app's migrations are; a module of that name without files is none."""
    spec = find_spec(f"{config.name}.migrations")
    return [] if spec is None else spec.submodule_search_locations or []
