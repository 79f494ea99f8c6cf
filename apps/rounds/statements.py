"""The set-based statements of rounds and their events, one per step, for batches of any size.

Rounds and events of a player are only written under the locks on that player's pots, which the
ledger takes first; the statements here lock nothing of their own.
"""

from typing import LiteralString

EVENT_COLUMNS = (
    "id",
    "provider_id",
    "event_id",
    "fingerprint",
    "final_fingerprint",
    "round_id",
    "player_id",
    "player_ref",
    "game_id",
    "game_code",
    "round_ref",
    "occurred_at",
    "received_at",
    "bet_minor",
    "win_minor",
    "stake_bonus_minor",
    "win_bonus_minor",
    "overdrawn_minor",
    "currency",
    "round_type",
    "balance_before_minor",
    "balance_after_minor",
    "finalized",
    "reference_event_id",
    "promo_campaign",
    "promo_multiplier",
    "status",
    "code",
    "money_state",
    "balance_minor",
    "delivery_id",
    "origin",
    "operation",
    "is_free",
    "jackpot_minor",
)
EVENT_CHANGES = (
    "id",
    "final_fingerprint",
    "round_id",
    "player_id",
    "game_id",
    "occurred_at",
    "received_at",
    "stake_bonus_minor",
    "win_bonus_minor",
    "overdrawn_minor",
    "balance_before_minor",
    "balance_after_minor",
    "finalized",
    "status",
    "code",
    "money_state",
    "balance_minor",
    "delivery_id",
)
ROUND_COLUMNS = (
    "id",
    "provider_id",
    "round_ref",
    "player_id",
    "game_id",
    "currency",
    "state",
    "stake_minor",
    "stake_bonus_minor",
    "win_minor",
    "standing_events",
    "opened_at",
    "settled_at",
)
ROUND_CHANGES = (
    "id",
    "game_id",
    "state",
    "stake_minor",
    "stake_bonus_minor",
    "win_minor",
    "standing_events",
    "opened_at",
    "settled_at",
)

# By the permanent unique key (provider, event); also finds what a rollback refers to. The lateral
# look-ups here and below go through an index once per key, however large the table has grown: for
# a large batch and a plain join the planner may choose to read the whole table. The ``+ 0`` leaves
# it the index of the key alone. While the figures of a young table are wrong, going through all
# events of a provider or all rounds of a player looks as cheap, and a plan that does lives as long
# as the gateway's connection: a sixth of the speed after 15,000 events (measured).
FIND_EVENTS: LiteralString = """
SELECT
    e.id, e.provider_id, e.event_id, e.fingerprint, e.final_fingerprint, e.round_id,
    e.player_id, e.player_ref, e.game_id, e.game_code, e.round_ref, e.occurred_at,
    e.received_at, e.bet_minor, e.win_minor, e.stake_bonus_minor, e.win_bonus_minor,
    e.overdrawn_minor, e.currency, e.round_type, e.balance_before_minor,
    e.balance_after_minor, e.finalized, e.reference_event_id, e.promo_campaign,
    e.promo_multiplier, e.status, e.code, e.money_state, e.balance_minor, e.delivery_id,
    e.origin, e.operation, e.is_free, e.jackpot_minor
FROM unnest(%s::bigint[], %s::text[]) AS k (provider_id, event_id)
CROSS JOIN LATERAL (
    SELECT * FROM rounds_roundevent r
    WHERE r.event_id = k.event_id AND r.provider_id + 0 = k.provider_id LIMIT 1
) e
"""

# A rollback that came before its original left itself behind; the original then moves nothing.
FIND_TOMBSTONES: LiteralString = """
SELECT k.provider_id, k.event_id
FROM unnest(%s::bigint[], %s::text[]) AS k (provider_id, event_id)
WHERE EXISTS (
    SELECT 1 FROM rounds_roundevent r
    WHERE r.provider_id = k.provider_id AND r.reference_event_id = k.event_id
      AND r.reference_event_id <> '' AND r.round_type = 'rollback' AND r.status = 'accepted'
)
"""

