"""A conflict says itself whether only test players are in it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rounds", "0011_events_of_unknown_players")]

    operations = [
        migrations.AddField(
            model_name="conflict",
            name="is_rehearsed",
            field=models.BooleanField(
                db_default=False, default=False, verbose_name="test players only"
            ),
        ),
    ]
