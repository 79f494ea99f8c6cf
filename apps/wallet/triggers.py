"""Guard triggers of the ledger alone."""

import pgtrigger


def accounts_hold_its_currency() -> pgtrigger.Trigger:
    """Refuse a transfer unless both its accounts exist and hold its currency.

    Composite foreign keys said the same one row at a time, and took a sixth of the ledger's speed
    (measured); this asks once per statement. Nothing can undo the answer afterwards: transfers
    never change, accounts are never deleted and never change their id or currency.
    """
    return pgtrigger.Trigger(
        name="accounts_hold_its_currency",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]  # it has no annotations
        declare=[("wrong", "text")],
        func="""
            SELECT CASE WHEN d.id IS NULL THEN 'debit' ELSE 'credit' END INTO wrong
            FROM added n
            LEFT JOIN public.wallet_account d
                ON d.id = n.debit_account_id AND d.currency = n.currency
            LEFT JOIN public.wallet_account c
                ON c.id = n.credit_account_id AND c.currency = n.currency
            WHERE d.id IS NULL OR c.id IS NULL
            LIMIT 1;
            IF FOUND THEN
                RAISE foreign_key_violation USING
                    MESSAGE = format(
                        'insert on "wallet_transfer" violates '
                        '"wallet_transfer_%s_account_holds_its_currency"', wrong),
                    TABLE = 'wallet_transfer',
                    CONSTRAINT = format(
                        'wallet_transfer_%s_account_holds_its_currency', wrong);
            END IF;
            RETURN NULL;
        """,
    )


def holds_end_whole() -> pgtrigger.Trigger:
    """Refuse to capture or release another amount than was held, more or less.

    Asked once per statement, of the ends in it alone; each hold is looked up by its key, whatever
    the planner thinks of a young table.
    """
    return pgtrigger.Trigger(
        name="holds_end_whole",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]  # it has no annotations
        func="""
            IF EXISTS (
                SELECT FROM added n
                WHERE n.kind IN ('capture', 'release', 'stake_forfeited')
                    AND n.amount_minor <> (
                        SELECT CASE h.kind WHEN 'hold' THEN h.amount_minor ELSE n.amount_minor END
                        FROM public.wallet_transfer h WHERE h.id = n.reverses_id)
            ) THEN
                RAISE check_violation USING
                    MESSAGE = 'insert on "wallet_transfer" violates '
                        '"wallet_transfer_holds_end_whole"',
                    TABLE = 'wallet_transfer',
                    CONSTRAINT = 'wallet_transfer_holds_end_whole';
            END IF;
            RETURN NULL;
        """,
    )