# Two look-ups by index, not one condition with OR, which the planner answers by a full scan.
FIND_ROUNDS: LiteralString = """
SELECT
    id, provider_id, round_ref, player_id, game_id, currency, state, stake_minor,
    stake_bonus_minor, win_minor, standing_events, opened_at, settled_at
FROM rounds_round WHERE id = ANY(%s::bigint[])
UNION
SELECT
    d.id, d.provider_id, d.round_ref, d.player_id, d.game_id, d.currency, d.state,
    d.stake_minor, d.stake_bonus_minor, d.win_minor, d.standing_events, d.opened_at,
    d.settled_at
FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS k (provider_id, round_ref, player_id)
CROSS JOIN LATERAL (
    SELECT * FROM rounds_round r
    WHERE r.provider_id = k.provider_id AND r.round_ref = k.round_ref
      AND r.player_id + 0 = k.player_id
    LIMIT 1
) d
"""

_EVENTS: LiteralString = """
SELECT
    id, provider_id, event_id, fingerprint, final_fingerprint, round_id, player_id,
    player_ref, game_id, game_code, round_ref, occurred_at, received_at, bet_minor,
    win_minor, stake_bonus_minor, win_bonus_minor, overdrawn_minor, currency, round_type,
    balance_before_minor, balance_after_minor, finalized, reference_event_id,
    promo_campaign, promo_multiplier, status, code, money_state, balance_minor, delivery_id,
    origin, operation, is_free, jackpot_minor
"""

FIND_HELD_EVENTS: LiteralString = (
    _EVENTS
    + """FROM rounds_roundevent WHERE round_id = ANY(%s) AND money_state = 'held' ORDER BY id
"""
)

# The stakes that stand in rounds, by the index of a round's events.
FIND_STANDING_STAKES: LiteralString = (
    _EVENTS
    + """FROM rounds_roundevent
WHERE round_id = ANY(%s) AND operation = 'stake' AND money_state IN ('held', 'settled')
ORDER BY id
"""
)

# What was staked at once and stands: what is held is read by itself.
FIND_TAKEN_EVENTS: LiteralString = (
    _EVENTS
    + """FROM rounds_roundevent
WHERE round_id = %s AND money_state = 'settled' AND bet_minor > 0
ORDER BY id
"""
)

FIND_CORRECTED: LiteralString = """
SELECT DISTINCT c.provider_id, c.reference_event_id FROM rounds_roundevent c
JOIN unnest(%s::bigint[], %s::text[]) AS k (provider_id, event_id)
    ON c.provider_id = k.provider_id AND c.reference_event_id = k.event_id
WHERE c.reference_event_id <> '' AND c.round_type = 'adjustment' AND c.status = 'accepted'
    AND c.event_id LIKE 'correction@%%'
"""

# Wins that stand against a stake: those that name nothing in its round, or that name it in any.
# Two look-ups by index, like those of rounds above.
FIND_SETTLING_WINS: LiteralString = """
SELECT k.provider_id, k.event_id
FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS k (provider_id, event_id, round_id)
CROSS JOIN LATERAL (
    SELECT 1 FROM rounds_roundevent w
    WHERE w.round_id = k.round_id AND w.operation = 'win' AND w.money_state = 'settled'
      AND w.reference_event_id = ''
    LIMIT 1
) unnamed
UNION
SELECT k.provider_id, k.event_id
FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS k (provider_id, event_id, player_id)
CROSS JOIN LATERAL (
    SELECT 1 FROM rounds_roundevent w
    WHERE w.provider_id = k.provider_id AND w.reference_event_id = k.event_id
      AND w.reference_event_id <> '' AND w.operation = 'win' AND w.money_state = 'settled'
      AND w.player_id + 0 = k.player_id
    LIMIT 1
) named
"""

# What the stakes of rounds took from bonus funds before a moment and was not given back, by the
# index of a round's events.
FIND_BONUS_STAKED_BEFORE: LiteralString = """
SELECT k.round_id, staked.minor
FROM unnest(%s::bigint[], %s::timestamptz[]) AS k (round_id, moment)
CROSS JOIN LATERAL (
    SELECT coalesce(sum(e.stake_bonus_minor), 0)::bigint AS minor FROM rounds_roundevent e
    WHERE e.round_id = k.round_id AND e.occurred_at < k.moment
      AND e.money_state IN ('held', 'settled')
) staked
"""

DRAW_IDS: LiteralString = """
SELECT 'event', nextval('rounds_roundevent_id_seq') FROM generate_series(1, %s)
UNION ALL
SELECT 'round', nextval('rounds_round_id_seq') FROM generate_series(1, %s)
"""

