"""The unique key of events begins with the event: a provider's other indexes can't stand in for it.

Both steps are one transaction: no second event of an id can slip in between. It builds one index,
and events wait for it.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('players', '0005_protection_records'),
        ('providers', '0010_drafts_and_integrity'),
        ('rounds', '0005_people_close_stuck_rounds'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='roundevent',
            name='rounds_event_unique_per_provider',
        ),
        migrations.AddConstraint(
            model_name='roundevent',
            constraint=models.UniqueConstraint(fields=('event_id', 'provider'), name='rounds_event_unique_per_provider'),
        ),
    ]
