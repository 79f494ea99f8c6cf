"""A hold is captured or released once: the index that says so is built beside what comes in."""

from django.db import migrations, models

BUILD = """
CREATE UNIQUE INDEX CONCURRENTLY wallet_transfer_hold_ends_once ON wallet_transfer (reverses_id)
WHERE kind IN ('capture', 'release', 'stake_forfeited')
"""
DROP = "DROP INDEX CONCURRENTLY IF EXISTS wallet_transfer_hold_ends_once"


class Migration(migrations.Migration):

    atomic = False

    dependencies = [('wallet', '0014_pots_hold_the_largest_at_most')]

    operations = [
        # One that was left half built goes first.
        migrations.RunSQL(DROP, migrations.RunSQL.noop),
        migrations.RunSQL(
            BUILD,
            DROP,
            state_operations=[
                migrations.AddConstraint(
                    model_name='transfer',
                    constraint=models.UniqueConstraint(
                        condition=models.Q(('kind__in', ('capture', 'release', 'stake_forfeited'))),
                        fields=('reverses',),
                        name='wallet_transfer_hold_ends_once',
                    ),
                ),
            ],
        ),
    ]
