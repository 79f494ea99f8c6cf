"""Personal data is for two people in the database too. What is over from before stays as it was.

What still waits on one person's word is failed, so that it is asked for again.
"""

import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

_FAIL_WHAT_ONE_PERSON_ASKED = """
UPDATE auditing_export
SET state = 'failed',
    finished_at = now(),
    failure = 'A second person must agree to this export: it shows personal data. Ask again.'
WHERE with_personal_data AND NOT needs_second_person
  AND state IN ('awaiting', 'waiting', 'making')
"""


class Migration(migrations.Migration):

    dependencies = [
        ('auditing', '0003_two_people_and_json_lines'),
        ('staff', '0005_find_look_ups'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(_FAIL_WHAT_ONE_PERSON_ASKED, migrations.RunSQL.noop),
        pgtrigger.migrations.RemoveTrigger(
            model_name='export',
            name='made_once',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='export',
            trigger=pgtrigger.compiler.Trigger(name='begins_before_it_is_made', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NOT (NEW."state" IN (\'awaiting\', \'waiting\')))', func="RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;", hash='e95a93b97c5214b61cb5786ae1f08c2cde4a537e', operation='INSERT', pgid='pgtrigger_begins_before_it_is_made_43032', table='auditing_export', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='export',
            trigger=pgtrigger.compiler.Trigger(name='consent_given_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN ((OLD."approval_id" IS NOT NULL AND OLD."approval_id" IS DISTINCT FROM (NEW."approval_id")) OR (OLD."approved_by_id" IS NOT NULL AND OLD."approved_by_id" IS DISTINCT FROM (NEW."approved_by_id")))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='2cd5475955575f61bdf277cf9d08035f7a4df43b', operation='UPDATE', pgid='pgtrigger_consent_given_once_cbadd', table='auditing_export', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='export',
            trigger=pgtrigger.compiler.Trigger(name='made_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IN (\'ready\', \'failed\', \'cancelled\') AND (OLD."state" IS DISTINCT FROM (NEW."state") OR OLD."sha256" IS DISTINCT FROM (NEW."sha256") OR OLD."storage_key" IS DISTINCT FROM (NEW."storage_key") OR OLD."manifest" IS DISTINCT FROM (NEW."manifest") OR OLD."finished_at" IS DISTINCT FROM (NEW."finished_at") OR OLD."approval_id" IS DISTINCT FROM (NEW."approval_id") OR OLD."approved_by_id" IS DISTINCT FROM (NEW."approved_by_id")))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='381694d38db25c87db118ccdca17c6bb14790a09', operation='UPDATE', pgid='pgtrigger_made_once_4640c', table='auditing_export', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='export',
            constraint=models.CheckConstraint(condition=models.Q(('with_personal_data', False), ('needs_second_person', True), ('state__in', ('ready', 'failed', 'cancelled')), _connector='OR'), name='auditing_export_with_personal_data_is_for_two'),
        ),
        migrations.AddConstraint(
            model_name='export',
            constraint=models.CheckConstraint(condition=models.Q(('needs_second_person', True), models.Q(('approval__isnull', True), ('approved_by__isnull', True)), _connector='OR'), name='auditing_export_agreed_to_where_two_are_needed'),
        ),
    ]
