"""Read the pots that stand against the check that 0013 put in."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [('wallet', '0013_largest_balance')]

    operations = [
        ValidateConstraint(
            model_name='account', name='wallet_account_balance_not_above_the_largest'
        ),
    ]
