"""Events say what they ask for, and an open round may be stuck. Rows that stand are rounds."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rounds', '0001_initial'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='round',
            name='rounds_round_state_is_known',
        ),
        migrations.RemoveConstraint(
            model_name='round',
            name='rounds_round_settled_has_a_time',
        ),
        migrations.AddField(
            model_name='roundevent',
            name='is_free',
            field=models.BooleanField(db_default=False, default=False, verbose_name='free round'),
        ),
        migrations.AddField(
            model_name='roundevent',
            name='jackpot_minor',
            field=models.BigIntegerField(db_default=0, default=0, verbose_name='jackpot within the win (minor units)'),
        ),
        migrations.AddField(
            model_name='roundevent',
            name='operation',
            field=models.CharField(db_default='round', default='round', max_length=16),
        ),
        migrations.AlterField(
            model_name='round',
            name='state',
            field=models.CharField(choices=[('open', 'Open'), ('stuck', 'Stuck'), ('settled', 'Settled'), ('rolled_back', 'Rolled back')], max_length=16),
        ),
        migrations.AlterField(
            model_name='roundevent',
            name='balance_after_minor',
            field=models.BigIntegerField(null=True, verbose_name="provider's balance after (minor units)"),
        ),
        migrations.AlterField(
            model_name='roundevent',
            name='balance_before_minor',
            field=models.BigIntegerField(null=True, verbose_name="provider's balance before (minor units)"),
        ),
        migrations.AddIndex(
            model_name='round',
            index=models.Index(condition=models.Q(('state', 'open')), fields=['opened_at'], name='rounds_round_open'),
        ),
        migrations.AddConstraint(
            model_name='round',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['open', 'stuck', 'settled', 'rolled_back'])), name='rounds_round_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='round',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('settled_at__isnull', True), ('state__in', ['open', 'stuck'])), models.Q(('settled_at__isnull', False), ('state', 'settled')), ('state', 'rolled_back'), _connector='OR'), name='rounds_round_settled_has_a_time'),
        ),
        migrations.AddConstraint(
            model_name='roundevent',
            constraint=models.CheckConstraint(condition=models.Q(('operation__in', ['round', 'stake', 'win', 'rollback', 'reward'])), name='rounds_event_operation_is_known'),
        ),
        migrations.AddConstraint(
            model_name='roundevent',
            constraint=models.CheckConstraint(condition=models.Q(('jackpot_minor__gte', 0), ('jackpot_minor__lte', models.F('win_minor'))), name='rounds_event_jackpot_is_part_of_the_win'),
        ),
    ]
