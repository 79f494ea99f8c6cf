"""The ledger's set-based statements, one per step, for batches of any size."""

from typing import LiteralString

# A player's cash stands for all the player's pots: who holds it moves them, and nobody else does.
# In id order, so that two batches that share players wait for each other and never deadlock.
LOCK_WALLETS: LiteralString = """
SELECT p.id, p.player_ref, p.jurisdiction, a.currency, a.id, a.balance_minor
FROM wallet_account a JOIN players_player p ON p.id = a.player_id
WHERE {key} = ANY(%s) AND a.pot = 'cash'
ORDER BY a.id
FOR UPDATE OF a
"""

# Statements of their own, after the lock: they see what its holders before us have left, among it
# pots that were opened while we waited.
READ_POTS: LiteralString = """
SELECT player_id, id, pot, balance_minor FROM wallet_account
WHERE player_id = ANY(%s) AND pot <> 'cash'
"""

READ_POTS_NAMED: LiteralString = """
SELECT player_id, id, pot, balance_minor FROM wallet_account
WHERE player_id = ANY(%s) AND pot = ANY(%s)
"""

FIND_HOUSE_ACCOUNTS: LiteralString = """
SELECT house, currency, id FROM wallet_account
WHERE player_id IS NULL AND (house, currency) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""

# Two batches that open the same account at once: the second waits, inserts nothing, finds it.
OPEN_HOUSE_ACCOUNTS: LiteralString = """
INSERT INTO wallet_account (player_id, house, pot, currency, balance_minor)
SELECT NULL, house, '', currency, 0 FROM unnest(%s::text[], %s::text[]) AS new (house, currency)
ORDER BY house, currency
ON CONFLICT DO NOTHING
"""

OPEN_PLAYER_ACCOUNTS: LiteralString = """
INSERT INTO wallet_account (player_id, house, pot, currency, balance_minor)
SELECT player_id, '', pot, currency, 0
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS new (player_id, pot, currency)
ORDER BY player_id, pot
ON CONFLICT DO NOTHING
"""

# Pots of players whose wallets LOCK_WALLETS holds: nobody else can open or move them meanwhile.
FIND_PLAYER_ACCOUNTS: LiteralString = """
SELECT player_id, pot, id FROM wallet_account
WHERE (player_id, pot) IN (SELECT * FROM unnest(%s::bigint[], %s::text[]))
"""

# What events moved, by subject; a house side has no pot. Takes no lock: lines never change.
LINES_OF_SUBJECTS: LiteralString = """
SELECT t.subject, t.idempotency_key, t.kind, d.pot, c.pot, t.amount_minor
FROM wallet_transfer t
JOIN wallet_account d ON d.id = t.debit_account_id
JOIN wallet_account c ON c.id = t.credit_account_id
WHERE t.subject = ANY(%s::text[])
ORDER BY t.id
"""

# What players owe, folded from the lines of their own accounts, which are few. Takes no lock: who
# moves a receivable holds its player's wallet.
OPEN_DEBTS: LiteralString = """
SELECT a.house, (
    (SELECT coalesce(sum(t.amount_minor), 0) FROM wallet_transfer t WHERE t.debit_account_id = a.id)
    - (SELECT coalesce(sum(t.amount_minor), 0) FROM wallet_transfer t
       WHERE t.credit_account_id = a.id))::bigint
FROM wallet_account a
WHERE a.player_id IS NULL
    AND (a.house, a.currency) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""

# What people ended of it, less what rollbacks gave back of each end; settled before written off.
ENDED_DEBTS: LiteralString = """
SELECT e.house, e.idempotency_key, e.subject, e.kind, e.left_minor
FROM (
    SELECT a.house, t.id, t.idempotency_key, t.subject, t.kind, (t.amount_minor - coalesce((
        SELECT sum(r.amount_minor) FROM wallet_transfer r WHERE r.reverses_id = t.id
    ), 0))::bigint AS left_minor
    FROM wallet_account a JOIN wallet_transfer t ON t.credit_account_id = a.id
    WHERE a.player_id IS NULL
        AND (a.house, a.currency) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
        AND t.kind = ANY(%s)
) e
WHERE e.left_minor > 0
ORDER BY e.kind, e.id DESC
"""

# What is captured or released: how much it is, and whether something ended it before.
FIND_HOLDS: LiteralString = """
SELECT h.idempotency_key, h.kind, h.amount_minor,
    EXISTS (SELECT 1 FROM wallet_transfer t WHERE t.reverses_id = h.id AND t.kind = ANY(%s))
FROM wallet_transfer h WHERE h.idempotency_key = ANY(%s)
"""

FIND_TRANSFERS: LiteralString = """
SELECT idempotency_key, id, debit_account_id, credit_account_id, amount_minor, currency, kind,
    subject
FROM wallet_transfer WHERE idempotency_key = ANY(%s)
"""

