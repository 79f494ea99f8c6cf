

import datetime
import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('providers', '0006_span_of_one_text'),
        ('staff', '0002_approval_guards_always'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CertifiedBuild',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('game_code', models.CharField(max_length=128)),
                ('build_version', models.CharField(max_length=64)),
                ('platform_version', models.CharField(blank=True, max_length=64)),
                ('engine_version', models.CharField(blank=True, max_length=64)),
                ('client_revision', models.CharField(blank=True, max_length=64)),
                ('rng_version', models.CharField(blank=True, max_length=64, verbose_name='RNG version')),
                ('channel', models.CharField(choices=[('any', 'Every channel'), ('desktop', 'Desktop browser'), ('mobile', 'Mobile browser'), ('app', 'Mobile app')], default='any', max_length=16)),
                ('digest', models.CharField(blank=True, max_length=64, verbose_name='package SHA-256')),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='CriticalFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.CharField(max_length=255)),
                ('algorithm', models.CharField(choices=[('sha1', 'SHA-1'), ('sha256', 'SHA-256'), ('crc16', 'CRC16 with seed')], max_length=8)),
                ('seed', models.CharField(blank=True, max_length=8, verbose_name='seed (hex)')),
                ('digest', models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='Deployment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('jurisdiction', models.CharField(max_length=16)),
                ('channel', models.CharField(choices=[('any', 'Every channel'), ('desktop', 'Desktop browser'), ('mobile', 'Mobile browser'), ('app', 'Mobile app')], default='any', max_length=16)),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField(blank=True, null=True)),
                ('digest', models.CharField(blank=True, max_length=64, verbose_name='package SHA-256 as measured')),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='GameBuild',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(max_length=64)),
                ('channel', models.CharField(choices=[('any', 'Every channel'), ('desktop', 'Desktop browser'), ('mobile', 'Mobile browser'), ('app', 'Mobile app')], default='any', max_length=16)),
                ('platform_version', models.CharField(blank=True, max_length=64)),
                ('engine_version', models.CharField(blank=True, max_length=64)),
                ('client_revision', models.CharField(blank=True, max_length=64)),
                ('rng_version', models.CharField(blank=True, max_length=64, verbose_name='RNG version')),
                ('digest', models.CharField(blank=True, max_length=64, verbose_name='package SHA-256')),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='GateOverride',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('jurisdiction', models.CharField(max_length=16)),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField(verbose_name='expires')),
                ('reason', models.TextField()),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended early')),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'permissions': [('approve_gateoverride', 'Can approve overrides of the launch gate')],
            },
        ),
        migrations.CreateModel(
            name='HistoricalDeployment',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('jurisdiction', models.CharField(max_length=16)),
                ('channel', models.CharField(choices=[('any', 'Every channel'), ('desktop', 'Desktop browser'), ('mobile', 'Mobile browser'), ('app', 'Mobile app')], default='any', max_length=16)),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField(blank=True, null=True)),
                ('digest', models.CharField(blank=True, max_length=64, verbose_name='package SHA-256 as measured')),
                ('created_at', models.DateTimeField()),
                ('history_change_reason', models.TextField(blank=True, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical deployment',
                'verbose_name_plural': 'historical deployments',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalGateOverride',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('jurisdiction', models.CharField(max_length=16)),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField(verbose_name='expires')),
                ('reason', models.TextField()),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended early')),
                ('created_at', models.DateTimeField()),
                ('history_change_reason', models.TextField(blank=True, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical gate override',
                'verbose_name_plural': 'historical gate overrides',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalLabAccreditation',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('body', models.CharField(max_length=128, verbose_name='accreditation body')),
                ('number', models.CharField(max_length=64)),
                ('scope', models.CharField(blank=True, max_length=255)),
                ('valid_from', models.DateField()),
                ('valid_until', models.DateField(verbose_name='valid through')),
                ('created_at', models.DateTimeField()),
                ('history_change_reason', models.TextField(blank=True, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical lab accreditation',
                'verbose_name_plural': 'historical lab accreditations',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalRtpVariant',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('code', models.CharField(max_length=64)),
                ('rtp_percent', models.DecimalField(decimal_places=4, max_digits=7, verbose_name='RTP (%)')),
                ('sigma', models.DecimalField(blank=True, decimal_places=4, max_digits=9, null=True, verbose_name='sigma (per unit stake)')),
                ('volatility_index', models.DecimalField(blank=True, decimal_places=4, max_digits=9, null=True)),
                ('volatility_z', models.DecimalField(blank=True, decimal_places=4, max_digits=6, null=True, verbose_name='z of the volatility index')),
                ('hit_frequency_percent', models.DecimalField(blank=True, decimal_places=4, max_digits=7, null=True, verbose_name='hit frequency (%)')),
                ('max_win_multiple', models.PositiveIntegerField(blank=True, null=True, verbose_name='max. win (x stake)')),
                ('jackpot_percent', models.DecimalField(blank=True, decimal_places=4, max_digits=7, null=True, verbose_name='jackpot contribution (%)')),
                ('source', models.CharField(max_length=255)),
                ('created_at', models.DateTimeField()),
                ('history_change_reason', models.TextField(blank=True, null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
            ],
            options={
                'verbose_name': 'historical RTP variant',
                'verbose_name_plural': 'historical RTP variants',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='LabAccreditation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('body', models.CharField(max_length=128, verbose_name='accreditation body')),
                ('number', models.CharField(max_length=64)),
                ('scope', models.CharField(blank=True, max_length=255)),
                ('valid_from', models.DateField()),
                ('valid_until', models.DateField(verbose_name='valid through')),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='RtpVariant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=64)),
                ('rtp_percent', models.DecimalField(decimal_places=4, max_digits=7, verbose_name='RTP (%)')),
                ('sigma', models.DecimalField(blank=True, decimal_places=4, max_digits=9, null=True, verbose_name='sigma (per unit stake)')),
                ('volatility_index', models.DecimalField(blank=True, decimal_places=4, max_digits=9, null=True)),
                ('volatility_z', models.DecimalField(blank=True, decimal_places=4, max_digits=6, null=True, verbose_name='z of the volatility index')),
                ('hit_frequency_percent', models.DecimalField(blank=True, decimal_places=4, max_digits=7, null=True, verbose_name='hit frequency (%)')),
                ('max_win_multiple', models.PositiveIntegerField(blank=True, null=True, verbose_name='max. win (x stake)')),
                ('jackpot_percent', models.DecimalField(blank=True, decimal_places=4, max_digits=7, null=True, verbose_name='jackpot contribution (%)')),
                ('source', models.CharField(max_length=255)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'RTP variant',
            },
        ),
        migrations.CreateModel(
            name='SupplierChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('classification', models.CharField(choices=[('major', 'Major: needs a new report'), ('minor', 'Minor: the report carries over')], max_length=8)),
                ('rationale', models.TextField()),
                ('supplier_note', models.TextField(blank=True, verbose_name='what the supplier says')),
                ('affects_rng', models.BooleanField(default=False, verbose_name='touches the RNG, its seeding or scaling')),
                ('affects_outcome', models.BooleanField(default=False, verbose_name='touches how outcomes are made')),
                ('affects_rtp', models.BooleanField(default=False, verbose_name='touches RTP, paytable or jackpot')),
                ('affects_rules', models.BooleanField(default=False, verbose_name='touches rules or what players are shown')),
                ('decided_at', models.DateTimeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='certificatertpvariant',
            name='providers_rtp_once_per_certificate',
        ),
        migrations.AddField(
            model_name='certificate',
            name='conditions',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='certificate',
            name='invalidated_on',
            field=models.DateField(blank=True, null=True, verbose_name='covers nothing from'),
        ),
        migrations.AddField(
            model_name='certificate',
            name='signatory',
            field=models.CharField(blank=True, max_length=128, verbose_name='signed for the lab by'),
        ),
        migrations.AddField(
            model_name='certificate',
            name='supersedes',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='superseded_by_reports', to='providers.certificate'),
        ),
        migrations.AddField(
            model_name='certificatertpvariant',
            name='game_code',
            field=models.CharField(blank=True, default='', max_length=128),
        ),
        migrations.AddField(
            model_name='certificatertpvariant',
            name='variant_code',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.AddField(
            model_name='historicalcertificate',
            name='conditions',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='historicalcertificate',
            name='invalidated_on',
            field=models.DateField(blank=True, null=True, verbose_name='covers nothing from'),
        ),
        migrations.AddField(
            model_name='historicalcertificate',
            name='signatory',
            field=models.CharField(blank=True, max_length=128, verbose_name='signed for the lab by'),
        ),
        migrations.AddField(
            model_name='historicalcertificate',
            name='supersedes',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='providers.certificate'),
        ),
        migrations.AddField(
            model_name='historicallab',
            name='contact_email',
            field=models.EmailField(blank=True, max_length=254),
        ),
        migrations.AddField(
            model_name='historicallab',
            name='contact_name',
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.AddField(
            model_name='historicallab',
            name='contact_phone',
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddField(
            model_name='lab',
            name='contact_email',
            field=models.EmailField(blank=True, max_length=254),
        ),
        migrations.AddField(
            model_name='lab',
            name='contact_name',
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.AddField(
            model_name='lab',
            name='contact_phone',
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddConstraint(
            model_name='certificatertpvariant',
            constraint=models.UniqueConstraint(fields=('certificate', 'game_code', 'variant_code', 'rtp_percent'), name='providers_rtp_once_per_certificate'),
        ),
        migrations.AddField(
            model_name='certifiedbuild',
            name='certificate',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='builds', to='providers.certificate'),
        ),
        migrations.AddField(
            model_name='criticalfile',
            name='build',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='files', to='providers.certifiedbuild'),
        ),
        migrations.AddField(
            model_name='deployment',
            name='game',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deployments', to='providers.game'),
        ),
        migrations.AddField(
            model_name='gamebuild',
            name='game',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='builds', to='providers.game'),
        ),
        migrations.AddField(
            model_name='deployment',
            name='build',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deployments', to='providers.gamebuild'),
        ),
        migrations.AddField(
            model_name='gateoverride',
            name='approval',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='staff.approval'),
        ),
        migrations.AddField(
            model_name='gateoverride',
            name='approved_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='gateoverride',
            name='game',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='overrides', to='providers.game'),
        ),
        migrations.AddField(
            model_name='gateoverride',
            name='requested_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicaldeployment',
            name='build',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='providers.gamebuild'),
        ),
        migrations.AddField(
            model_name='historicaldeployment',
            name='game',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='providers.game'),
        ),
        migrations.AddField(
            model_name='historicaldeployment',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalgateoverride',
            name='approval',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='staff.approval'),
        ),
        migrations.AddField(
            model_name='historicalgateoverride',
            name='approved_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalgateoverride',
            name='game',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='providers.game'),
        ),
        migrations.AddField(
            model_name='historicalgateoverride',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicalgateoverride',
            name='requested_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicallabaccreditation',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='historicallabaccreditation',
            name='lab',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='providers.lab'),
        ),
        migrations.AddField(
            model_name='historicalrtpvariant',
            name='certificate',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='providers.certificate', verbose_name='stated by'),
        ),
        migrations.AddField(
            model_name='historicalrtpvariant',
            name='game',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='providers.game'),
        ),
        migrations.AddField(
            model_name='historicalrtpvariant',
            name='history_user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='labaccreditation',
            name='lab',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accreditations', to='providers.lab'),
        ),
        migrations.AddField(
            model_name='rtpvariant',
            name='certificate',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='variant_figures', to='providers.certificate', verbose_name='stated by'),
        ),
        migrations.AddField(
            model_name='rtpvariant',
            name='game',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='variants', to='providers.game'),
        ),
        migrations.AddField(
            model_name='historicaldeployment',
            name='variant',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='providers.rtpvariant'),
        ),
        migrations.AddField(
            model_name='deployment',
            name='variant',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='deployments', to='providers.rtpvariant'),
        ),
        migrations.AddField(
            model_name='supplierchange',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='supplierchange',
            name='from_build',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes_from_it', to='providers.gamebuild'),
        ),
        migrations.AddField(
            model_name='supplierchange',
            name='to_build',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes_to_it', to='providers.gamebuild'),
        ),
        migrations.AddField(
            model_name='certificate',
            name='invalidated_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='invalidated_certificates', to='providers.supplierchange', verbose_name='invalidated by change'),
        ),
        migrations.AddField(
            model_name='historicalcertificate',
            name='invalidated_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='providers.supplierchange', verbose_name='invalidated by change'),
        ),
        migrations.AddConstraint(
            model_name='certificate',
            constraint=models.CheckConstraint(condition=models.Q(('supersedes__isnull', True), models.Q(('supersedes', models.F('pk')), _negated=True), _connector='OR'), name='providers_certificate_supersedes_another'),
        ),
        migrations.AddConstraint(
            model_name='certificate',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('invalidated_by__isnull', True), ('invalidated_on__isnull', True)), models.Q(('invalidated_by__isnull', False), ('invalidated_on__isnull', False)), _connector='OR'), name='providers_certificate_invalidated_by_a_change_on_a_day'),
        ),
        migrations.AddConstraint(
            model_name='certifiedbuild',
            constraint=models.UniqueConstraint(fields=('certificate', 'game_code', 'build_version', 'channel'), name='providers_build_certified_once_per_report'),
        ),
        migrations.AddConstraint(
            model_name='certifiedbuild',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('game_code', ''), _negated=True), models.Q(('build_version', ''), _negated=True)), name='providers_certified_build_is_named'),
        ),
        migrations.AddConstraint(
            model_name='certifiedbuild',
            constraint=models.CheckConstraint(condition=models.Q(('channel__in', ['any', 'desktop', 'mobile', 'app'])), name='providers_certified_build_channel_is_known'),
        ),
        migrations.AddConstraint(
            model_name='certifiedbuild',
            constraint=models.CheckConstraint(condition=models.Q(('digest', ''), ('digest__regex', '^[0-9a-f]{64}$'), _connector='OR'), name='providers_certified_build_digest_is_sha256'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='certifiedbuild',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='4bca5620c083a853b6cbb1e77fe6ac6c5ba1daa0', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_376a9', table='providers_certifiedbuild', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='certifiedbuild',
            trigger=pgtrigger.compiler.Trigger(name='never_truncated', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='84b599e3060cd47a3ce88a5bb7a1369db24863fe', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_never_truncated_ce3c8', table='providers_certifiedbuild', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='criticalfile',
            constraint=models.UniqueConstraint(fields=('build', 'path', 'algorithm', 'seed'), name='providers_critical_file_digest_once_per_build'),
        ),
        migrations.AddConstraint(
            model_name='criticalfile',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('algorithm', 'sha1'), ('digest__regex', '^[0-9a-f]{40}$')), models.Q(('algorithm', 'sha256'), ('digest__regex', '^[0-9a-f]{64}$')), models.Q(('algorithm', 'crc16'), ('digest__regex', '^[0-9a-f]{4}$')), _connector='OR'), name='providers_critical_file_digest_fits_its_algorithm'),
        ),
        migrations.AddConstraint(
            model_name='criticalfile',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('algorithm', 'crc16'), ('seed__regex', '^[0-9a-f]{1,8}$')), models.Q(models.Q(('algorithm', 'crc16'), _negated=True), ('seed', '')), _connector='OR'), name='providers_critical_file_crc16_names_its_seed'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='criticalfile',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='c8890ff0e357209a682bee99c16e5d4475f8b593', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_4c84e', table='providers_criticalfile', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='criticalfile',
            trigger=pgtrigger.compiler.Trigger(name='never_truncated', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='0bf788373e5edfcef14a9ceb2c84bf86d3ad4cad', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_never_truncated_af4b3', table='providers_criticalfile', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='gamebuild',
            constraint=models.UniqueConstraint(fields=('game', 'version', 'channel'), name='providers_build_once_per_version'),
        ),
        migrations.AddConstraint(
            model_name='gamebuild',
            constraint=models.CheckConstraint(condition=models.Q(('version', ''), _negated=True), name='providers_build_has_a_version'),
        ),
        migrations.AddConstraint(
            model_name='gamebuild',
            constraint=models.CheckConstraint(condition=models.Q(('channel__in', ['any', 'desktop', 'mobile', 'app'])), name='providers_build_channel_is_known'),
        ),
        migrations.AddConstraint(
            model_name='gamebuild',
            constraint=models.CheckConstraint(condition=models.Q(('digest', ''), ('digest__regex', '^[0-9a-f]{64}$'), _connector='OR'), name='providers_build_digest_is_sha256'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gamebuild',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='abc6e7a34002e471ef74f98e69c56d86d55327f6', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_86b40', table='providers_gamebuild', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gamebuild',
            trigger=pgtrigger.compiler.Trigger(name='never_truncated', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='9e921e26a6d95569f6e01fa8604ff498756e1be2', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_never_truncated_44e2e', table='providers_gamebuild', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='gateoverride',
            index=models.Index(fields=['game', 'jurisdiction'], name='providers_override_of_game'),
        ),
        migrations.AddConstraint(
            model_name='gateoverride',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='providers_override_ends_after_it_starts'),
        ),
        migrations.AddConstraint(
            model_name='gateoverride',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__lte', django.db.models.expressions.CombinedExpression(models.F('starts_at'), '+', models.Value(datetime.timedelta(days=7))))), name='providers_override_lasts_a_week_at_most'),
        ),
        migrations.AddConstraint(
            model_name='gateoverride',
            constraint=models.CheckConstraint(condition=models.Q(('requested_by', models.F('approved_by')), _negated=True), name='providers_override_is_given_by_two_people'),
        ),
        migrations.AddConstraint(
            model_name='gateoverride',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='providers_override_has_its_reason'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gateoverride',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='578f6fd09faff770824f29bccb6c9fa3b3e7efd2', operation='DELETE', pgid='pgtrigger_never_deleted_ec169', table='providers_gateoverride', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='gateoverride',
            trigger=pgtrigger.compiler.Trigger(name='only_its_end_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."game_id" IS DISTINCT FROM (NEW."game_id") OR OLD."jurisdiction" IS DISTINCT FROM (NEW."jurisdiction") OR OLD."starts_at" IS DISTINCT FROM (NEW."starts_at") OR OLD."ends_at" IS DISTINCT FROM (NEW."ends_at") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."requested_by_id" IS DISTINCT FROM (NEW."requested_by_id") OR OLD."approved_by_id" IS DISTINCT FROM (NEW."approved_by_id") OR OLD."approval_id" IS DISTINCT FROM (NEW."approval_id") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='221ace591367ef1bf3996bab8b263af9594bb80c', operation='UPDATE', pgid='pgtrigger_only_its_end_changes_715cd', table='providers_gateoverride', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='labaccreditation',
            constraint=models.UniqueConstraint(fields=('lab', 'body', 'number', 'valid_from'), name='providers_accreditation_once_per_term'),
        ),
        migrations.AddConstraint(
            model_name='labaccreditation',
            constraint=models.CheckConstraint(condition=models.Q(('valid_until__gte', models.F('valid_from'))), name='providers_accreditation_ends_after_it_starts'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='labaccreditation',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='4a84736f75aa0be8605ab960ca6bc75d7cb7c2bb', operation='DELETE', pgid='pgtrigger_never_deleted_ab22e', table='providers_labaccreditation', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='rtpvariant',
            constraint=models.UniqueConstraint(fields=('game', 'code'), name='providers_variant_once_per_game'),
        ),
        migrations.AddConstraint(
            model_name='rtpvariant',
            constraint=models.CheckConstraint(condition=models.Q(('rtp_percent__gt', 0), ('rtp_percent__lte', 100)), name='providers_variant_rtp_is_a_share_of_the_stake'),
        ),
        migrations.AddConstraint(
            model_name='rtpvariant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('volatility_index__isnull', True), ('volatility_z__isnull', True)), models.Q(('volatility_index__gt', 0), ('volatility_z__gt', 0)), _connector='OR'), name='providers_variant_volatility_index_names_its_z'),
        ),
        migrations.AddConstraint(
            model_name='rtpvariant',
            constraint=models.CheckConstraint(condition=models.Q(('sigma__isnull', True), ('sigma__gt', 0), _connector='OR'), name='providers_variant_sigma_is_positive'),
        ),
        migrations.AddConstraint(
            model_name='rtpvariant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('code', ''), _negated=True), models.Q(('source', ''), _negated=True)), name='providers_variant_has_code_and_source'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='rtpvariant',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='25a6d91b72a39b4e55de4eedec0f418ec2c51f96', operation='DELETE', pgid='pgtrigger_never_deleted_dd66d', table='providers_rtpvariant', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='rtpvariant',
            trigger=pgtrigger.compiler.Trigger(name='figure_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."game_id" IS DISTINCT FROM (NEW."game_id") OR OLD."code" IS DISTINCT FROM (NEW."code") OR OLD."rtp_percent" IS DISTINCT FROM (NEW."rtp_percent") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='df7e8f5c3c7acefe0a70264164e19d42afa8747e', operation='UPDATE', pgid='pgtrigger_figure_never_changes_9ca26', table='providers_rtpvariant', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='deployment',
            index=models.Index(fields=['game', 'jurisdiction', 'starts_at'], name='providers_deployment_of_game'),
        ),
        migrations.AddConstraint(
            model_name='deployment',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='providers_deployment_ends_after_it_starts'),
        ),
        migrations.AddConstraint(
            model_name='deployment',
            constraint=models.CheckConstraint(condition=models.Q(('channel__in', ['any', 'desktop', 'mobile', 'app'])), name='providers_deployment_channel_is_known'),
        ),
        migrations.AddConstraint(
            model_name='deployment',
            constraint=models.CheckConstraint(condition=models.Q(('digest', ''), ('digest__regex', '^[0-9a-f]{64}$'), _connector='OR'), name='providers_deployment_digest_is_sha256'),
        ),
        migrations.AddConstraint(
            model_name='deployment',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('game'), models.F('game'), django.contrib.postgres.fields.ranges.RangeBoundary(inclusive_upper=True), function='INT8RANGE'), '&&'), (models.Func(models.F('jurisdiction'), models.F('jurisdiction'), django.contrib.postgres.fields.ranges.RangeBoundary(inclusive_upper=True), function='PROVIDERS_TEXT_SPAN'), '&&'), (models.Func(models.F('channel'), models.F('channel'), django.contrib.postgres.fields.ranges.RangeBoundary(inclusive_upper=True), function='PROVIDERS_TEXT_SPAN'), '&&'), (models.Func(models.F('starts_at'), models.F('ends_at'), django.contrib.postgres.fields.ranges.RangeBoundary(), function='TSTZRANGE', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&')], name='providers_deployment_one_at_a_time'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='deployment',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='12615c9d72135628f75930626519b168fbf98339', operation='DELETE', pgid='pgtrigger_never_deleted_95a15', table='providers_deployment', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='deployment',
            trigger=pgtrigger.compiler.Trigger(name='only_its_end_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."game_id" IS DISTINCT FROM (NEW."game_id") OR OLD."jurisdiction" IS DISTINCT FROM (NEW."jurisdiction") OR OLD."channel" IS DISTINCT FROM (NEW."channel") OR OLD."build_id" IS DISTINCT FROM (NEW."build_id") OR OLD."variant_id" IS DISTINCT FROM (NEW."variant_id") OR OLD."starts_at" IS DISTINCT FROM (NEW."starts_at") OR OLD."digest" IS DISTINCT FROM (NEW."digest") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='060a77ab6c809dc633b6386e0cc6237be5102041', operation='UPDATE', pgid='pgtrigger_only_its_end_changes_2ca37', table='providers_deployment', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='deployment',
            trigger=pgtrigger.compiler.Trigger(name='is_of_one_game', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF NOT EXISTS (SELECT 1 FROM providers_gamebuild WHERE id = NEW.build_id AND game_id = NEW.game_id)\n   OR (NEW.variant_id IS NOT NULL AND NOT EXISTS (\n       SELECT 1 FROM providers_rtpvariant WHERE id = NEW.variant_id AND game_id = NEW.game_id))\nTHEN\n    RAISE EXCEPTION 'providers_deployment_is_of_one_game: build or variant of another game';\nEND IF;\nRETURN NEW;\n", hash='3ac10e1df45b4d7200937067c871ecd4773d7530', operation='INSERT', pgid='pgtrigger_is_of_one_game_bb33d', table='providers_deployment', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='supplierchange',
            constraint=models.UniqueConstraint(fields=('from_build', 'to_build', 'decided_at'), name='providers_change_decided_once_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='supplierchange',
            constraint=models.CheckConstraint(condition=models.Q(('from_build', models.F('to_build')), _negated=True), name='providers_change_is_between_two_builds'),
        ),
        migrations.AddConstraint(
            model_name='supplierchange',
            constraint=models.CheckConstraint(condition=models.Q(('classification__in', ['major', 'minor'])), name='providers_change_is_major_or_minor'),
        ),
        migrations.AddConstraint(
            model_name='supplierchange',
            constraint=models.CheckConstraint(condition=models.Q(('rationale', ''), _negated=True), name='providers_change_has_its_rationale'),
        ),
        migrations.AddConstraint(
            model_name='supplierchange',
            constraint=models.CheckConstraint(condition=models.Q(('classification', 'major'), models.Q(('affects_outcome', False), ('affects_rng', False), ('affects_rtp', False), ('affects_rules', False)), _connector='OR'), name='providers_change_that_touches_fairness_is_major'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='supplierchange',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='91d77965e35022901ed7e2e45b03c1c8ccbb3e6a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_39291', table='providers_supplierchange', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='supplierchange',
            trigger=pgtrigger.compiler.Trigger(name='never_truncated', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='a0d98c748f83973f0ff3d86213f00b8a67eb025f', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_never_truncated_aface', table='providers_supplierchange', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='supplierchange',
            trigger=pgtrigger.compiler.Trigger(name='is_of_one_game', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF (SELECT game_id FROM providers_gamebuild WHERE id = NEW.from_build_id)\n   IS DISTINCT FROM (SELECT game_id FROM providers_gamebuild WHERE id = NEW.to_build_id)\nTHEN\n    RAISE EXCEPTION 'providers_change_is_of_one_game: the builds are of different games';\nEND IF;\nRETURN NEW;\n", hash='d1e32b9a6f639dd98d1f6c2bdb1d68005d188203', operation='INSERT', pgid='pgtrigger_is_of_one_game_b1458', table='providers_supplierchange', when='BEFORE')),
        ),
    ]
