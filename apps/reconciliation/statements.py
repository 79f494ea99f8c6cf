"""The set-based SQL that keeps breaks: found rows come in by COPY, then one statement per step.

All of it runs in one transaction of the process that holds the day's lock, so no other run writes
these rows meanwhile; admin pages read without waiting.
"""

from typing import Final

CREATE_FOUND: Final = """
DROP TABLE IF EXISTS reconciliation_found, reconciliation_changed;
CREATE TEMP TABLE reconciliation_found (
    event_id text PRIMARY KEY, break_class text, is_player_touched boolean, currency text,
    delta_bet_minor bigint, delta_win_minor bigint, ledger_facts jsonb, statement_facts jsonb
) ON COMMIT DROP
"""

COPY_FOUND: Final = """
COPY reconciliation_found (event_id, break_class, is_player_touched, currency, delta_bet_minor,
    delta_win_minor, ledger_facts, statement_facts) FROM STDIN
"""

# Before the rows move: what is new, what came back, and what is said differently now. The line a
# row stands on is no such difference, or a re-sorted file would change every break.
NOTE_CHANGED: Final = """
CREATE TEMP TABLE reconciliation_changed ON COMMIT DROP AS
SELECT f.event_id,
    CASE WHEN b.id IS NULL THEN 'opened'
         WHEN b.state <> 'open' THEN 'reopened' ELSE 'changed' END AS kind
FROM reconciliation_found f
LEFT JOIN reconciliation_break b
    ON b.provider_id = %(provider)s AND b.day = %(day)s AND b.event_id = f.event_id
WHERE b.id IS NULL OR b.state <> 'open' OR b.break_class <> f.break_class
   OR b.currency <> f.currency OR b.is_player_touched <> f.is_player_touched
   OR b.delta_bet_minor <> f.delta_bet_minor OR b.delta_win_minor <> f.delta_win_minor
   OR b.ledger_facts IS DISTINCT FROM f.ledger_facts
   OR jsonb_path_query_array(b.statement_facts, '$[*].keyvalue() ? (@.key != "line").value')
      IS DISTINCT FROM
      jsonb_path_query_array(f.statement_facts, '$[*].keyvalue() ? (@.key != "line").value')
"""

# The permanent unique key (provider, day, event) makes a repeated run find its breaks again.
KEEP_FOUND: Final = """
INSERT INTO reconciliation_break (provider_id, day, event_id, break_class, state,
    is_player_touched, currency, delta_bet_minor, delta_win_minor, ledger_facts, statement_facts,
    first_run_id, last_run_id, opened_at, closed_at)
SELECT %(provider)s, %(day)s, event_id, break_class, 'open', is_player_touched, currency,
    delta_bet_minor, delta_win_minor, ledger_facts, statement_facts, %(run)s, %(run)s, %(now)s, NULL
FROM reconciliation_found
ON CONFLICT (provider_id, day, event_id) DO UPDATE SET
    break_class = excluded.break_class, state = 'open',
    is_player_touched = excluded.is_player_touched, currency = excluded.currency,
    delta_bet_minor = excluded.delta_bet_minor, delta_win_minor = excluded.delta_win_minor,
    ledger_facts = excluded.ledger_facts, statement_facts = excluded.statement_facts,
    last_run_id = excluded.last_run_id, closed_at = NULL
"""

TRACE_FOUND: Final = """
INSERT INTO reconciliation_breakchange (found_break_id, run_id, kind, break_class, ledger_facts,
    statement_facts, created_at)
SELECT b.id, %(run)s, c.kind, b.break_class, b.ledger_facts, b.statement_facts, %(now)s
FROM reconciliation_changed c
JOIN reconciliation_break b
    ON b.provider_id = %(provider)s AND b.day = %(day)s AND b.event_id = c.event_id
"""

# What was open and isn't found any more has come to agree; it closes with a trace, never vanishes.
CLOSE_MATCHED: Final = """
WITH closed AS (
    UPDATE reconciliation_break b
    SET state = 'matched_later', closed_at = %(now)s, last_run_id = %(run)s
    WHERE b.provider_id = %(provider)s AND b.day = %(day)s AND b.state = 'open'
      AND NOT EXISTS (SELECT 1 FROM reconciliation_found f WHERE f.event_id = b.event_id)
    RETURNING b.id, b.break_class
)
INSERT INTO reconciliation_breakchange (found_break_id, run_id, kind, break_class, created_at)
SELECT id, %(run)s, 'matched_later', break_class, %(now)s FROM closed
"""
