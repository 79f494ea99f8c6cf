"""The gateway's own set-based statement."""

from typing import LiteralString

# Sorted so that two processes that count the same refusals take the rows in one order.
COUNT_REFUSALS: LiteralString = """
INSERT INTO gateway_rejection AS r (provider_id, code, day, count, last_event_id, last_detail,
    first_seen_at, last_seen_at)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::bigint[], %s::text[], %s::text[],
    %s::timestamptz[], %s::timestamptz[])
    AS n (provider_id, code, day, count, last_event_id, last_detail, first_seen_at, last_seen_at)
ORDER BY provider_id, code, day
ON CONFLICT (provider_id, code, day) DO UPDATE
SET count = r.count + excluded.count, last_event_id = excluded.last_event_id,
    last_detail = excluded.last_detail, last_seen_at = excluded.last_seen_at
"""

# Held stakes and pending wins are those of events whose money state is held, and of no others.
HOLDS_OUT_OF_STEP: LiteralString = """
SELECT a.player_id, a.pot, a.balance_minor, coalesce(e.explained, 0)
FROM wallet_account a
LEFT JOIN (
    SELECT player_id, 'held' AS pot, sum(bet_minor)::bigint AS explained
    FROM rounds_roundevent WHERE money_state = 'held' GROUP BY player_id
    UNION ALL
    SELECT player_id, 'pending', sum(win_minor)::bigint
    FROM rounds_roundevent WHERE money_state = 'held' GROUP BY player_id
) e ON e.player_id = a.player_id AND e.pot = a.pot
WHERE a.pot IN ('held', 'pending') AND a.balance_minor <> coalesce(e.explained, 0)
ORDER BY a.player_id, a.pot LIMIT 100
"""

# Players of the list who have a round at the provider that nothing has closed. Asked under the
# players' wallet locks, so that no round of theirs opens or closes meanwhile. Where no message ever
# closes one, an open round counts that something came of since a moment.
PLAYERS_IN_PLAY: LiteralString = """
SELECT DISTINCT r.player_id FROM rounds_round r
WHERE r.state IN ('open', 'stuck') AND r.provider_id = %s AND r.player_id = ANY(%s::bigint[])
  AND (r.state = 'stuck' OR %s::timestamptz IS NULL OR EXISTS (
      SELECT 1 FROM rounds_roundevent e
      WHERE e.round_id = r.id AND e.received_at > %s::timestamptz))
"""

# Pots set apart for a provider that hold something, in id order, a page at a time; by the partial
# index on such pots.
FILLED_POTS: LiteralString = """
SELECT id, player_id FROM wallet_account
WHERE pot LIKE '%%:%%' AND pot = %s AND balance_minor > 0 AND id > %s
ORDER BY id LIMIT %s
"""

