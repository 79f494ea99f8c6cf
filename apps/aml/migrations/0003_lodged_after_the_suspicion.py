"""No report is lodged before its suspicion. A decided matter is never written again, so one that
stands so is left as it was recorded, for people to read; the check is not validated against it.
"""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [
        ("aml", "0002_blind_seals"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="matter",
            constraint=models.CheckConstraint(
                condition=Q(lodged_at__isnull=True) | Q(lodged_at__gte=F("suspected_at")),
                name="aml_matter_lodged_after_the_suspicion",
            ),
        ),
    ]
