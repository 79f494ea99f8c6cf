"""The unique key of events begins with the event: a provider's other indexes can't stand in for it.

The index is built beside the old one while events come in, then takes its place in one step: no
second event of an id can slip in between, and nobody waits for the building.
"""

from django.db import migrations, models

DROP_HALF_BUILT = "DROP INDEX CONCURRENTLY IF EXISTS rounds_event_by_id"
BUILD = "CREATE UNIQUE INDEX CONCURRENTLY rounds_event_by_id ON rounds_roundevent ({})"
SWAP = """
ALTER TABLE rounds_roundevent
    DROP CONSTRAINT rounds_event_unique_per_provider,
    ADD CONSTRAINT rounds_event_unique_per_provider UNIQUE USING INDEX rounds_event_by_id
"""


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('players', '0005_protection_records'),
        ('providers', '0010_drafts_and_integrity'),
        ('rounds', '0005_people_close_stuck_rounds'),
    ]

    operations = [
        migrations.RunSQL(DROP_HALF_BUILT, SWAP),
        migrations.RunSQL(
            BUILD.format('event_id, provider_id'), BUILD.format('provider_id, event_id')
        ),
        migrations.RunSQL(
            SWAP,
            DROP_HALF_BUILT,
            state_operations=[
                migrations.RemoveConstraint(
                    model_name='roundevent',
                    name='rounds_event_unique_per_provider',
                ),
                migrations.AddConstraint(
                    model_name='roundevent',
                    constraint=models.UniqueConstraint(
                        fields=('event_id', 'provider'), name='rounds_event_unique_per_provider'
                    ),
                ),
            ],
        ),
    ]
