"""A provider may be played from a sub-wallet or from its own wallet; those there stay on hold."""

from django.db import migrations, models

CHOICES = [
    ("hold", "Hold on our ledger"),
    ("sub_wallet", "Sub-wallet per provider"),
    ("transfer", "Transfer to the provider"),
]
KNOWN = "providers_provider_wallet_model_known"


class Migration(migrations.Migration):
    dependencies = [("providers", "0001_initial")]

    operations = [
        *[
            operation
            for model in ("provider", "historicalprovider")
            for operation in (
                migrations.AlterField(
                    model_name=model,
                    name="wallet_model",
                    field=models.CharField(choices=CHOICES, max_length=16),
                ),
                migrations.AddField(
                    model_name=model,
                    name="transfer_url",
                    field=models.URLField(blank=True, default="", verbose_name="wallet transfers"),
                    preserve_default=False,
                ),
            )
        ],
        migrations.RemoveConstraint(model_name="provider", name=KNOWN),
        migrations.AddConstraint(
            model_name="provider",
            constraint=models.CheckConstraint(
                condition=models.Q(wallet_model__in=[value for value, _ in CHOICES]), name=KNOWN
            ),
        ),
    ]
