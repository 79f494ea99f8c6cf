from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("reports", "0002_providerhealth"),
    ]

    operations = [
        migrations.CreateModel(
            name="WalletModelComparison",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
            ],
            options={
                "verbose_name": "wallet model comparison",
                "verbose_name_plural": "wallet models",
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
    ]
