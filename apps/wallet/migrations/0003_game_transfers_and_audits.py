"""Money on its way to a provider's wallet and back, and the nightly audit of both kinds of pot."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('players', '0001_initial'),
        ('wallet', '0002_pots_per_provider'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditFinding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider_code', models.CharField(max_length=32, verbose_name='provider')),
                ('currency', models.CharField(max_length=3)),
                ('event_id', models.CharField(max_length=128, verbose_name='after event')),
                ('event_at', models.DateTimeField(verbose_name='event occurred')),
                ('ours_minor', models.BigIntegerField(verbose_name='ours (minor units)')),
                ('theirs_minor', models.BigIntegerField(verbose_name='theirs (minor units)')),
                ('state', models.CharField(choices=[('open', 'Open'), ('explained', 'Explained')], default='open', max_length=16)),
                ('explanation', models.CharField(blank=True, max_length=500)),
                ('explained_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'permissions': [('explain_auditfinding', 'Can explain an audit finding')],
            },
        ),
        migrations.CreateModel(
            name='GameTransfer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(unique=True, verbose_name='transaction id')),
                ('idempotency_key', models.CharField(max_length=128, unique=True)),
                ('provider_id', models.BigIntegerField()),
                ('provider_code', models.CharField(max_length=32, verbose_name='provider')),
                ('direction', models.CharField(choices=[('in', 'To the provider'), ('out', 'From the provider')], max_length=8)),
                ('amount_minor', models.BigIntegerField(verbose_name='amount (minor units)')),
                ('currency', models.CharField(max_length=3)),
                ('state', models.CharField(choices=[('requested', 'Requested'), ('unresolved', 'Unresolved'), ('confirmed', 'Confirmed'), ('failed', 'Failed')], default='requested', max_length=16)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('requested_at', models.DateTimeField()),
                ('next_attempt_at', models.DateTimeField(blank=True, null=True)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('code', models.CharField(blank=True, max_length=48, verbose_name="provider's code")),
                ('last_error', models.CharField(blank=True, max_length=200)),
            ],
            options={
                'permissions': [('ask_gametransfer', 'Can ask a provider about a transfer again')],
            },
        ),
        migrations.CreateModel(
            name='WalletAudit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider_id', models.BigIntegerField()),
                ('provider_code', models.CharField(max_length=32, verbose_name='provider')),
                ('compared', models.PositiveIntegerField(verbose_name='pots compared')),
                ('unheard', models.PositiveIntegerField(verbose_name="pots without a figure of the provider's")),
                ('findings', models.PositiveIntegerField(verbose_name='new findings')),
                ('audited_at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='auditfinding',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='wallet.account'),
        ),
        migrations.AddField(
            model_name='gametransfer',
            name='player',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='players.player'),
        ),
        migrations.AddIndex(
            model_name='walletaudit',
            index=models.Index(fields=['provider_code', 'audited_at'], name='wallet_audit_provider'),
        ),
        migrations.AddConstraint(
            model_name='walletaudit',
            constraint=models.CheckConstraint(condition=models.Q(('findings__lte', models.F('compared'))), name='wallet_audit_finds_among_what_it_compared'),
        ),
        migrations.AddField(
            model_name='auditfinding',
            name='audit',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='wallet.walletaudit'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='walletaudit',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='1f8da2e38897e0c99992d4f76b829ffb7dbef64d', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_2e27b', table='wallet_walletaudit', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='walletaudit',
            trigger=pgtrigger.compiler.Trigger(name='never_truncated', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='e9a4ee625a984ee08c0220a5038c78c99cd58989', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_never_truncated_39e27', table='wallet_walletaudit', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='gametransfer',
            index=models.Index(condition=models.Q(('state__in', ['requested', 'unresolved'])), fields=['next_attempt_at'], name='wallet_gametransfer_due'),
        ),
        migrations.AddConstraint(
            model_name='gametransfer',
            constraint=models.CheckConstraint(condition=models.Q(('direction__in', ['in', 'out'])), name='wallet_gametransfer_direction_is_known'),
        ),
        migrations.AddConstraint(
            model_name='gametransfer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('state__in', ['requested', 'unresolved'])), models.Q(('decided_at__isnull', False), ('state__in', ['confirmed', 'failed'])), _connector='OR'), name='wallet_gametransfer_decided_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='gametransfer',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0)), name='wallet_gametransfer_amount_positive'),
        ),
        migrations.AddConstraint(
            model_name='gametransfer',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['requested', 'unresolved'])), fields=('player', 'provider_code'), name='wallet_gametransfer_one_open_per_player_and_provider'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gametransfer',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='447e9bd6eb0d212a39f4829393aa1670f0be6ae6', operation='DELETE', pgid='pgtrigger_never_deleted_7f22a', table='wallet_gametransfer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gametransfer',
            trigger=pgtrigger.compiler.Trigger(name='never_truncated', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='a29533605f963931e72feb6bc1e169e04e65c082', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_never_truncated_c7e45', table='wallet_gametransfer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gametransfer',
            trigger=pgtrigger.compiler.Trigger(name='content_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."amount_minor" IS DISTINCT FROM (NEW."amount_minor") OR OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."direction" IS DISTINCT FROM (NEW."direction") OR OLD."idempotency_key" IS DISTINCT FROM (NEW."idempotency_key") OR OLD."player_id" IS DISTINCT FROM (NEW."player_id") OR OLD."provider_code" IS DISTINCT FROM (NEW."provider_code") OR OLD."provider_id" IS DISTINCT FROM (NEW."provider_id") OR OLD."public_id" IS DISTINCT FROM (NEW."public_id") OR OLD."requested_at" IS DISTINCT FROM (NEW."requested_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='e83d6531f1a6a62aa40fa02a199e46db46008cf9', operation='UPDATE', pgid='pgtrigger_content_never_changes_e917e', table='wallet_gametransfer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gametransfer',
            trigger=pgtrigger.compiler.Trigger(name='decided_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IN (\'confirmed\', \'failed\'))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='dbebd102c32e4b416b569c8ece9865b34a2a71da', operation='UPDATE', pgid='pgtrigger_decided_once_13e3e', table='wallet_gametransfer', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='auditfinding',
            constraint=models.UniqueConstraint(fields=('account', 'event_id'), name='wallet_finding_once_per_pot_and_event'),
        ),
        migrations.AddConstraint(
            model_name='auditfinding',
            constraint=models.CheckConstraint(condition=models.Q(('ours_minor', models.F('theirs_minor')), _negated=True), name='wallet_finding_is_a_difference'),
        ),
        migrations.AddConstraint(
            model_name='auditfinding',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('explained_at__isnull', True), ('explanation', ''), ('state', 'open')), models.Q(('explained_at__isnull', False), ('state', 'explained'), models.Q(('explanation', ''), _negated=True)), _connector='OR'), name='wallet_finding_explained_has_words_and_a_time'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='auditfinding',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='5526b095c0955e5379073ce33c4487b013c043d9', operation='DELETE', pgid='pgtrigger_never_deleted_05997', table='wallet_auditfinding', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='auditfinding',
            trigger=pgtrigger.compiler.Trigger(name='never_truncated', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='f739d8c0108621856f04788e9f7c1f553cb39a18', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_never_truncated_29359', table='wallet_auditfinding', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='auditfinding',
            trigger=pgtrigger.compiler.Trigger(name='content_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."audit_id" IS DISTINCT FROM (NEW."audit_id") OR OLD."event_id" IS DISTINCT FROM (NEW."event_id") OR OLD."ours_minor" IS DISTINCT FROM (NEW."ours_minor") OR OLD."theirs_minor" IS DISTINCT FROM (NEW."theirs_minor"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='b737c4d5b88a093228eaa3218d95853ca2be37e0', operation='UPDATE', pgid='pgtrigger_content_never_changes_014fc', table='wallet_auditfinding', when='BEFORE')),
        ),
    ]
