"""A request says what let its asker ask, and expires; what stands undecided has neither yet."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


# A guard that is made anew fires for every session again only once it is told to.
ALWAYS = """
DO $$
DECLARE
    guard name;
BEGIN
    FOR guard IN
        SELECT tgname FROM pg_trigger
        WHERE tgrelid = 'staff_approval'::regclass AND NOT tgisinternal
    LOOP
        EXECUTE format('ALTER TABLE staff_approval ENABLE ALWAYS TRIGGER %I', guard);
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('staff', '0005_find_look_ups'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='approval',
            name='request_never_changes',
        ),
        migrations.RemoveConstraint(
            model_name='approval',
            name='staff_approval_decision_has_person_time_and_reason',
        ),
        migrations.RemoveConstraint(
            model_name='approval',
            name='staff_approval_state_is_known',
        ),
        migrations.AddField(
            model_name='approval',
            name='asked_with',
            field=models.CharField(blank=True, default='', max_length=100, verbose_name='asked with the permission'),
        ),
        migrations.AlterField(
            model_name='approval',
            name='state',
            field=models.CharField(choices=[('pending', 'Awaiting a second person'), ('executed', 'Approved and executed'), ('rejected', 'Rejected'), ('cancelled', 'Cancelled by the requester'), ('void', 'Void: it is not what was asked for any more'), ('expired', 'Expired: nobody decided in time')], default='pending', max_length=20),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='approval',
            trigger=pgtrigger.compiler.Trigger(name='request_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."asked_with" IS DISTINCT FROM (NEW."asked_with") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."payload" IS DISTINCT FROM (NEW."payload") OR OLD."payload_hash" IS DISTINCT FROM (NEW."payload_hash") OR OLD."request_reason" IS DISTINCT FROM (NEW."request_reason") OR OLD."requested_at" IS DISTINCT FROM (NEW."requested_at") OR OLD."requested_by_id" IS DISTINCT FROM (NEW."requested_by_id") OR OLD."subject" IS DISTINCT FROM (NEW."subject") OR OLD."title" IS DISTINCT FROM (NEW."title"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='8f5f3c98d457ddf49bc74b2e91b947d85cfbbf9a', operation='UPDATE', pgid='pgtrigger_request_never_changes_d7b05', table='staff_approval', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='approval',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True), ('decision_reason', ''), ('state', 'pending')), models.Q(models.Q(('state__in', ['pending', 'expired']), _negated=True), ('decided_at__isnull', False), ('decided_by__isnull', False), models.Q(('decision_reason', ''), _negated=True)), models.Q(('state', 'expired'), ('decided_at__isnull', False), ('decided_by__isnull', True), models.Q(('decision_reason', ''), _negated=True)), _connector='OR'), name='staff_approval_decided_by_a_person_or_by_time_with_reason'),
        ),
        migrations.AddConstraint(
            model_name='approval',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'executed', 'rejected', 'cancelled', 'void', 'expired'])), name='staff_approval_state_is_known'),
        ),
        migrations.RunSQL(ALWAYS, migrations.RunSQL.noop),
    ]
