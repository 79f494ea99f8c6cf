"""The ledger's guards fire in every session, also one that plays a replica.

A migration that replaces one of these triggers must set it to ALWAYS again; a test reads
pg_trigger and says so.
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
            'wallet_account'::regclass, 'wallet_transfer'::regclass,
            'wallet_ledgerseal'::regclass, 'wallet_gametransfer'::regclass,
            'wallet_walletaudit'::regclass, 'wallet_auditfinding'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE {mode} TRIGGER %I', guard.on_table, guard.tgname);
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("wallet", "0003_game_transfers_and_audits")]

    operations = [
        migrations.RunSQL(
            SET_TRIGGERS.replace("{mode}", "ALWAYS"), SET_TRIGGERS.replace("{mode}", "")
        )
    ]
