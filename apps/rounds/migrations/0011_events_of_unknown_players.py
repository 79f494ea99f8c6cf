"""An index for events that name a player whom nobody knows: they wait, and people look for them."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    # Events come in: nothing waits while the index is built.
    atomic = False

    dependencies = [
        ('rounds', '0010_settled_rounds_have_a_time'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='roundevent',
            index=models.Index(condition=models.Q(('player__isnull', True)), fields=['player_ref'], name='rounds_event_of_unknown'),
        ),
    ]
