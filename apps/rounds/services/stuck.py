"""Rounds that their providers left open: flagged, or closed where no message was to come."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from apps.core.services.publish import publish
from apps.providers.selectors.id_scopes import providers_without_closing
from apps.rounds import statements
from apps.rounds.events import RoundsStuck

OPEN_FOR: Final = timedelta(hours=24)
"""Providers finish or repeat a round within a day (protocols reference, 1.2 and 1.3)."""
_AT_ONCE: Final = 1_000


@transaction.atomic
def sort_out_open_rounds(*, now: datetime) -> tuple[int, int]:
    """Close or flag rounds that are open for over a day; return how many of each.

    A round that was played is flagged ``stuck`` and told of, whether its stake is held or was taken
    at once: a message is missing, and only evidence and two people decide about money. So is one
    that was closed over a day ago and holds a stake all the same. A round is closed where no
    message is missing: no stake of it stands, or the protocol never closes one and nothing is held.
    Nothing moves by it, and a late win is still paid. Safe beside the gateway, and to repeat.
    """
    asked: dict[str, datetime | int | list[int]] = {
        "before": now - OPEN_FOR,
        "most": _AT_ONCE,
        "now": now,
        "never_closing": list(providers_without_closing()),
    }
    with connection.cursor() as cursor:
        cursor.execute(statements.CLOSE_OPEN_ROUNDS, asked)
        closed = len(cursor.fetchall())
        cursor.execute(statements.FLAG_STUCK_ROUNDS, asked)
        stuck = Counter(provider_id for (provider_id,) in cursor.fetchall())
        cursor.execute(statements.FLAG_CLOSED_ROUNDS_THAT_HOLD, asked)
        stuck.update(provider_id for (provider_id,) in cursor.fetchall())
    for provider_id, count in sorted(stuck.items()):
        publish(RoundsStuck(provider_id=provider_id, count=count), now=now)
    return closed, stuck.total()
