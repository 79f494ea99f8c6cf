"""No pot holds more than the largest balance. Read against the pots that stand by the next one."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('wallet', '0012_pots_are_of_a_known_kind')]

    operations = [
        AddConstraintNotValid(
            model_name='account',
            constraint=models.CheckConstraint(
                condition=models.Q(('balance_minor__lte', 1000000000000000000)),
                name='wallet_account_balance_not_above_the_largest',
            ),
        ),
    ]
