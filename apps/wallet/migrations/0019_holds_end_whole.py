"""The database refuses to capture or release another amount than was held."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

SET_ALWAYS = "ALTER TABLE wallet_transfer ENABLE ALWAYS TRIGGER pgtrigger_holds_end_whole_2462e"


class Migration(migrations.Migration):

    dependencies = [
        ('wallet', '0018_staff_fetch_money_back'),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name='transfer',
            trigger=pgtrigger.compiler.Trigger(name='holds_end_whole', sql=pgtrigger.compiler.UpsertTriggerSql(func='\n            IF EXISTS (\n                SELECT FROM added n\n                WHERE n.kind IN (\'capture\', \'release\', \'stake_forfeited\')\n                    AND n.amount_minor <> (\n                        SELECT CASE h.kind WHEN \'hold\' THEN h.amount_minor ELSE n.amount_minor END\n                        FROM public.wallet_transfer h WHERE h.id = n.reverses_id)\n            ) THEN\n                RAISE check_violation USING\n                    MESSAGE = \'insert on "wallet_transfer" violates \'\n                        \'"wallet_transfer_holds_end_whole"\',\n                    TABLE = \'wallet_transfer\',\n                    CONSTRAINT = \'wallet_transfer_holds_end_whole\';\n            END IF;\n            RETURN NULL;\n        ', hash='9e8ed98f60e5e670f45dde31ae2737b4e9b1f332', level='STATEMENT', operation='INSERT', pgid='pgtrigger_holds_end_whole_2462e', referencing='REFERENCING NEW TABLE AS added ', table='wallet_transfer', when='AFTER')),
        ),
        migrations.RunSQL(SET_ALWAYS, migrations.RunSQL.noop),
    ]
