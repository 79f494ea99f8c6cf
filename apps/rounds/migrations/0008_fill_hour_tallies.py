"""Fill the hours that limits add up with the play and the deposits from before they were counted.

Without it a limit set on the day of the upgrade would not know what was staked, lost, played or
paid in within its window before that day. Only hours up to the one in which the table came are
touched, of the 31 days that the longest window reaches back; later ones the gateway counted.

What counts is what it counts: a provider's event that stands, in the hour of its own
``occurred_at``; a rolled back one leaves its time of play. A correction of ours is no win, and a
stake whose rollback came first was never played: it has no round. A figure is raised to what the events say, never lowered,
so a second run changes nothing. One statement a day, each in its own transaction, in key order like
every writer of these rows.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import migrations

WINDOW = timedelta(hours=31 * 24)
DAY = timedelta(days=1)

# Through the index on (provider, occurred_at), which one on the moment alone would only repeat.
FILL_PLAY = """
INSERT INTO players_hourtally AS t
    (player_id, hour, staked_minor, won_minor, deposited_minor, slots, checks)
SELECT e.player_id, date_trunc('hour', e.occurred_at, 'UTC'),
    coalesce(sum(e.bet_minor) FILTER (WHERE e.money_state <> 'rolled_back'), 0),
    coalesce(sum(e.win_minor) FILTER (WHERE e.money_state <> 'rolled_back'), 0),
    0,
    bit_or(CASE WHEN e.bet_minor > 0
        THEN 1 << (extract(minute FROM e.occurred_at AT TIME ZONE 'UTC')::int / 5) ELSE 0 END),
    0
FROM providers_provider p
JOIN rounds_roundevent e ON e.provider_id = p.id
    AND e.occurred_at >= %s AND e.occurred_at < %s
WHERE e.player_id IS NOT NULL AND e.status IN ('accepted', 'tentative')
    AND e.money_state IN ('held', 'settled', 'rolled_back')
    AND e.origin = 'callback' AND (e.money_state <> 'rolled_back' OR e.round_id IS NOT NULL)
GROUP BY 1, 2
ORDER BY 1, 2
ON CONFLICT (player_id, hour) DO UPDATE SET
    staked_minor = greatest(t.staked_minor, excluded.staked_minor),
    won_minor = greatest(t.won_minor, excluded.won_minor),
    slots = t.slots | excluded.slots
"""

FILL_DEPOSITS = """
INSERT INTO players_hourtally AS t
    (player_id, hour, staked_minor, won_minor, deposited_minor, slots, checks)
SELECT a.player_id, date_trunc('hour', d.occurred_at, 'UTC'), 0, 0, sum(d.amount_minor), 0, 0
FROM wallet_transfer d JOIN wallet_account a ON a.id = d.credit_account_id
WHERE d.kind = 'deposit' AND a.player_id IS NOT NULL
    AND d.occurred_at >= %s AND d.occurred_at < %s
GROUP BY 1, 2
ORDER BY 1, 2
ON CONFLICT (player_id, hour) DO UPDATE SET
    deposited_minor = greatest(t.deposited_minor, excluded.deposited_minor)
"""

TABLE_CAME_AT = """
SELECT min(applied) FROM django_migrations
WHERE app = 'players' AND name = '0002_player_protection'
"""


def fill_tallies(_apps: Any, schema_editor: Any) -> None:
    now = datetime.now(UTC)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(TABLE_CAME_AT)
        last = min(cursor.fetchone()[0] or now, now)
        start, end = _hour(now) - WINDOW, _hour(last) + timedelta(hours=1)
        cursor.execute(FILL_DEPOSITS, [start, end])
        while start < end:
            until = min(start + DAY, end)
            cursor.execute(FILL_PLAY, [start, until])
            start = until


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("players", "0008_reality_check_answered_once"),
        ("providers", "0010_drafts_and_integrity"),
        ("rounds", "0007_opened_span"),
        ("wallet", "0009_people_decide_transfers"),
    ]

    operations = [migrations.RunPython(fill_tallies, migrations.RunPython.noop)]