# An event that another process stored a moment ago, under another player's lock, comes back
# missing here; the caller then starts the batch again and finds it.
INSERT_EVENTS: LiteralString = """
INSERT INTO rounds_roundevent (
    id, provider_id, event_id, fingerprint, final_fingerprint, round_id, player_id,
    player_ref, game_id, game_code, round_ref, occurred_at, received_at, bet_minor,
    win_minor, stake_bonus_minor, win_bonus_minor, overdrawn_minor, currency, round_type,
    balance_before_minor, balance_after_minor, finalized, reference_event_id,
    promo_campaign, promo_multiplier, status, code, money_state, balance_minor, delivery_id,
    origin, operation, is_free, jackpot_minor)
SELECT * FROM
    unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[],
    %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[],
    %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::boolean[], %s::text[],
    %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[],
    %s::text[], %s::text[], %s::boolean[], %s::bigint[])
ON CONFLICT (provider_id, event_id) DO NOTHING RETURNING id
"""

UPDATE_EVENTS: LiteralString = """
UPDATE rounds_roundevent e SET
    final_fingerprint = n.final_fingerprint, round_id = n.round_id, player_id = n.player_id,
    game_id = n.game_id, occurred_at = n.occurred_at, received_at = n.received_at,
    stake_bonus_minor = n.stake_bonus_minor, win_bonus_minor = n.win_bonus_minor, overdrawn_minor =
    n.overdrawn_minor, balance_before_minor = n.balance_before_minor, balance_after_minor =
    n.balance_after_minor, finalized = n.finalized, status = n.status, code = n.code,
    money_state = n.money_state, balance_minor = n.balance_minor, delivery_id =
    n.delivery_id
FROM
    unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::timestamptz[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::boolean[], %s::text[], %s::text[], %s::text[],
    %s::bigint[], %s::bigint[])
    AS n (
    id, final_fingerprint, round_id, player_id, game_id, occurred_at, received_at,
    stake_bonus_minor, win_bonus_minor, overdrawn_minor, balance_before_minor,
    balance_after_minor, finalized, status, code, money_state, balance_minor, delivery_id)
WHERE e.id = n.id
"""

INSERT_ROUNDS: LiteralString = """
INSERT INTO rounds_round (
    id, provider_id, round_ref, player_id, game_id, currency, state, stake_minor,
    stake_bonus_minor, win_minor, standing_events, opened_at, settled_at)
SELECT * FROM
    unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::text[],
    %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::integer[], %s::timestamptz[],
    %s::timestamptz[])
"""

UPDATE_ROUNDS: LiteralString = """
UPDATE rounds_round r SET
    game_id = n.game_id, state = n.state, stake_minor = n.stake_minor, stake_bonus_minor =
    n.stake_bonus_minor, win_minor = n.win_minor, standing_events = n.standing_events,
    opened_at = n.opened_at, settled_at = n.settled_at
FROM
    unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::integer[], %s::timestamptz[], %s::timestamptz[])
    AS n (
    id, game_id, state, stake_minor, stake_bonus_minor, win_minor, standing_events,
    opened_at, settled_at)
WHERE r.id = n.id
"""

INSERT_ATTEMPTS: LiteralString = """
INSERT INTO rounds_eventattempt (provider_id, event_id, delivery_id, received_at, status, code)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[], %s::text[],
    %s::text[])
"""

# The same wrong content again only counts. It is of a rehearsal while the event is a test player's,
# which its row tells (written before, in this transaction), and so was whoever sent the content,
# each time: protocols without a player in the message let two send the same. The caller raises an
# alert for what is somebody's work since this statement alone: xmax is zero for a row that it
# inserted, and the row that it reads by its key is the one from before it.
UPSERT_CONFLICTS: LiteralString = """
INSERT INTO rounds_conflict AS c (provider_id, event_id, fingerprint, content, seen_count,
    first_seen_at, last_seen_at, last_delivery_id, is_rehearsed)
SELECT provider_id, event_id, fingerprint, content, count, seen_at, seen_at, delivery_id,
    of_test_player AND EXISTS (
        SELECT 1 FROM rounds_roundevent e JOIN players_player p ON p.id = e.player_id
        WHERE e.event_id = n.event_id AND e.provider_id + 0 = n.provider_id
          AND p.jurisdiction = %s)
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::jsonb[], %s::integer[], %s::timestamptz[],
    %s::bigint[], %s::boolean[])
    AS n (provider_id, event_id, fingerprint, content, count, seen_at, delivery_id,
    of_test_player)
ORDER BY provider_id, event_id, fingerprint
ON CONFLICT (provider_id, event_id, fingerprint) DO UPDATE
SET seen_count = c.seen_count + excluded.seen_count, last_seen_at = excluded.last_seen_at,
    last_delivery_id = excluded.last_delivery_id,
    is_rehearsed = c.is_rehearsed AND excluded.is_rehearsed
RETURNING provider_id, event_id, NOT is_rehearsed AND (
    xmax = 0 OR (SELECT o.is_rehearsed FROM rounds_conflict o WHERE o.id = c.id))
"""

