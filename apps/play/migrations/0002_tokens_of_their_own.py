"""Tokens, refresh credentials and launch codes get tables of their own; nothing is dropped yet."""

import datetime

import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('play', '0001_initial'),
        ('players', '0001_initial'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='gamesession',
            name='grant_never_changes',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='gamesession',
            name='revoked_for_good',
        ),
        migrations.RemoveConstraint(
            model_name='gamesession',
            name='play_session_lives_at_most_15_minutes',
        ),
        migrations.RemoveConstraint(
            model_name='gamesession',
            name='play_session_revoked_with_a_reason',
        ),
        migrations.RemoveIndex(
            model_name='gamesession',
            name='play_session_of_player',
        ),
        migrations.RenameField(
            model_name='gamesession',
            old_name='revoked_reason',
            new_name='end_reason',
        ),
        migrations.RenameField(
            model_name='gamesession',
            old_name='revoked_at',
            new_name='ended_at',
        ),
        migrations.RenameField(
            model_name='gamesession',
            old_name='issued_at',
            new_name='opened_at',
        ),
        migrations.RenameField(
            model_name='gamesession',
            old_name='expires_at',
            new_name='stakes_until',
        ),
        migrations.AddField(
            model_name='gamesession',
            name='end_code',
            field=models.CharField(blank=True, default='', choices=[('logout', 'Logged out'), ('staff', 'Ended by staff'), ('protection', 'Player protection'), ('refresh_reused', 'Refresh credential used twice'), ('key_revoked', 'Signing key revoked')], max_length=16, verbose_name='ended because'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='gamesession',
            name='currency',
            field=models.CharField(max_length=3, null=True),
        ),
        migrations.AddField(
            model_name='gamesession',
            name='public_id',
            field=models.UUIDField(null=True, verbose_name='session id'),
        ),
        migrations.AlterField(
            model_name='gamesession',
            name='jti',
            field=models.UUIDField(null=True, unique=True, verbose_name='token id'),
        ),
        migrations.AlterField(
            model_name='gamesession',
            name='signing_key',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sessions', to='play.signingkey'),
        ),
        migrations.CreateModel(
            name='GameplayToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('jti', models.UUIDField(unique=True, verbose_name='token id')),
                ('issued_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tokens', to='play.gamesession')),
                ('signing_key', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tokens', to='play.signingkey')),
            ],
        ),
        migrations.CreateModel(
            name='LaunchCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True, verbose_name='SHA-256')),
                ('issued_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('session', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='launch', to='play.gamesession')),
            ],
        ),
        migrations.CreateModel(
            name='RefreshCredential',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True, verbose_name='SHA-256')),
                ('issued_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('reused_at', models.DateTimeField(blank=True, null=True)),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refreshes', to='play.gamesession')),
            ],
        ),
        migrations.AddConstraint(
            model_name='gameplaytoken',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('issued_at')), ('expires_at__lte', django.db.models.expressions.CombinedExpression(models.F('issued_at'), '+', models.Value(datetime.timedelta(seconds=900))))), name='play_token_lives_at_most_15_minutes'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gameplaytoken',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='b91f1ced0724a286a41a15230c740ed459350a9e', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_93e50', table='play_gameplaytoken', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='launchcode',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('issued_at')), ('expires_at__lte', django.db.models.expressions.CombinedExpression(models.F('issued_at'), '+', models.Value(datetime.timedelta(seconds=60))))), name='play_launch_code_lives_at_most_60_seconds'),
        ),
        migrations.AddConstraint(
            model_name='launchcode',
            constraint=models.CheckConstraint(condition=models.Q(('used_at__isnull', True), ('used_at__lt', models.F('expires_at')), _connector='OR'), name='play_launch_code_used_in_time'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='launchcode',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='9c2641baecfb6cce66f4d91d5779ce77ade63c3c', operation='DELETE', pgid='pgtrigger_never_deleted_19076', table='play_launchcode', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='launchcode',
            trigger=pgtrigger.compiler.Trigger(name='used_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."used_at" IS NOT NULL OR OLD."session_id" IS DISTINCT FROM (NEW."session_id") OR OLD."digest" IS DISTINCT FROM (NEW."digest") OR OLD."issued_at" IS DISTINCT FROM (NEW."issued_at") OR OLD."expires_at" IS DISTINCT FROM (NEW."expires_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='e7b60aa8e1f91103a99ffcbb9435812cccb300e2', operation='UPDATE', pgid='pgtrigger_used_once_1b34a', table='play_launchcode', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='refreshcredential',
            constraint=models.UniqueConstraint(condition=models.Q(('used_at__isnull', True)), fields=('session',), name='play_refresh_one_unused_per_session'),
        ),
        migrations.AddConstraint(
            model_name='refreshcredential',
            constraint=models.CheckConstraint(condition=models.Q(('reused_at__isnull', True), models.Q(('reused_at__gte', models.F('used_at')), ('used_at__isnull', False)), _connector='OR'), name='play_refresh_reused_after_it_was_used'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='refreshcredential',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='7f3411970c6de6f35fe473566530b4e26c338297', operation='DELETE', pgid='pgtrigger_never_deleted_4d22a', table='play_refreshcredential', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='refreshcredential',
            trigger=pgtrigger.compiler.Trigger(name='credential_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."session_id" IS DISTINCT FROM (NEW."session_id") OR OLD."digest" IS DISTINCT FROM (NEW."digest") OR OLD."issued_at" IS DISTINCT FROM (NEW."issued_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='68150fbe42999c46021e0acfef92628c74af70e4', operation='UPDATE', pgid='pgtrigger_credential_never_changes_19d00', table='play_refreshcredential', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='refreshcredential',
            trigger=pgtrigger.compiler.Trigger(name='used_for_good', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."used_at" IS NOT NULL AND OLD."used_at" IS DISTINCT FROM (NEW."used_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='97c8152b21a47eb0d194c702f2941033b704070e', operation='UPDATE', pgid='pgtrigger_used_for_good_42b47', table='play_refreshcredential', when='BEFORE')),
        ),
    ]
