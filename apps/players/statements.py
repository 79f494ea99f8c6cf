"""The set-based statements of player protection, for batches of any size."""

from typing import LiteralString

# Everything that protects the players of a batch in one go: a row per player who is not simply
# active or who plays where stakes are capped, per exclusion that is not over, and per limit that
# is not over; no stake can pass the time between reality checks. For most players there is no row
# at all. Read after the wallets are locked.
LOAD_PROTECTION: LiteralString = """
SELECT 'player', id, status, jurisdiction, currency, date_of_birth, NULL::bigint,
    NULL::timestamptz, NULL::timestamptz
FROM players_player
WHERE id = ANY(%s)
  AND (status <> 'active' OR split_part(jurisdiction, '-', 1) = ANY(%s))
UNION ALL
SELECT 'exclusion', e.player_id, e.kind, '', '', NULL, NULL, e.starts_at,
    CASE WHEN e.ending = 'lapses' THEN e.ends_at ELSE x.effective_at END
FROM players_exclusion e LEFT JOIN players_exclusionend x ON x.exclusion_id = e.id
WHERE e.player_id = ANY(%s)
  AND coalesce(CASE WHEN e.ending = 'lapses' THEN e.ends_at ELSE x.effective_at END > %s, true)
UNION ALL
SELECT 'limit', player_id, kind, '', '', NULL, coalesce(amount_minor, minutes), effective_from,
    effective_until
FROM players_limit
WHERE player_id = ANY(%s) AND cancelled_at IS NULL
  AND (effective_until IS NULL OR effective_until > %s) AND kind <> 'reality_check'
"""

# Only for players with limits: one row each, adding up hours by the primary key. The hours with
# play come along for those with a time limit.
LOAD_TALLIES: LiteralString = """
SELECT player_id,
    coalesce(sum(staked_minor) FILTER (WHERE hour > %s), 0)::bigint,
    coalesce(sum(won_minor) FILTER (WHERE hour > %s), 0)::bigint,
    coalesce(sum(deposited_minor) FILTER (WHERE hour > %s), 0)::bigint,
    coalesce(sum(staked_minor) FILTER (WHERE hour > %s), 0)::bigint,
    coalesce(sum(won_minor) FILTER (WHERE hour > %s), 0)::bigint,
    coalesce(sum(deposited_minor) FILTER (WHERE hour > %s), 0)::bigint,
    coalesce(sum(staked_minor), 0)::bigint,
    coalesce(sum(won_minor), 0)::bigint,
    coalesce(sum(deposited_minor), 0)::bigint,
    coalesce(array_agg(hour) FILTER (WHERE slots <> 0 AND player_id = ANY(%s)), '{}'),
    coalesce(array_agg(slots) FILTER (WHERE slots <> 0 AND player_id = ANY(%s)), '{}')
FROM players_hourtally
WHERE player_id = ANY(%s) AND hour > %s
GROUP BY player_id
"""

# Under the wallet locks of these players, in key order all the same. What was added first, what
# was taken back after it: the row stands then, and each part can be checked by the table.
ADD_TO_TALLIES: LiteralString = """
INSERT INTO players_hourtally AS t
    (player_id, hour, staked_minor, won_minor, deposited_minor, slots, checks)
SELECT player_id, hour, greatest(staked, 0), greatest(won, 0), greatest(deposited, 0), slots, checks
FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[], %s::int[],
    %s::bigint[]) AS n (player_id, hour, staked, won, deposited, slots, checks)
ORDER BY player_id, hour
ON CONFLICT (player_id, hour) DO UPDATE SET
    staked_minor = t.staked_minor + excluded.staked_minor,
    won_minor = t.won_minor + excluded.won_minor,
    deposited_minor = t.deposited_minor + excluded.deposited_minor,
    slots = t.slots | excluded.slots,
    checks = t.checks + excluded.checks
"""

# An hour never falls below zero: money that goes back is not refused because our count is younger
# than the bet it belonged to.
TAKE_FROM_TALLIES: LiteralString = """
UPDATE players_hourtally t SET
    staked_minor = greatest(t.staked_minor + least(n.staked, 0), 0),
    won_minor = greatest(t.won_minor + least(n.won, 0), 0),
    deposited_minor = greatest(t.deposited_minor + least(n.deposited, 0), 0)
FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[])
    AS n (player_id, hour, staked, won, deposited)
WHERE t.player_id = n.player_id AND t.hour = n.hour
"""

COUNT_REFUSALS: LiteralString = """
INSERT INTO players_refusaltally AS t (player_id, hour, code, refused)
SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::bigint[])
    AS n (player_id, hour, code, refused)
ORDER BY player_id, hour, code
ON CONFLICT (player_id, hour, code) DO UPDATE SET refused = t.refused + excluded.refused
"""
