"""Our side of a provider's day, for whoever compares it: streamed, never through the ORM."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, LiteralString

from django.db import connection

from apps.players.selectors import rehearsal_player_ids

# One statement, so one snapshot; it locks nothing. Read by the index on (provider, occurred_at);
# the second branch adds single events by the unique key. What was only parked or rejected, and our
# own corrections, are not the provider's rounds in our ledger; nor is what a rehearsal played.
_COPY: LiteralString = """
COPY (
    SELECT event_id, player_ref, (extract(epoch FROM occurred_at) * 1000000)::bigint AS occurred_us,
        currency, bet_minor, win_minor,
        CASE money_state WHEN 'rolled_back' THEN 'rolled_back' WHEN 'held' THEN 'open'
            ELSE 'settled' END AS status
    FROM rounds_roundevent
    WHERE provider_id = %(provider)s AND origin = 'callback'
      AND status IN ('accepted', 'tentative')
      AND player_id <> ALL(%(rehearsal)s)
      AND ((occurred_at >= %(start)s AND occurred_at < %(end)s) OR event_id = ANY(%(also)s))
    ORDER BY event_id COLLATE "C"
) TO STDOUT (FORMAT csv)
"""


def ledger_side(
    *, provider_id: int, start: datetime, end: datetime, also: Sequence[str] = ()
) -> Iterator[bytes]:
    """Stream the events that a provider's statement of ``[start, end)`` must agree with, as CSV.

    ``also`` names events of other moments to add where we have them. ``status`` is the statement's
    word for what the event's money did: settled, rolled_back, or open while it is held. Sorted by
    event, so that the same events are the same bytes.
    """
    with connection.cursor() as cursor:
        copying: Any = cursor.cursor.copy(
            _COPY,
            {
                "provider": provider_id,
                "start": start,
                "end": end,
                "also": list(also),
                "rehearsal": rehearsal_player_ids(),
            },
        )
        with copying as stream:
            for chunk in stream:
                yield bytes(chunk)
