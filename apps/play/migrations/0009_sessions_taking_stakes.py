from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The sweep reads the sessions that still take stakes, not all that never ended."""

    atomic = False

    dependencies = [("play", "0008_gate_closed_ends_sessions")]

    operations = [
        AddIndexConcurrently(
            model_name="gamesession",
            index=models.Index(
                condition=models.Q(ended_at__isnull=True),
                fields=["stakes_until"],
                name="play_session_taking_stakes",
            ),
        )
    ]
