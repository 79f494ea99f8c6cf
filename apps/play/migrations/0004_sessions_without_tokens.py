"""Sessions lose the columns that moved and get their constraints and guards."""

import datetime

import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('play', '0003_move_tokens'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='gamesession',
            name='jti',
        ),
        migrations.RemoveField(
            model_name='gamesession',
            name='signing_key',
        ),
        migrations.AlterField(
            model_name='gamesession',
            name='currency',
            field=models.CharField(max_length=3),
        ),
        migrations.AlterField(
            model_name='gamesession',
            name='public_id',
            field=models.UUIDField(unique=True, verbose_name='session id'),
        ),
        migrations.AddIndex(
            model_name='gamesession',
            index=models.Index(fields=['player', '-opened_at'], name='play_session_of_player'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gamesession',
            trigger=pgtrigger.compiler.Trigger(name='grant_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."game_id" IS DISTINCT FROM (NEW."game_id") OR OLD."opened_at" IS DISTINCT FROM (NEW."opened_at") OR OLD."player_id" IS DISTINCT FROM (NEW."player_id") OR OLD."provider_id" IS DISTINCT FROM (NEW."provider_id") OR OLD."public_id" IS DISTINCT FROM (NEW."public_id") OR OLD."stakes_until" IS DISTINCT FROM (NEW."stakes_until"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='bcc67b390d0d5597d06f6f18087fff52bba141a9', operation='UPDATE', pgid='pgtrigger_grant_never_changes_018a7', table='play_gamesession', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gamesession',
            trigger=pgtrigger.compiler.Trigger(name='ended_for_good', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."ended_at" IS NOT NULL)', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='24ac5013cea00839975f7e2f75a6f3e58bb18578', operation='UPDATE', pgid='pgtrigger_ended_for_good_d0872', table='play_gamesession', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='gamesession',
            constraint=models.CheckConstraint(condition=models.Q(('stakes_until__gt', models.F('opened_at')), ('stakes_until__lte', django.db.models.expressions.CombinedExpression(models.F('opened_at'), '+', models.Value(datetime.timedelta(seconds=43200))))), name='play_session_takes_stakes_at_most_12_hours'),
        ),
        migrations.AddConstraint(
            model_name='gamesession',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('end_code', ''), ('end_reason', ''), ('ended_at__isnull', True)), models.Q(('ended_at__gte', models.F('opened_at')), ('ended_at__isnull', False), ('end_code__in', ['logout', 'staff', 'protection', 'refresh_reused', 'key_revoked']), models.Q(('end_reason', ''), _negated=True)), _connector='OR'), name='play_session_ended_with_a_reason'),
        ),
    ]
