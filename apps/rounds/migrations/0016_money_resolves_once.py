"""An event's money never steps back: what is settled or rolled back is never held again."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


SET_ALWAYS = """
ALTER TABLE rounds_roundevent ENABLE ALWAYS TRIGGER pgtrigger_money_resolves_once_f6475
"""


class Migration(migrations.Migration):

    dependencies = [
        ('rounds', '0015_hours_of_our_clock'),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name='roundevent',
            trigger=pgtrigger.compiler.Trigger(name='money_resolves_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN ((NEW."money_state" IN (\'none\', \'held\') AND OLD."money_state" = \'settled\') OR (NEW."money_state" IN (\'none\', \'held\', \'settled\') AND OLD."money_state" = \'rolled_back\'))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='916d34ffe4213c54dc89d782f317e0d20b326130', operation='UPDATE', pgid='pgtrigger_money_resolves_once_f6475', table='rounds_roundevent', when='BEFORE')),
        ),
        migrations.RunSQL(SET_ALWAYS, migrations.RunSQL.noop),
    ]
