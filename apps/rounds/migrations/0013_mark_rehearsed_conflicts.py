"""Mark the conflicts in which only test players are, of those that were kept before.

Lists left out every conflict about a test player's event, also where the other content was a real
player's. Marked is what is certain: the event is a test player's, and the content names one, too.
Where a protocol's messages name no player (Swipe, Caleta), nobody can tell who sent the content, so
people see these once. Every content kept was sent by the player it names, or by nobody else: what
the gateway counts meanwhile changes nothing about a row that is marked here.
"""

from typing import Any

from django.db import migrations

BATCH_ROWS = 1_000

MARK = """
UPDATE rounds_conflict c SET is_rehearsed = TRUE
FROM rounds_roundevent e, players_player stored, players_player named, providers_provider v
WHERE c.id > %s AND c.id <= %s AND v.id = c.provider_id
  AND e.provider_id = c.provider_id AND e.event_id = c.event_id
  AND stored.id = e.player_id AND stored.jurisdiction = 'ZZ'
  AND named.jurisdiction = 'ZZ' AND named.player_ref = CASE v.protocol
      WHEN 'native' THEN c.content ->> 'player_id'
      WHEN 'iplaygames' THEN c.content ->> 'player_id'
      WHEN 'hub88' THEN c.content ->> 'user' END
"""


def mark_rehearsed(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM rounds_conflict")
        last = cursor.fetchone()[0]
        for before in range(0, last, BATCH_ROWS):
            cursor.execute(MARK, [before, before + BATCH_ROWS])


class Migration(migrations.Migration):
    # Each batch is its own transaction: the gateway counts conflicts meanwhile.
    atomic = False

    dependencies = [("rounds", "0012_conflicts_know_rehearsals")]

    operations = [migrations.RunPython(mark_rehearsed, migrations.RunPython.noop)]
