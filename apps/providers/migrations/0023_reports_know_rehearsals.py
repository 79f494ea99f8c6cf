"""A report says whether it is the acceptance kit's; a place it names, whether it is the kit's."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("providers", "0022_one_lab_per_name")]

    operations = [
        migrations.AddField(
            model_name="certificate",
            name="is_rehearsal",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                verbose_name="of the acceptance kit",
            ),
        ),
        migrations.AddField(
            model_name="historicalcertificate",
            name="is_rehearsal",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                verbose_name="of the acceptance kit",
            ),
        ),
        migrations.AddField(
            model_name="certificatejurisdiction",
            name="names_rehearsal",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.ExpressionWrapper(
                    models.Q(("jurisdiction", "ZZ")), output_field=models.BooleanField()
                ),
                output_field=models.BooleanField(),
            ),
        ),
    ]
