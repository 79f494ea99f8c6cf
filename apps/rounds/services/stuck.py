"""Rounds that their providers left open: closed where nothing is held, flagged where money is."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from apps.core.services.publish import publish
from apps.rounds import statements
from apps.rounds.events import RoundsStuck

OPEN_FOR: Final = timedelta(hours=24)
"""Providers finish or repeat a round within a day (protocols reference, 1.2 and 1.3)."""
_AT_ONCE: Final = 1_000


@transaction.atomic
def sort_out_open_rounds(*, now: datetime) -> tuple[int, int]:
    """Close or flag rounds that are open for over a day; return how many of each.

    A round without held money is closed: nothing moves by it, and a late win is still paid. One
    that holds a stake is flagged ``stuck`` and told of: only evidence and two people decide about
    money. So is one that was closed over a day ago and holds a stake all the same. Safe beside the
    gateway, and to repeat.
    """
    with connection.cursor() as cursor:
        cursor.execute(statements.CLOSE_OPEN_ROUNDS, [now - OPEN_FOR, _AT_ONCE, now])
        closed = len(cursor.fetchall())
        cursor.execute(statements.FLAG_STUCK_ROUNDS, [now - OPEN_FOR, _AT_ONCE])
        stuck = Counter(provider_id for (provider_id,) in cursor.fetchall())
        cursor.execute(statements.FLAG_CLOSED_ROUNDS_THAT_HOLD, [now - OPEN_FOR, _AT_ONCE])
        stuck.update(provider_id for (provider_id,) in cursor.fetchall())
    for provider_id, count in sorted(stuck.items()):
        publish(RoundsStuck(provider_id=provider_id, count=count), now=now)
    return closed, stuck.total()
