"""Move what limits count to the hours in which the events reached us.

It stood in the hours that providers told; limits are judged by our own clock. Only events of the
31 days that the longest window reaches back whose two hours differ are touched. A block of play
that a provider told stays: it may be another event's too. In key order like every writer of these
rows.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import migrations

WINDOW = timedelta(hours=31 * 24 + 1)

MOVED = """
WITH moved AS (
    SELECT e.player_id, date_trunc('hour', e.occurred_at, 'UTC') AS told,
        date_trunc('hour', e.received_at, 'UTC') AS ours, e.bet_minor AS staked,
        CASE WHEN e.money_state = 'settled' THEN e.win_minor ELSE 0 END AS won,
        CASE WHEN e.bet_minor > 0 AND NOT (e.finalized AND e.operation = 'round')
            THEN 1 << (extract(minute FROM e.received_at AT TIME ZONE 'UTC')::int / 5)
            ELSE 0 END AS slots
    FROM providers_provider p
    JOIN rounds_roundevent e ON e.provider_id = p.id AND e.occurred_at >= %s
    WHERE e.player_id IS NOT NULL AND e.status IN ('accepted', 'tentative')
        AND e.money_state IN ('held', 'settled') AND e.origin = 'callback'
        AND date_trunc('hour', e.occurred_at, 'UTC') <> date_trunc('hour', e.received_at, 'UTC')
)
"""

TAKE = (
    MOVED
    + """
UPDATE players_hourtally t SET
    staked_minor = greatest(t.staked_minor - n.staked, 0),
    won_minor = greatest(t.won_minor - n.won, 0)
FROM (
    SELECT player_id, told, sum(staked) AS staked, sum(won) AS won FROM moved
    GROUP BY 1, 2 ORDER BY 1, 2
) n
WHERE t.player_id = n.player_id AND t.hour = n.told
"""
)

ADD = (
    MOVED
    + """
INSERT INTO players_hourtally AS t
    (player_id, hour, staked_minor, won_minor, deposited_minor, slots, checks)
SELECT player_id, ours, sum(staked), sum(won), 0, bit_or(slots), 0 FROM moved
GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (player_id, hour) DO UPDATE SET
    staked_minor = t.staked_minor + excluded.staked_minor,
    won_minor = t.won_minor + excluded.won_minor,
    slots = t.slots | excluded.slots
"""
)


def move_hours(_apps: Any, schema_editor: Any) -> None:
    since = datetime.now(UTC) - WINDOW
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(TAKE, [since])
        cursor.execute(ADD, [since])


class Migration(migrations.Migration):
    dependencies = [("rounds", "0014_pending_wins_are_not_won")]

    operations = [migrations.RunPython(move_hours, migrations.RunPython.noop)]
