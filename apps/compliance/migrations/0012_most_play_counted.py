"""Keep the most that was ever counted; what stands so far is the most that is known."""

from django.db import migrations, models
from django.db.models import F, Q

KNOWN = """
UPDATE compliance_uncertifiedplay
SET most_rounds = rounds, most_players = players, most_stake_minor = stake_minor
"""


class Migration(migrations.Migration):

    dependencies = [
        ("compliance", "0011_recalls_are_ends"),
    ]

    operations = [
        migrations.AddField(
            model_name="uncertifiedplay",
            name="most_rounds",
            field=models.PositiveIntegerField(default=0, verbose_name="most rounds counted"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="uncertifiedplay",
            name="most_players",
            field=models.PositiveIntegerField(default=0, verbose_name="most players counted"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="uncertifiedplay",
            name="most_stake_minor",
            field=models.BigIntegerField(
                default=0, verbose_name="most stake counted (minor units)"
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="uncertifiedplay",
            constraint=models.CheckConstraint(
                condition=Q(most_rounds__gte=F("rounds"))
                & Q(most_players__gte=F("players"))
                & Q(most_stake_minor__gte=F("stake_minor")),
                name="compliance_play_most_is_never_less",
            ),
        ),
    ]
