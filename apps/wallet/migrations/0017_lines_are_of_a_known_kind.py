"""Read the lines that stand against the check that 0016 put in."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [('wallet', '0016_receivables')]

    operations = [
        ValidateConstraint(model_name='transfer', name='wallet_transfer_kind_is_known'),
    ]
