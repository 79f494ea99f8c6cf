"""A closed round that is flagged as stuck keeps the time at which it was closed."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("rounds", "0008_fill_hour_tallies")]

    operations = [
        migrations.RemoveConstraint(
            model_name="round", name="rounds_round_settled_has_a_time"
        ),
        # Read against the rounds that stand by the next migration, which keeps nobody out.
        AddConstraintNotValid(
            model_name="round",
            constraint=models.CheckConstraint(
                condition=Q(state="open", settled_at__isnull=True)
                | Q(state="settled", settled_at__isnull=False)
                | Q(state__in=["stuck", "rolled_back"]),
                name="rounds_round_settled_has_a_time",
            ),
        ),
    ]
