"""The index on a player's newest rounds begins with the player: the key's own one is one too many."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('players', '0008_reality_check_answered_once'),
        ('rounds', '0018_newest_rounds_of_a_player'),
    ]

    operations = [
        migrations.AlterField(
            model_name='round',
            name='player',
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name='+',
                to='players.player',
            ),
        ),
    ]
