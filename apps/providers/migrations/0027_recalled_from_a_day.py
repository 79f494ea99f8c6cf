import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):
    """A recall by the lab has a day; rows withdrawn before this count for no day, as they did."""

    dependencies = [("providers", "0026_withdrawn_row_makes_room")]

    operations = [
        migrations.AddField(
            model_name="certificate",
            name="recalled_on",
            field=models.DateField(blank=True, null=True, verbose_name="recalled from"),
        ),
        migrations.AddField(
            model_name="historicalcertificate",
            name="recalled_on",
            field=models.DateField(blank=True, null=True, verbose_name="recalled from"),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("recalled_on__isnull", True),
                    ("recalled_on__gte", django.db.models.expressions.F("issued_on")),
                    _connector="OR",
                ),
                name="providers_certificate_not_recalled_before_issue",
            ),
        ),
    ]
