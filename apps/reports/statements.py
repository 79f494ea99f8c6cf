"""What happened to one player, from each table that knows of it; read by index, never counted.

Each statement takes the player, the (moment, id) to go on before, and how many rows to return, and
answers newest first with the same columns: moment, id, what, in minor units how much, currency,
what about it, and whose page tells more.
"""

from typing import Final, LiteralString

# By the index on (player, occurred_at).
ROUND_EVENTS: LiteralString = """
SELECT e.occurred_at, e.id, e.round_type || ' ' || e.status, e.bet_minor, e.win_minor, e.currency,
    e.event_id || CASE e.code WHEN '' THEN '' ELSE ' (' || e.code || ')' END
FROM rounds_roundevent e
WHERE e.player_id = %(player)s AND (e.occurred_at, e.id) < (%(at)s, %(id)s)
ORDER BY e.occurred_at DESC, e.id DESC LIMIT %(most)s
"""

# By the indexes on each account of the player; the money of rounds is told by their events.
MONEY: LiteralString = """
SELECT DISTINCT ON (t.occurred_at, t.id) t.occurred_at, t.id, t.kind,
    t.amount_minor, 0::bigint, t.currency, t.subject || ' ' || t.note
FROM wallet_account a
CROSS JOIN LATERAL (
    (SELECT d.occurred_at, d.id, d.kind, -d.amount_minor AS amount_minor, d.currency, d.subject,
        d.note
     FROM wallet_transfer d
     WHERE d.debit_account_id = a.id AND d.kind <> ALL(%(round_kinds)s)
       AND (d.occurred_at, d.id) < (%(at)s, %(id)s)
     ORDER BY d.occurred_at DESC, d.id DESC LIMIT %(most)s)
    UNION ALL
    (SELECT c.occurred_at, c.id, c.kind, c.amount_minor, c.currency, c.subject, c.note
     FROM wallet_transfer c
     WHERE c.credit_account_id = a.id AND c.kind <> ALL(%(round_kinds)s)
       AND (c.occurred_at, c.id) < (%(at)s, %(id)s)
     ORDER BY c.occurred_at DESC, c.id DESC LIMIT %(most)s)
) t
WHERE a.player_id = %(player)s
ORDER BY t.occurred_at DESC, t.id DESC, t.amount_minor DESC LIMIT %(most)s
"""

SESSIONS: LiteralString = """
SELECT s.opened_at, s.id, 'opened', NULL::bigint, NULL::bigint, s.currency,
    g.game_code || CASE WHEN s.ended_at IS NULL THEN '' ELSE ', ended: ' || s.end_reason END
FROM play_gamesession s JOIN providers_game g ON g.id = s.game_id
WHERE s.player_id = %(player)s AND (s.opened_at, s.id) < (%(at)s, %(id)s)
ORDER BY s.opened_at DESC, s.id DESC LIMIT %(most)s
"""

LIMITS: LiteralString = """
SELECT l.effective_from, l.id, l.kind, l.amount_minor, NULL::bigint, p.currency,
    CASE WHEN l.minutes IS NULL THEN '' ELSE l.minutes || ' minutes' END
    || coalesce(' until ' || to_char(l.effective_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
        || ' UTC', '')
FROM players_limit l JOIN players_player p ON p.id = l.player_id
WHERE l.player_id = %(player)s AND (l.effective_from, l.id) < (%(at)s, %(id)s)
ORDER BY l.effective_from DESC, l.id DESC LIMIT %(most)s
"""

EXCLUSIONS: LiteralString = """
SELECT x.starts_at, x.id, x.kind, NULL::bigint, NULL::bigint, '',
    CASE WHEN x.ends_at IS NULL THEN 'without an end'
    ELSE 'until ' || to_char(x.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC' END
FROM players_exclusion x
WHERE x.player_id = %(player)s AND (x.starts_at, x.id) < (%(at)s, %(id)s)
ORDER BY x.starts_at DESC, x.id DESC LIMIT %(most)s
"""

CASES: LiteralString = """
SELECT c.received_at, c.id, c.state, NULL::bigint, NULL::bigint, c.currency,
    c.number || ' ' || c.case_type
FROM disputes_case c
WHERE c.player_id = %(player)s AND (c.received_at, c.id) < (%(at)s, %(id)s)
ORDER BY c.received_at DESC, c.id DESC LIMIT %(most)s
"""

# By the index on (player, opened_at).
NEWEST_SESSIONS: LiteralString = """
SELECT s.id, p.code, g.game_code, s.opened_at, s.stakes_until, s.ended_at, s.end_reason
FROM play_gamesession s
JOIN providers_provider p ON p.id = s.provider_id
JOIN providers_game g ON g.id = s.game_id
WHERE s.player_id = %s ORDER BY s.opened_at DESC LIMIT %s
"""

ROUND_KINDS: Final = [
    "stake",
    "win",
    "hold",
    "capture",
    "release",
    "pend",
    "settle_win",
    "unpend",
    "rollback_stake",
    "rollback_win",
    "overdrawn",
]
