"""Take wins that are still pending out of the hours that limits add up.

They were counted when they came; from now on a win counts when its round settles. Of the 31 days
that the longest window reaches back, in key order like every writer of these rows.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import migrations

WINDOW = timedelta(hours=31 * 24 + 1)

TAKE_PENDING_WINS = """
UPDATE players_hourtally t SET won_minor = greatest(t.won_minor - n.won, 0)
FROM (
    SELECT e.player_id, date_trunc('hour', e.occurred_at, 'UTC') AS hour, sum(e.win_minor) AS won
    FROM providers_provider p
    JOIN rounds_roundevent e ON e.provider_id = p.id AND e.occurred_at >= %s
    WHERE e.money_state = 'held' AND e.win_minor > 0 AND e.origin = 'callback'
    GROUP BY 1, 2
    ORDER BY 1, 2
) n
WHERE t.player_id = n.player_id AND t.hour = n.hour
"""


def take_pending_wins(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(TAKE_PENDING_WINS, [datetime.now(UTC) - WINDOW])


class Migration(migrations.Migration):
    dependencies = [
        ("players", "0008_reality_check_answered_once"),
        ("providers", "0010_drafts_and_integrity"),
        ("rounds", "0013_mark_rehearsed_conflicts"),
    ]

    operations = [migrations.RunPython(take_pending_wins, migrations.RunPython.noop)]
