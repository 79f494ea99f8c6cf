"""Who may fetch a player's money back from a provider."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [('wallet', '0017_lines_are_of_a_known_kind')]

    operations = [
        migrations.AlterModelOptions(
            name='gametransfer',
            options={
                'permissions': [
                    ('cash_out_player', "Can fetch a player's money back from a provider"),
                    ('ask_gametransfer', 'Can ask a provider about a transfer again'),
                    ('request_transfer_fate', 'Can ask for a transfer to be decided by two people'),
                    ('approve_transfer_fate', 'Can agree that a transfer is decided by two people'),
                ],
            },
        ),
    ]
