"""The index on a player's newest rounds begins with the player: the key's own one is one too many.

The database only drops that index, while rounds come in. Left to itself, Django would take the
foreign key of all rounds away and check every row for it again, with the table locked.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('players', '0008_reality_check_answered_once'),
        ('rounds', '0018_newest_rounds_of_a_player'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
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
            ],
            database_operations=[
                migrations.RunSQL(
                    'DROP INDEX CONCURRENTLY IF EXISTS rounds_round_player_id_6a0b13b4',
                    'CREATE INDEX CONCURRENTLY IF NOT EXISTS rounds_round_player_id_6a0b13b4'
                    ' ON rounds_round (player_id)',
                ),
            ],
        ),
    ]
