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
# players' wallet locks, so that no round of theirs opens or closes meanwhile.
PLAYERS_IN_PLAY: LiteralString = """
SELECT DISTINCT player_id FROM rounds_round
WHERE state IN ('open', 'stuck') AND provider_id = %s AND player_id = ANY(%s::bigint[])
"""

# Pots set apart for a provider that hold something, in id order, a page at a time; by the partial
# index on such pots.
FILLED_POTS: LiteralString = """
SELECT id, player_id FROM wallet_account
WHERE pot LIKE '%%:%%' AND pot = %s AND balance_minor > 0 AND id > %s
ORDER BY id LIMIT %s
"""

# Each pot set apart for a provider beside the provider's last word on it. Our figure is what the
# pot held at that event: its balance less all that moved in the provider's later time, which is
# how funding, sweeps and reordered deliveries are told from drift. A reversal carries its
# original's time and so counts with it. Locks nothing.
COMPARED_POTS: LiteralString = """
SELECT p.id, p.currency, p.balance_minor - coalesce(later.moved, 0), last.theirs,
    coalesce(last.event_id, ''), last.occurred_at
FROM (
    SELECT id, player_id, currency, balance_minor FROM wallet_account
    WHERE pot LIKE '%%:%%' AND pot = %s AND id > %s ORDER BY id LIMIT %s
) p
LEFT JOIN LATERAL (
    SELECT e.event_id, e.occurred_at, e.balance_after_minor AS theirs
    FROM rounds_roundevent e
    WHERE e.player_id = p.player_id AND e.provider_id = %s AND e.origin = 'callback'
        AND e.status IN ('accepted', 'tentative')
    ORDER BY e.occurred_at DESC, e.id DESC LIMIT 1
) last ON TRUE
LEFT JOIN LATERAL (
    SELECT sum(CASE WHEN t.credit_account_id = p.id THEN t.amount_minor
        ELSE -t.amount_minor END)::bigint AS moved
    FROM wallet_transfer t
    WHERE (t.credit_account_id = p.id OR t.debit_account_id = p.id)
        AND t.occurred_at > last.occurred_at
) later ON TRUE
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
