from django.db import migrations, models


class Migration(migrations.Migration):
    """The right row of a revision may stand beside those that were withdrawn."""

    dependencies = [("providers", "0025_nothing_real_in_rehearsal")]

    operations = [
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "withdrawn"), _negated=True),
                fields=("lab", "report_number", "revision"),
                name="providers_certificate_once_per_revision_but_for_withdrawn",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="certificate", name="providers_certificate_once_per_revision"
        ),
    ]
