"""One index less for each bet: Django's pattern indexes on text columns are asked for by nothing."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('wallet', '0006_withdrawals'),
    ]

    operations = [
        migrations.AlterField(
            model_name='transfer',
            name='idempotency_key',
            field=models.CharField(max_length=200),
        ),
        migrations.AlterField(
            model_name='transfer',
            name='reverses',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='wallet.transfer'),
        ),
        migrations.AlterField(
            model_name='transfer',
            name='subject',
            field=models.CharField(max_length=170),
        ),
        migrations.AddIndex(
            model_name='transfer',
            index=models.Index(fields=['subject'], name='wallet_transfer_subject'),
        ),
        migrations.AddIndex(
            model_name='transfer',
            index=models.Index(condition=models.Q(('reverses__isnull', False)), fields=['reverses'], name='wallet_transfer_reversed'),
        ),
        migrations.AddConstraint(
            model_name='transfer',
            constraint=models.UniqueConstraint(fields=('idempotency_key',), name='wallet_transfer_key_is_used_once'),
        ),
    ]
