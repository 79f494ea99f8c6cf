"""A pot may be set apart for one provider; the pots that stand keep what they hold."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('wallet', '0001_initial')]

    operations = [
        migrations.AlterModelOptions(
            name='account',
            options={'permissions': [('request_play_model', 'Can ask for another wallet model of a provider'), ('approve_play_model', 'Can agree to another wallet model of a provider')]},
        ),
        migrations.RemoveConstraint(
            model_name='account',
            name='wallet_account_is_a_player_pot_or_a_house_account',
        ),
        migrations.RemoveConstraint(
            model_name='transfer',
            name='wallet_transfer_kind_is_known',
        ),
        # PostgreSQL alters no column that a trigger's condition names.
        pgtrigger.migrations.RemoveTrigger(
            model_name='account',
            name='owner_never_changes',
        ),
        migrations.AlterField(
            model_name='account',
            name='pot',
            field=models.CharField(blank=True, max_length=48),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='account',
            trigger=pgtrigger.compiler.Trigger(name='owner_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."house" IS DISTINCT FROM (NEW."house") OR OLD."player_id" IS DISTINCT FROM (NEW."player_id") OR OLD."pot" IS DISTINCT FROM (NEW."pot"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='3206b8f6724458caa4ca4b57f2e3ef0e9cebf49d', operation='UPDATE', pgid='pgtrigger_owner_never_changes_81745', table='wallet_account', when='BEFORE')),
        ),
        migrations.AlterField(
            model_name='transfer',
            name='kind',
            field=models.CharField(choices=[('opening_balance', 'Opening balance'), ('deposit', 'Deposit'), ('stake', 'Stake'), ('win', 'Win'), ('hold', 'Stake held'), ('capture', 'Held stake captured'), ('release', 'Held stake released'), ('pend', 'Win pending'), ('settle_win', 'Pending win settled'), ('unpend', 'Pending win withdrawn'), ('rollback_stake', 'Stake returned by rollback'), ('rollback_win', 'Win taken back by rollback'), ('overdrawn', 'Shortfall to receivable'), ('bonus_grant', 'Bonus granted'), ('bonus_conversion', 'Bonus released to cash'), ('bonus_forfeit', 'Bonus forfeited'), ('stake_forfeited', 'Returned bonus stake forfeited'), ('correction', 'Correction'), ('sub_fund', 'Sub-wallet funded'), ('sub_cash_out', 'Sub-wallet cashed out'), ('sub_sweep', 'Sub-wallet swept'), ('transfer_in', 'On its way to the provider'), ('transfer_in_done', 'Arrived at the provider'), ('transfer_in_failed', 'Back from the way to the provider'), ('transfer_out', 'On its way from the provider'), ('transfer_out_done', 'Arrived from the provider'), ('transfer_out_failed', 'Back at the provider')], max_length=24),
        ),
        AddConstraintNotValid(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('house', ''), ('player__isnull', False), ('pot__regex', '^(cash|bonus|held|pending|(sub|transferred):[-a-zA-Z0-9_]{1,32})$')), models.Q(('player__isnull', True), ('pot', ''), models.Q(('house', ''), _negated=True)), _connector='OR'), name='wallet_account_is_a_player_pot_or_a_house_account'),
        ),
        ValidateConstraint(model_name='account', name='wallet_account_is_a_player_pot_or_a_house_account'),
        AddConstraintNotValid(
            model_name='transfer',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['opening_balance', 'deposit', 'stake', 'win', 'hold', 'capture', 'release', 'pend', 'settle_win', 'unpend', 'rollback_stake', 'rollback_win', 'overdrawn', 'bonus_grant', 'bonus_conversion', 'bonus_forfeit', 'stake_forfeited', 'correction', 'sub_fund', 'sub_cash_out', 'sub_sweep', 'transfer_in', 'transfer_in_done', 'transfer_in_failed', 'transfer_out', 'transfer_out_done', 'transfer_out_failed'])), name='wallet_transfer_kind_is_known'),
        ),
        ValidateConstraint(model_name='transfer', name='wallet_transfer_kind_is_known'),
    ]
