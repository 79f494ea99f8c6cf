"""A player's rounds are found newest first, however many there are. Built while rounds come in."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('rounds', '0017_refused_is_the_word'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='round',
            index=models.Index(fields=['player', '-id'], name='rounds_round_of_player'),
        ),
    ]
