"""What players owe us has a page of its own, and two kinds of line that end it."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('wallet', '0015_holds_end_once')]

    operations = [
        migrations.CreateModel(
            name='ReceivableAccount',
            fields=[
            ],
            options={
                'verbose_name': 'receivable',
                'permissions': [('request_receivable_end', 'Can ask for a receivable to be settled or written off'), ('approve_receivable_end', 'Can agree that a receivable is settled or written off')],
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('wallet.account',),
        ),
        migrations.RemoveConstraint(
            model_name='transfer',
            name='wallet_transfer_kind_is_known',
        ),
        migrations.AlterField(
            model_name='transfer',
            name='kind',
            field=models.CharField(choices=[('opening_balance', 'Opening balance'), ('deposit', 'Deposit'), ('withdrawal', 'Withdrawal'), ('stake', 'Stake'), ('win', 'Win'), ('hold', 'Stake held'), ('capture', 'Held stake captured'), ('release', 'Held stake released'), ('pend', 'Win pending'), ('settle_win', 'Pending win settled'), ('unpend', 'Pending win withdrawn'), ('rollback_stake', 'Stake returned by rollback'), ('rollback_win', 'Win taken back by rollback'), ('overdrawn', 'Shortfall to receivable'), ('bonus_grant', 'Bonus granted'), ('bonus_conversion', 'Bonus released to cash'), ('bonus_forfeit', 'Bonus forfeited'), ('stake_forfeited', 'Returned bonus stake forfeited'), ('receivable_settled', 'Receivable settled from cash'), ('receivable_written_off', 'Receivable written off'), ('correction', 'Correction'), ('sub_fund', 'Sub-wallet funded'), ('sub_cash_out', 'Sub-wallet cashed out'), ('sub_sweep', 'Sub-wallet swept'), ('transfer_in', 'On its way to the provider'), ('transfer_in_done', 'Arrived at the provider'), ('transfer_in_failed', 'Back from the way to the provider'), ('transfer_out', 'On its way from the provider'), ('transfer_out_done', 'Arrived from the provider'), ('transfer_out_failed', 'Back at the provider')], max_length=24),
        ),
        AddConstraintNotValid(
            model_name='transfer',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['opening_balance', 'deposit', 'withdrawal', 'stake', 'win', 'hold', 'capture', 'release', 'pend', 'settle_win', 'unpend', 'rollback_stake', 'rollback_win', 'overdrawn', 'bonus_grant', 'bonus_conversion', 'bonus_forfeit', 'stake_forfeited', 'receivable_settled', 'receivable_written_off', 'correction', 'sub_fund', 'sub_cash_out', 'sub_sweep', 'transfer_in', 'transfer_in_done', 'transfer_in_failed', 'transfer_out', 'transfer_out_done', 'transfer_out_failed'])), name='wallet_transfer_kind_is_known'),
        ),
    ]
