"""Read the accounts that stand against the check that 0011 put in."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [('wallet', '0011_accounts_hold_the_currency')]

    operations = [
        ValidateConstraint(
            model_name='account', name='wallet_account_is_a_player_pot_or_a_house_account'
        ),
    ]
