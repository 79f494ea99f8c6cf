"""Read the rounds that stand against the check that 0009 put in."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("rounds", "0009_a_closed_round_may_be_stuck")]

    operations = [
        ValidateConstraint(model_name="round", name="rounds_round_settled_has_a_time"),
    ]
