"""The guards of player protection fire in every session, also one that plays a replica.

A migration that replaces one of these triggers must set it to ALWAYS again.
"""

from django.db import migrations

SET_TRIGGERS = """
DO $$
DECLARE
    guard record;
BEGIN
    FOR guard IN
        SELECT tgname, tgrelid::regclass AS on_table FROM pg_trigger
        WHERE NOT tgisinternal AND tgrelid IN (
            'players_limit'::regclass, 'players_exclusion'::regclass,
            'players_exclusionend'::regclass, 'players_protectioncheck'::regclass,
            'players_realitycheck'::regclass, 'players_rulecheck'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE {mode} TRIGGER %I', guard.on_table, guard.tgname);
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("players", "0002_player_protection")]

    operations = [
        migrations.RunSQL(
            SET_TRIGGERS.replace("{mode}", "ALWAYS"), SET_TRIGGERS.replace("{mode}", "")
        )
    ]
