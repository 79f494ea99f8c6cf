"""Tell builds that an import read from the document from those that somebody named."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("providers", "0035_native_is_pitboss"),
    ]

    operations = [
        migrations.AddField(
            model_name="certifiedbuild",
            name="is_from_document",
            field=models.BooleanField(default=False, verbose_name="read from the document"),
        ),
    ]
