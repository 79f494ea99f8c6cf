"""One look per statement, not two foreign keys per row, sees that accounts hold a currency.

The keys held until now, so that every transfer that stands has been looked at.
"""

import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


DROP_KEYS = """
ALTER TABLE wallet_transfer
    DROP CONSTRAINT wallet_transfer_debit_account_holds_its_currency,
    DROP CONSTRAINT wallet_transfer_credit_account_holds_its_currency
"""
ADD_KEYS = """
ALTER TABLE wallet_transfer
    ADD CONSTRAINT wallet_transfer_debit_account_holds_its_currency
    FOREIGN KEY (debit_account_id, currency) REFERENCES wallet_account (id, currency),
    ADD CONSTRAINT wallet_transfer_credit_account_holds_its_currency
    FOREIGN KEY (credit_account_id, currency) REFERENCES wallet_account (id, currency)
"""
SET_ALWAYS = """
ALTER TABLE wallet_transfer
    ENABLE ALWAYS TRIGGER pgtrigger_accounts_hold_its_currency_115b0;
ALTER TABLE wallet_account
    ENABLE ALWAYS TRIGGER pgtrigger_owner_never_changes_81745
"""


class Migration(migrations.Migration):

    dependencies = [
        ('players', '0007_moves_made_before'),
        ('wallet', '0010_chains_walked'),
    ]

    operations = [
        migrations.RunSQL(DROP_KEYS, ADD_KEYS),
        migrations.RemoveConstraint(
            model_name='account',
            name='wallet_account_id_with_currency',
        ),
        migrations.RemoveConstraint(
            model_name='account',
            name='wallet_account_is_a_player_pot_or_a_house_account',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='account',
            name='owner_never_changes',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='account',
            trigger=pgtrigger.compiler.Trigger(name='owner_never_changes', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."house" IS DISTINCT FROM (NEW."house") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."player_id" IS DISTINCT FROM (NEW."player_id") OR OLD."pot" IS DISTINCT FROM (NEW."pot"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='d1ef2885b8b4156813e794d5a4d606cbef8e1f18', operation='UPDATE', pgid='pgtrigger_owner_never_changes_81745', table='wallet_account', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='transfer',
            trigger=pgtrigger.compiler.Trigger(name='accounts_hold_its_currency', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE wrong text;', func='\n            SELECT CASE WHEN d.id IS NULL THEN \'debit\' ELSE \'credit\' END INTO wrong\n            FROM added n\n            LEFT JOIN public.wallet_account d\n                ON d.id = n.debit_account_id AND d.currency = n.currency\n            LEFT JOIN public.wallet_account c\n                ON c.id = n.credit_account_id AND c.currency = n.currency\n            WHERE d.id IS NULL OR c.id IS NULL\n            LIMIT 1;\n            IF FOUND THEN\n                RAISE foreign_key_violation USING\n                    MESSAGE = format(\n                        \'insert on "wallet_transfer" violates \'\n                        \'"wallet_transfer_%s_account_holds_its_currency"\', wrong),\n                    TABLE = \'wallet_transfer\',\n                    CONSTRAINT = format(\n                        \'wallet_transfer_%s_account_holds_its_currency\', wrong);\n            END IF;\n            RETURN NULL;\n        ', hash='12b2d55b2b7026f3c88f3f26384d533bb254062c', level='STATEMENT', operation='INSERT', pgid='pgtrigger_accounts_hold_its_currency_115b0', referencing='REFERENCING NEW TABLE AS added ', table='wallet_transfer', when='AFTER')),
        ),
        migrations.RunSQL(SET_ALWAYS, migrations.RunSQL.noop),
        # Read against the accounts that stand by the next migration, which keeps nobody out.
        AddConstraintNotValid(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('house', ''), ('player__isnull', False), ('pot__in', ['cash', 'bonus', 'held', 'pending'])), models.Q(('player__isnull', True), ('pot', ''), models.Q(('house', ''), _negated=True)), models.Q(('house', ''), ('player__isnull', False), ('pot__regex', '^(sub|transferred):[-a-zA-Z0-9_]{1,32}$')), _connector='OR'), name='wallet_account_is_a_player_pot_or_a_house_account'),
        ),
    ]
