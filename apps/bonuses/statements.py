"""The set-based SQL of the wagering path: one statement per step.

They take plain cursors, so every array parameter is cast: an empty or all-null list says no type.
"""

from typing import Final, LiteralString

# Locks the active grants of the players in primary key order, as every other writer of grants
# does, so that two batches that share players wait for each other instead of deadlocking. The
# rule is not locked: an active rule's terms and weights cannot change (trigger).
LOCK_ACTIVE_GRANTS: Final[LiteralString] = """
SELECT grant_row.id, grant_row.player_id, grant_row.currency, grant_row.remaining_minor,
       grant_row.required_minor, grant_row.rule_id, rule.version, rule.max_bet_minor,
       rule.contribution_cap_minor, grant_row.granted_at, grant_row.expires_at, grant_row.state,
       COALESCE((SELECT jsonb_object_agg(weight.game_code, weight.weight_bp)
                   FROM bonuses_gameweight AS weight
                  WHERE weight.rule_id = rule.id AND weight.game_code <> ''), '{}')::text,
       COALESCE((SELECT jsonb_object_agg(weight.category, weight.weight_bp)
                   FROM bonuses_gameweight AS weight
                  WHERE weight.rule_id = rule.id AND weight.category <> ''), '{}')::text
  FROM bonuses_grant AS grant_row
  JOIN bonuses_bonusrule AS rule ON rule.id = grant_row.rule_id
 WHERE grant_row.player_id = ANY(%s::bigint[])
   AND grant_row.state = 'active'
 ORDER BY grant_row.id
   FOR UPDATE OF grant_row
"""

# What became of the grants of players, oldest first. Takes no lock: an active grant is read again
# under LOCK_ACTIVE_GRANTS, and a closed one cannot change (trigger).
GRANTS_OF_PLAYERS: Final[LiteralString] = """
SELECT player_id, id, granted_at, state
  FROM bonuses_grant WHERE player_id = ANY(%s::bigint[])
 ORDER BY granted_at, id
"""

# Reads receipts of bets that are being rolled back; takes no lock. The grant's own columns are
# only used where the grant is closed, and a closed grant cannot change (trigger).
RECEIPTS_BY_SUBJECT: Final[LiteralString] = """
SELECT receipt.grant_id, receipt.subject, receipt.stake_minor, receipt.weight_bp,
       receipt.cap_minor, receipt.max_bet_minor, receipt.counted_minor,
       receipt.remaining_before_minor, receipt.remaining_after_minor, receipt.rule_version,
       receipt.reason, grant_row.currency, receipt.game_code, receipt.occurred_at,
       receipt.event_pk, receipt.unrecovered_minor, receipt.is_reversal, grant_row.remaining_minor
  FROM bonuses_wageringreceipt AS receipt
  JOIN bonuses_grant AS grant_row ON grant_row.id = receipt.grant_id
 WHERE receipt.subject = ANY(%s::text[])
 ORDER BY receipt.id
"""

# Appends receipts; the unique key on (grant, subject, is_reversal) refuses a second count.
INSERT_RECEIPTS: Final[LiteralString] = """
INSERT INTO bonuses_wageringreceipt
       (grant_id, subject, stake_minor, weight_bp, cap_minor, max_bet_minor, counted_minor,
        remaining_before_minor, remaining_after_minor, rule_version, reason, game_code,
        occurred_at, event_pk, unrecovered_minor, is_reversal, created_at)
SELECT batch.*, %s::timestamptz
  FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::integer[], %s::bigint[], %s::bigint[],
              %s::bigint[], %s::bigint[], %s::bigint[], %s::integer[], %s::text[], %s::text[],
              %s::timestamptz[], %s::bigint[], %s::bigint[], %s::boolean[]) AS batch
"""

# Updates grants this transaction already holds locked (LOCK_ACTIVE_GRANTS), so the order in which
# the rows are visited does not matter.
UPDATE_GRANTS: Final[LiteralString] = """
UPDATE bonuses_grant AS grant_row
   SET remaining_minor = batch.remaining_minor,
       state = batch.state,
       closed_at = CASE WHEN batch.state = 'active' THEN NULL ELSE %s::timestamptz END
  FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS batch (grant_id, remaining_minor, state)
 WHERE grant_row.id = batch.grant_id
"""