# A transfer of this very statement can't be found by the look-up; its id is drawn beforehand and
# passed in directly.
INSERT_TRANSFERS: LiteralString = """
INSERT INTO wallet_transfer (id, idempotency_key, batch_id, debit_account_id, credit_account_id,
    amount_minor, currency, kind, subject, reverses_id, occurred_at, created_at, note)
SELECT n.id, n.key, %s, n.debit, n.credit, n.amount, n.currency, n.kind, n.subject,
    coalesce(n.reverses_id, CASE WHEN n.reverses_key <> '' THEN (
        SELECT r.id FROM wallet_transfer r WHERE r.idempotency_key = n.reverses_key) END),
    n.occurred_at, %s, n.note
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[],
    %s::text[], %s::text[], %s::bigint[], %s::text[], %s::timestamptz[], %s::text[])
    AS n (id, key, debit, credit, amount, currency, kind, subject, reverses_id, reverses_key,
          occurred_at, note)
ORDER BY n.id
"""

# What an insert takes anyway, taken before the ids are drawn: sealing waits for whoever holds it,
# so that no id of a sealed run is still to be written.
ANNOUNCE_TRANSFERS: LiteralString = "LOCK TABLE wallet_transfer IN ROW EXCLUSIVE MODE"

DRAW_TRANSFER_IDS: LiteralString = """
SELECT nextval('wallet_transfer_id_seq') FROM generate_series(1, %s)
"""

# Only rows that LOCK_WALLETS holds are named here, so the order of updating can't deadlock.
MOVE_BALANCES: LiteralString = """
UPDATE wallet_account a SET balance_minor = a.balance_minor + d.delta
FROM unnest(%s::bigint[], %s::bigint[]) AS d (id, delta) WHERE a.id = d.id
"""

WAIT_AT_MOST: LiteralString = "SELECT set_config('lock_timeout', %s, TRUE)"

# A share lock waits for every transfer in flight and lets none start for the moment of reading,
# so no row with a lower id can appear afterwards.
# The function is the owner's: a role that may only add rows may not take this lock itself.
LOCK_TRANSFERS: LiteralString = "SELECT wallet_lock_transfers()"

# One seal at a time, for each goes on where the one before it ended.
LOCK_SEALING: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended('wallet.seal', 0))"

LAST_TRANSFER: LiteralString = "SELECT coalesce(max(id), 0) FROM wallet_transfer"

END_OF_RUN: LiteralString = """
SELECT coalesce(max(id), 0)
FROM (SELECT id FROM wallet_transfer WHERE id BETWEEN %s AND %s ORDER BY id LIMIT %s) run
"""

# One canonical text per row, in id order, independent of session settings.
SEALED_ROWS: LiteralString = """
SELECT id || '|' || idempotency_key || '|' || debit_account_id || '|' || credit_account_id || '|' ||
    amount_minor || '|' || currency || '|' || kind || '|' || subject || '|' ||
    coalesce(reverses_id::text, '') || '|' ||
    (extract(epoch FROM occurred_at) * 1000000)::bigint || '|' ||
    (extract(epoch FROM created_at) * 1000000)::bigint || '|' || note
FROM wallet_transfer WHERE id BETWEEN %s AND %s ORDER BY id
"""

BALANCES_OUT_OF_STEP: LiteralString = """
SELECT a.id, a.player_id, a.pot, a.currency, a.balance_minor, coalesce(f.folded, 0)
FROM wallet_account a
LEFT JOIN (
    SELECT account_id, sum(amount)::bigint AS folded FROM (
        SELECT debit_account_id AS account_id, -amount_minor AS amount FROM wallet_transfer
        UNION ALL
        SELECT credit_account_id, amount_minor FROM wallet_transfer
    ) AS entries GROUP BY account_id
) f ON f.account_id = a.id
WHERE a.player_id IS NOT NULL AND a.balance_minor <> coalesce(f.folded, 0)
ORDER BY a.id LIMIT 100
"""

# A house account carries no balance that a constraint could look at, so this is asked of the fold.
RECEIVABLES_BELOW_ZERO: LiteralString = """
SELECT a.house, a.currency, o.open_minor
FROM wallet_account a
CROSS JOIN LATERAL (
    SELECT ((SELECT coalesce(sum(t.amount_minor), 0) FROM wallet_transfer t
             WHERE t.debit_account_id = a.id)
        - (SELECT coalesce(sum(t.amount_minor), 0) FROM wallet_transfer t
           WHERE t.credit_account_id = a.id))::bigint AS open_minor
) o
WHERE a.player_id IS NULL AND starts_with(a.house, %s) AND o.open_minor < 0
ORDER BY a.id LIMIT 100
"""

# Every transfer has one debit and one credit, so the fold over all accounts is zero in each
# currency unless a transfer's account is gone.
SUMS_BY_CURRENCY: LiteralString = """
SELECT t.currency,
    (sum(CASE WHEN c.id IS NULL THEN 0 ELSE t.amount_minor END)
     - sum(CASE WHEN d.id IS NULL THEN 0 ELSE t.amount_minor END))::bigint
FROM wallet_transfer t
LEFT JOIN wallet_account d ON d.id = t.debit_account_id AND d.currency = t.currency
LEFT JOIN wallet_account c ON c.id = t.credit_account_id AND c.currency = t.currency
GROUP BY t.currency ORDER BY t.currency
"""
