from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """A withdrawal ends the live sessions of a game without reading all it ever had."""

    atomic = False

    dependencies = [("play", "0006_reality_checks")]

    operations = [
        AddIndexConcurrently(
            model_name="gamesession",
            index=models.Index(
                condition=models.Q(ended_at__isnull=True),
                fields=["game", "stakes_until"],
                name="play_session_open_of_game",
            ),
        )
    ]
