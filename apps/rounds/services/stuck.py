"""Rounds that their providers left open: flagged, or closed where no message was to come."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final, LiteralString

from django.db import connection, transaction

from apps.core.services.publish import publish
from apps.providers.selectors.id_scopes import providers_without_closing
from apps.rounds import statements
from apps.rounds.events import RoundsStuck

OPEN_FOR: Final = timedelta(hours=24)
"""Providers finish or repeat a round within a day (protocols reference, 1.2 and 1.3)."""
_AT_ONCE: Final = 2_000
"""Rounds of one transaction, so few that a message about one of them need not wait for long."""
_MOST_STEPS: Final = 100
_FLAGS: Final = (statements.FLAG_STUCK_ROUNDS, statements.FLAG_CLOSED_ROUNDS_THAT_HOLD)


def sort_out_open_rounds(*, now: datetime) -> tuple[int, int]:
    """Close or flag rounds that are open for over a day; return how many of each.

    A round that was played is flagged ``stuck`` and told of, whether its stake is held or was taken
    at once: a message is missing, and only evidence and two people decide about money. So is one
    that was closed over a day ago and holds a stake all the same. A round is closed where no
    message is missing: no stake of it stands, or the protocol never closes one and nothing is held.
    Nothing moves by it, and a late win is still paid. Safe beside the gateway, and to repeat.

    All that is due is done, in one transaction for some at a time. Where there is more than one run
    can close, what is to be flagged waits for the next: it would be looked for among all of that.
    """
    closed, is_done = _in_steps(statements.CLOSE_OPEN_ROUNDS, now, tells=False)
    if not is_done:
        return closed, 0
    return closed, sum(_in_steps(flag, now, tells=True)[0] for flag in _FLAGS)


def _in_steps(statement: LiteralString, now: datetime, *, tells: bool) -> tuple[int, bool]:
    """Take step after step; return how many rounds that were, and whether none is left."""
    count = 0
    for _ in range(_MOST_STEPS):
        changed = _step(statement, now, tells=tells)
        count += changed
        if changed < _AT_ONCE:
            return count, True
    return count, False


@transaction.atomic
def _step(statement: LiteralString, now: datetime, *, tells: bool) -> int:
    asked: dict[str, datetime | int | list[int]] = {
        "before": now - OPEN_FOR,
        "most": _AT_ONCE,
        "now": now,
        "never_closing": list(providers_without_closing()),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        rounds = Counter(provider_id for (provider_id,) in cursor.fetchall())
    if tells:
        for provider_id, count in sorted(rounds.items()):
            publish(RoundsStuck(provider_id=provider_id, count=count), now=now)
    return rounds.total()