# For each pot set apart for a provider the chain of the provider's words on it: every balance it
# stated since a moment, and the last one before, in event order. Our figure at a word is what the
# pot held right after that event: its balance less all that moved later in the provider's time.
# A line of an event stands where the event stands, one that takes an event back where its rollback
# stands, and money filled in or swept at its own time, before an event of the same moment.
# A pot differs first where theirs less ours is not what it was at the word before. What differed
# before the window already comes only where nothing in it does. A break that was there when an
# audit named an earlier one of its pot is part of that finding. Locks nothing.
WALKED_CHAINS: LiteralString = """
WITH pots AS MATERIALIZED (
    SELECT id, player_id, currency, balance_minor FROM wallet_account
    WHERE pot LIKE '%%:%%' AND pot = %(pot)s AND id > %(after)s ORDER BY id LIMIT %(limit)s
), words AS MATERIALIZED (
    SELECT p.id AS account_id, p.player_id, e.id AS seq, e.event_id, e.occurred_at AS at,
        e.received_at, e.balance_after_minor AS theirs,
        min(e.occurred_at) OVER (PARTITION BY p.id) AS start
    FROM pots p CROSS JOIN LATERAL (
        (SELECT id, event_id, occurred_at, received_at, balance_after_minor
         FROM rounds_roundevent
         WHERE player_id = p.player_id AND provider_id = %(provider_id)s AND origin = 'callback'
            AND status IN ('accepted', 'tentative') AND balance_after_minor IS NOT NULL
            AND occurred_at < %(since)s
         ORDER BY occurred_at DESC, id DESC LIMIT 1)
        UNION ALL
        (SELECT id, event_id, occurred_at, received_at, balance_after_minor
         FROM rounds_roundevent
         WHERE player_id = p.player_id AND provider_id = %(provider_id)s AND origin = 'callback'
            AND status IN ('accepted', 'tentative') AND balance_after_minor IS NOT NULL
            AND occurred_at >= %(since)s)
    ) e
), chains AS (SELECT DISTINCT account_id, player_id, start FROM words),
undone AS MATERIALIZED (
    SELECT DISTINCT ON (t.id) c.account_id, t.id, r.occurred_at AS at, r.id AS seq
    FROM chains c
    JOIN rounds_roundevent r ON r.player_id = c.player_id AND r.provider_id = %(provider_id)s
        AND r.occurred_at >= c.start AND r.round_type = 'rollback' AND r.status = 'accepted'
    JOIN wallet_transfer t ON t.subject = %(code)s || ':' || r.reference_event_id
        AND t.reverses_id IS NOT NULL
        AND (t.credit_account_id = c.account_id OR t.debit_account_id = c.account_id)
    ORDER BY t.id, r.id
), lines AS (
    SELECT u.account_id, u.at, u.seq, t.credit_account_id, t.amount_minor
    FROM undone u JOIN wallet_transfer t ON t.id = u.id
    UNION ALL
    SELECT c.account_id, t.occurred_at, coalesce(own.id, 0), t.credit_account_id, t.amount_minor
    FROM chains c
    JOIN wallet_transfer t
        ON (t.credit_account_id = c.account_id OR t.debit_account_id = c.account_id)
        AND t.occurred_at >= c.start
    LEFT JOIN rounds_roundevent own ON own.provider_id = %(provider_id)s
        AND t.subject = %(code)s || ':' || own.event_id
        AND own.event_id = substr(t.subject, length(%(code)s) + 2)
    WHERE t.reverses_id IS NULL OR NOT EXISTS (
        SELECT 1 FROM rounds_roundevent r
        WHERE r.provider_id = %(provider_id)s AND r.round_type = 'rollback'
            AND r.status = 'accepted' AND r.reference_event_id <> ''
            AND r.reference_event_id = substr(t.subject, length(%(code)s) + 2))
), walk AS (
    SELECT account_id, at, seq, 1 AS is_word, event_id, received_at, theirs, 0 AS moved FROM words
    UNION ALL
    SELECT account_id, at, seq, 0, '', NULL, NULL,
        CASE WHEN credit_account_id = account_id THEN amount_minor ELSE -amount_minor END
    FROM lines
), told AS (
    SELECT w.*, p.balance_minor - sum(w.moved) OVER (
        PARTITION BY w.account_id ORDER BY w.at DESC, w.seq DESC, w.is_word DESC
        ROWS UNBOUNDED PRECEDING) AS ours
    FROM walk w JOIN pots p ON p.id = w.account_id
), steps AS (
    SELECT account_id, at, seq, event_id, received_at, theirs, ours, at < %(since)s AS is_carried,
        lag(event_id) OVER chain AS event_before, lag(theirs) OVER chain AS theirs_before,
        lag(ours) OVER chain AS ours_before
    FROM told WHERE is_word = 1
    WINDOW chain AS (PARTITION BY account_id ORDER BY at, seq)
), first_off AS (
    SELECT DISTINCT ON (account_id) * FROM steps s
    WHERE theirs <> ours AND theirs - ours <> coalesce(theirs_before - ours_before, 0)
        AND NOT EXISTS (
            SELECT 1 FROM wallet_auditfinding f JOIN wallet_walletaudit a ON a.id = f.audit_id
            WHERE f.account_id = s.account_id AND f.event_at <= s.at
                AND a.audited_at >= s.received_at)
    ORDER BY account_id, is_carried, at, seq
), counted AS (SELECT account_id, count(*) AS words FROM words GROUP BY account_id)
SELECT p.id, p.currency, coalesce(n.words, 0), f.ours::bigint, f.theirs,
    coalesce(f.event_id, ''), f.at, coalesce(f.is_carried, FALSE), coalesce(f.event_before, ''),
    f.theirs_before, (f.ours - f.ours_before)::bigint
FROM pots p
LEFT JOIN counted n ON n.account_id = p.id
LEFT JOIN first_off f ON f.account_id = p.id
ORDER BY p.id
"""

# Money of players that is in play at a provider, by what holds it. Locks nothing.
EXPOSURE: LiteralString = """
SELECT split_part(pot, ':', 2) AS provider, split_part(pot, ':', 1) AS held_in, currency,
    sum(balance_minor)::bigint, count(*)
FROM wallet_account
WHERE pot LIKE '%:%' AND balance_minor > 0
GROUP BY 1, 2, 3
UNION ALL
SELECT p.code, 'held', e.currency, sum(e.bet_minor)::bigint, count(*)
FROM rounds_roundevent e JOIN providers_provider p ON p.id = e.provider_id
WHERE e.money_state = 'held' GROUP BY 1, 2, 3
UNION ALL
SELECT p.code, 'pending', e.currency, sum(e.win_minor)::bigint, count(*)
FROM rounds_roundevent e JOIN providers_provider p ON p.id = e.provider_id
WHERE e.money_state = 'held' AND e.win_minor > 0 GROUP BY 1, 2, 3
UNION ALL
SELECT provider_code, 'in_transit', currency, sum(amount_minor)::bigint, count(*)
FROM wallet_gametransfer WHERE decided_at IS NULL GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
"""

# What is on its way to and from providers' wallets stands on one house account per provider, and
# is explained by the transfers that nobody has decided yet.
TRANSIT_OUT_OF_STEP: LiteralString = """
SELECT provider, currency, coalesce(folded, 0), coalesce(explained, 0)
FROM (
    SELECT split_part(a.house, ':', 2) AS provider, a.currency,
        coalesce((SELECT sum(amount_minor) FROM wallet_transfer
                  WHERE credit_account_id = a.id), 0)
        - coalesce((SELECT sum(amount_minor) FROM wallet_transfer
                    WHERE debit_account_id = a.id), 0) AS folded
    FROM wallet_account a WHERE a.player_id IS NULL AND a.house LIKE 'in_transit:%'
) h
FULL JOIN (
    SELECT provider_code AS provider, currency, sum(amount_minor) AS explained
    FROM wallet_gametransfer WHERE decided_at IS NULL GROUP BY 1, 2
) g USING (provider, currency)
WHERE coalesce(folded, 0) <> coalesce(explained, 0)
ORDER BY provider, currency LIMIT 100
"""
