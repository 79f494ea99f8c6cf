from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Sweeps and audits find the pots of one provider without reading everybody's."""

    atomic = False

    dependencies = [("wallet", "0004_guards_always")]

    operations = [
        AddIndexConcurrently(
            model_name="account",
            index=models.Index(
                condition=models.Q(pot__contains=":"),
                fields=["pot", "id"],
                name="wallet_account_set_apart",
            ),
        )
    ]
