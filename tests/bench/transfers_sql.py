"""The baseline of the ledger: double entry by one row-locked SQL function call per transfer.

pgledger's approach, written anew: the function locks both accounts in id order, refuses to
overdraw, moves both balances and their versions, and inserts the transfer and two entries with the
balances before and after. It has no idempotency key, no kind and no subject, which ours pays for.
"""

from typing import LiteralString

SCHEMA: LiteralString = """
CREATE SCHEMA plain_ledger;

CREATE TABLE plain_ledger.account (
    id bigint PRIMARY KEY,
    currency text NOT NULL,
    balance bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    allow_negative boolean NOT NULL DEFAULT false
);

CREATE TABLE plain_ledger.transfer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_account_id bigint NOT NULL REFERENCES plain_ledger.account,
    to_account_id bigint NOT NULL REFERENCES plain_ledger.account,
    amount bigint NOT NULL CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (from_account_id <> to_account_id)
);

CREATE TABLE plain_ledger.entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES plain_ledger.account,
    transfer_id bigint NOT NULL REFERENCES plain_ledger.transfer,
    amount bigint NOT NULL,
    balance_before bigint NOT NULL,
    balance_after bigint NOT NULL,
    account_version bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON plain_ledger.entry (account_id);
CREATE INDEX ON plain_ledger.entry (transfer_id);

CREATE FUNCTION plain_ledger.move(from_id bigint, to_id bigint, moved bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    payer plain_ledger.account;
    payee plain_ledger.account;
    new_id bigint;
BEGIN
    -- In id order, so that two calls over the same pair wait for each other and never deadlock.
    PERFORM 1 FROM plain_ledger.account WHERE id IN (from_id, to_id) ORDER BY id FOR UPDATE;
    UPDATE plain_ledger.account SET balance = balance - moved, version = version + 1
    WHERE id = from_id RETURNING * INTO STRICT payer;
    UPDATE plain_ledger.account SET balance = balance + moved, version = version + 1
    WHERE id = to_id RETURNING * INTO STRICT payee;
    IF payer.balance < 0 AND NOT payer.allow_negative THEN
        RAISE EXCEPTION 'account % would go below zero', from_id;
    END IF;
    IF payer.currency <> payee.currency THEN
        RAISE EXCEPTION 'two currencies';
    END IF;
    INSERT INTO plain_ledger.transfer (from_account_id, to_account_id, amount)
    VALUES (from_id, to_id, moved) RETURNING id INTO new_id;
    INSERT INTO plain_ledger.entry
        (account_id, transfer_id, amount, balance_before, balance_after, account_version)
    VALUES (from_id, new_id, -moved, payer.balance + moved, payer.balance, payer.version),
        (to_id, new_id, moved, payee.balance - moved, payee.balance, payee.version);
    RETURN new_id;
END $$;
"""

FILL: LiteralString = """
INSERT INTO plain_ledger.account (id, currency, balance)
SELECT i, 'AUD', 100000000 FROM generate_series(1, %s) AS i
"""

MOVE: LiteralString = "SELECT plain_ledger.move(%s, %s, %s)"

# What does not add up: a balance against its entries, or entries that are not two per transfer.
OUT_OF_STEP: LiteralString = """
SELECT (SELECT count(*) FROM plain_ledger.account a
        LEFT JOIN (SELECT account_id, sum(amount) AS moved FROM plain_ledger.entry
                   GROUP BY account_id) e ON e.account_id = a.id
        WHERE a.balance <> 100000000 + coalesce(e.moved, 0)),
    (SELECT count(*) FROM plain_ledger.transfer),
    (SELECT count(*) FROM plain_ledger.entry)
"""
