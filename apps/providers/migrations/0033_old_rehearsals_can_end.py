"""What was recorded in the rehearsals' place before that was refused can be ended.

A check that is not validated still looks at each row that is written again, so that the end itself
was refused. Now it looks at open rows alone.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("providers", "0032_recalls_are_ends")]

    operations = [
        migrations.RemoveConstraint(
            model_name="deployment", name="providers_deployment_is_in_no_rehearsal"
        ),
        AddConstraintNotValid(
            model_name="deployment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("jurisdiction", "ZZ"), _negated=True),
                    ("ends_at__isnull", False),
                    _connector="OR",
                ),
                name="providers_open_deployment_is_in_no_rehearsal",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="gateoverride", name="providers_override_is_in_no_rehearsal"
        ),
        AddConstraintNotValid(
            model_name="gateoverride",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("jurisdiction", "ZZ"), _negated=True),
                    ("ended_at__isnull", False),
                    _connector="OR",
                ),
                name="providers_open_override_is_in_no_rehearsal",
            ),
        ),
    ]
