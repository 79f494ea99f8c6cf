"""Indexes for what people look up: a delivery by its message id, its attempts, a player's holds."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rounds', '0003_fewer_indexes'),
    ]

    operations = [
        # The partitioned table is made by hand in 0001, and so are its indexes.
        migrations.RunSQL(
            "CREATE INDEX rounds_delivery_message_id ON rounds_delivery (message_id)",
            "DROP INDEX rounds_delivery_message_id",
        ),
        migrations.RemoveIndex(
            model_name='round',
            name='rounds_round_open',
        ),
        migrations.AddIndex(
            model_name='eventattempt',
            index=models.Index(fields=['delivery_id'], name='rounds_attempt_delivery'),
        ),
        migrations.AddIndex(
            model_name='round',
            index=models.Index(condition=models.Q(('state__in', ['open', 'stuck'])), fields=['opened_at'], name='rounds_round_open'),
        ),
        migrations.AddIndex(
            model_name='roundevent',
            index=models.Index(condition=models.Q(('money_state', 'held')), fields=['player'], name='rounds_event_held_of'),
        ),
    ]