FIND_DRIFT: LiteralString = """
SELECT provider_id, player_id, difference_minor FROM rounds_balancedrift
WHERE provider_id = ANY(%s) AND player_id = ANY(%s)
"""

UPSERT_DRIFT: LiteralString = """
INSERT INTO rounds_balancedrift AS d
    (provider_id, player_id, difference_minor, last_event_id, changed_at)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[])
ON CONFLICT (provider_id, player_id) DO UPDATE
SET difference_minor = excluded.difference_minor, last_event_id = excluded.last_event_id,
    changed_at = excluded.changed_at
"""

INSERT_DELIVERIES: LiteralString = """
INSERT INTO rounds_delivery (provider_id, received_at, message_id, key_id, path, headers, body)
SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[],
    %s::jsonb[], %s::bytea[])
RETURNING id
"""

INSERT_VERDICTS: LiteralString = """
INSERT INTO rounds_deliveryverdict (delivery_id, http_status, results, judged_at)
SELECT * FROM unnest(%s::bigint[], %s::smallint[], %s::jsonb[], %s::timestamptz[])
ON CONFLICT (delivery_id) DO NOTHING
"""

# Read through rounds_round_open, oldest first; rows that a batch is writing are left for the next
# run. What the gateway loaded before this and writes after it stands: it knows more. A win alone,
# such as a promotional one, waits for no message, for nothing was staked that it could settle.
CLOSE_OPEN_ROUNDS: LiteralString = """
WITH due AS (
    SELECT r.id FROM rounds_round r
    WHERE r.state = 'open' AND r.opened_at < %(before)s
      AND NOT EXISTS (
        SELECT 1 FROM rounds_roundevent e WHERE e.round_id = r.id AND e.money_state = 'held')
      AND (r.provider_id = ANY(%(never_closing)s) OR NOT EXISTS (
        SELECT 1 FROM rounds_roundevent e WHERE e.round_id = r.id
          AND e.operation IN ('stake', 'round') AND e.money_state = 'settled'))
    ORDER BY r.opened_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE rounds_round r SET state = 'settled', settled_at = %(now)s FROM due WHERE r.id = due.id
RETURNING r.provider_id
"""

FLAG_STUCK_ROUNDS: LiteralString = """
WITH due AS (
    SELECT r.id FROM rounds_round r
    WHERE r.state = 'open' AND r.opened_at < %(before)s AND (
        EXISTS (
        SELECT 1 FROM rounds_roundevent e WHERE e.round_id = r.id AND e.money_state = 'held')
        OR (NOT r.provider_id = ANY(%(never_closing)s) AND EXISTS (
        SELECT 1 FROM rounds_roundevent e WHERE e.round_id = r.id
          AND e.operation IN ('stake', 'round') AND e.money_state = 'settled')))
    ORDER BY r.opened_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE rounds_round r SET state = 'stuck' FROM due WHERE r.id = due.id RETURNING r.provider_id
"""

# Closed rounds that hold a stake all the same: no message settles them, so people must. They stay
# closed to new stakes. Found from the held events, of which there are only those in play.
FLAG_CLOSED_ROUNDS_THAT_HOLD: LiteralString = """
WITH due AS (
    SELECT r.id FROM rounds_round r
    WHERE r.state = 'settled' AND r.settled_at < %(before)s AND r.id IN (
        SELECT e.round_id FROM rounds_roundevent e WHERE e.money_state = 'held')
    ORDER BY r.id LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE rounds_round r SET state = 'stuck' FROM due WHERE r.id = due.id
RETURNING r.provider_id
"""
