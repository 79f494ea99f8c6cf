"""A gateway that has forgotten every event: the sabotage that a soak must find.

Started by ``python -m tests.soak --sabotage forgetful-gateway`` in place of the real one. The
product has no switch for it.
"""

import os
import sys
from collections.abc import Iterable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")


def main(port: str) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from apps.core.batches import Cursor
    from apps.rounds.contracts import EventRow
    from apps.rounds.services import store

    def find_nothing(
        cursor: Cursor, keys: Iterable[tuple[int, str]]
    ) -> dict[tuple[int, str], EventRow]:
        return {}

    store.find_events = find_nothing
    call_command("run_gateway", "--port", port)


if __name__ == "__main__":
    main(sys.argv[1])
