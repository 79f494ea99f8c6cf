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
