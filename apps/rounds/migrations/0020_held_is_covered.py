"""A held stake is covered; a refused one that is judged again and taken is placed then.

The check is not validated: a stake that was held short of funds by this mistake ends with its
round, which captures or releases what is held, and no such row comes any more.
"""

import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

# Guards fire in every session, also one that plays a replica.
SET_ALWAYS = """
ALTER TABLE rounds_roundevent ENABLE ALWAYS TRIGGER pgtrigger_content_never_changes_f6d48;
ALTER TABLE rounds_roundevent ENABLE ALWAYS TRIGGER pgtrigger_time_never_changes_47ab2
"""


class Migration(migrations.Migration):

    dependencies = [
        ('rounds', '0019_one_index_on_the_player'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='roundevent',
            name='content_never_changes',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='roundevent',
            trigger=pgtrigger.compiler.Trigger(name='content_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."bet_minor" IS DISTINCT FROM (NEW."bet_minor") OR OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."event_id" IS DISTINCT FROM (NEW."event_id") OR OLD."fingerprint" IS DISTINCT FROM (NEW."fingerprint") OR OLD."game_code" IS DISTINCT FROM (NEW."game_code") OR OLD."player_ref" IS DISTINCT FROM (NEW."player_ref") OR OLD."provider_id" IS DISTINCT FROM (NEW."provider_id") OR OLD."reference_event_id" IS DISTINCT FROM (NEW."reference_event_id") OR OLD."round_type" IS DISTINCT FROM (NEW."round_type") OR OLD."win_minor" IS DISTINCT FROM (NEW."win_minor"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='3be27e18c0a718892986f90cd4d6953b11aedd49', operation='UPDATE', pgid='pgtrigger_content_never_changes_f6d48', table='rounds_roundevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='roundevent',
            trigger=pgtrigger.compiler.Trigger(name='time_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."occurred_at" IS DISTINCT FROM (NEW."occurred_at") AND NOT (OLD."operation" = \'stake\' AND OLD."status" = \'rejected\'))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='6bcc0e7b2f259cb0a2305be1813fcd9d0824e033', operation='UPDATE', pgid='pgtrigger_time_never_changes_47ab2', table='rounds_roundevent', when='BEFORE')),
        ),
        AddConstraintNotValid(
            model_name='roundevent',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('money_state', 'held'), _negated=True), ('overdrawn_minor', 0), _connector='OR'), name='rounds_event_held_is_covered'),
        ),
        migrations.RunSQL(SET_ALWAYS, migrations.RunSQL.noop),
    ]
