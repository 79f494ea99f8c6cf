"""Moves made before they had a table of their own, from the audit chain.

The chain names the place that was entered; the place that was left is the one entered before it or
looked at by the latest check before it, and a question mark where neither is known. Each holds
raises for 168 hours, the longest delay on file.
"""

from django.db import migrations

KEEP_MOVES = """
INSERT INTO players_move (player_id, "left", entered, moved_at, raises_held_until)
SELECT player_id, coalesce(nullif(before, entered), '?'), entered, moved_at,
    moved_at + interval '168 hours'
FROM (
    SELECT player.id AS player_id, entry.details ->> 'jurisdiction' AS entered,
        entry.created_at AS moved_at,
        coalesce(
            lag(entry.details ->> 'jurisdiction') OVER (PARTITION BY player.id ORDER BY entry.id),
            (
                SELECT looked.jurisdiction FROM players_protectioncheck AS looked
                WHERE looked.player_id = player.id AND looked.checked_at <= entry.created_at
                ORDER BY looked.checked_at DESC, looked.id DESC LIMIT 1
            )
        ) AS before
    FROM core_auditentry AS entry
    JOIN players_player AS player ON entry.subject = 'players.player:' || player.id
    WHERE entry.action = 'players.player.mirrored' AND entry.details ? 'jurisdiction'
) AS moves
WHERE NOT EXISTS (
    SELECT 1 FROM players_move AS known
    WHERE known.player_id = moves.player_id AND known.moved_at = moves.moved_at
)
ORDER BY moved_at, player_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_audit_guards_always"),
        ("players", "0006_moves_hold_raises"),
    ]

    operations = [migrations.RunSQL(KEEP_MOVES, migrations.RunSQL.noop)]
