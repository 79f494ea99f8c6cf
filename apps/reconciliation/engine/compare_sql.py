"""The SQL that sets a statement against the ledger, event by event. One statement per step.

The join yields only what differs, so the common case (all but a few events agree) never leaves
DuckDB. Repeats of an event are found by counting: each ledger event is there once, so more joined
statement rows than joined ledger events means repeats, and only then is the statement grouped.
"""

from typing import Final

from apps.reconciliation.enums import BreakClass

_STATED: Final = (
    "SELECT event_id, player_ref, currency, bet_minor, win_minor, status, occurred_at, round_ref,"
    " game_code, line FROM read_parquet([{files}])"
)

STATEMENT: Final = f"CREATE TEMP VIEW statement AS {_STATED}"
LEDGER: Final = """
CREATE TEMP VIEW ledger AS
SELECT event_id, player_ref, currency, bet_minor, win_minor, status, occurred_at
FROM read_parquet([{files}])
"""
BORROWED: Final = (
    f"CREATE TEMP TABLE borrowed AS {_STATED}"  # noqa: S608 - built from constants only
    " WHERE event_id IN (SELECT event_id FROM differences WHERE NOT is_stated)"
)
STATEMENT_WITH_BORROWED: Final = (
    f"CREATE OR REPLACE TEMP VIEW statement AS {_STATED} UNION ALL SELECT * FROM borrowed"  # noqa: S608 - built from constants only
)

_VOID: Final = "rolled_back"

DIFFERENCES: Final = """
CREATE TEMP TABLE differences AS
SELECT coalesce(s.event_id, l.event_id) AS event_id,
       s.event_id IS NOT NULL AS is_stated, l.event_id IS NOT NULL AS is_booked,
       s.player_ref AS s_player, s.currency AS s_currency, s.bet_minor AS s_bet,
       s.win_minor AS s_win, s.status AS s_status,
       l.player_ref AS l_player, l.currency AS l_currency, l.bet_minor AS l_bet,
       l.win_minor AS l_win, l.status AS l_status, l.occurred_at AS l_at
FROM statement s FULL JOIN ledger l ON s.event_id = l.event_id
WHERE s.bet_minor IS DISTINCT FROM l.bet_minor OR s.win_minor IS DISTINCT FROM l.win_minor
   OR s.player_ref IS DISTINCT FROM l.player_ref OR s.currency IS DISTINCT FROM l.currency
   OR s.status IS DISTINCT FROM l.status OR s.event_id IS NULL OR l.event_id IS NULL
"""

COUNTS: Final = """
SELECT (SELECT count(*) FROM statement), (SELECT count(*) FROM ledger),
       count(*) FILTER (NOT is_booked), count(*) FILTER (NOT is_stated),
       count(DISTINCT event_id) FILTER (NOT is_booked)
FROM differences
"""

# Grouped and looked up by hash, eight bytes a row instead of the id; the ids themselves decide
# afterwards, on the few rows that are left.
WANTED_REPEATS: Final = """
INSERT INTO wanted SELECT hash(event_id) AS h FROM statement GROUP BY h HAVING count(*) > 1
"""
WANTED: Final = """
CREATE TEMP TABLE wanted AS SELECT DISTINCT hash(event_id) AS h FROM differences WHERE is_stated
"""

STATED: Final = """
CREATE TEMP TABLE stated AS
SELECT * FROM statement WHERE hash(event_id) IN (SELECT h FROM wanted)
"""

REPEATED: Final = """
CREATE TEMP TABLE repeated AS SELECT event_id FROM stated GROUP BY event_id HAVING count(*) > 1
"""

BOOKED_REPEATS: Final = """
CREATE TEMP TABLE booked_repeats AS
SELECT * FROM ledger WHERE event_id IN (SELECT event_id FROM repeated)
"""
NO_BOOKED_REPEATS: Final = "CREATE TEMP TABLE booked_repeats AS SELECT * FROM ledger LIMIT 0"

# A repeated event is compared as a whole, all its rows against its one ledger event: rows that
# agree come back too, since each further occurrence is an amount that the ledger hasn't.
REPEATED_ROWS: Final = """
CREATE TEMP TABLE repeated_rows AS
SELECT s.event_id, true AS is_stated, l.event_id IS NOT NULL AS is_booked,
       s.player_ref AS s_player, s.currency AS s_currency, s.bet_minor AS s_bet,
       s.win_minor AS s_win, s.status AS s_status,
       l.player_ref AS l_player, l.currency AS l_currency, l.bet_minor AS l_bet,
       l.win_minor AS l_win, l.status AS l_status, l.occurred_at AS l_at,
       row_number() OVER (PARTITION BY s.event_id ORDER BY s.line) AS occurrence
FROM stated s JOIN repeated USING (event_id)
LEFT JOIN booked_repeats l ON l.event_id = s.event_id
"""

_FIELDS: Final = """
    event_id, is_stated, is_booked, s_player, s_currency, s_status, l_player, l_currency, l_status,
    s_bet, s_win, l_bet, l_win, l_at, occurrence,
    s_bet IS DISTINCT FROM l_bet OR s_win IS DISTINCT FROM l_win AS has_other_amount
"""

JUDGED: Final = f"""
CREATE TEMP TABLE judged AS
SELECT *,
    CASE
    WHEN is_repeated THEN '{BreakClass.DUPLICATE}'
    WHEN NOT is_booked THEN '{BreakClass.MISSING_IN_LEDGER}'
    WHEN NOT is_stated THEN '{BreakClass.MISSING_AT_PROVIDER}'
    WHEN s_player <> l_player THEN '{BreakClass.PLAYER}'
    WHEN s_currency <> l_currency THEN '{BreakClass.CURRENCY}'
    WHEN has_other_amount THEN '{BreakClass.AMOUNT}'
    ELSE '{BreakClass.STATUS}'
    END AS class,
    -- What a repeat says beyond being one: its rows differ from the ledger, or it isn't there.
    NOT is_repeated OR NOT is_booked OR s_player <> l_player OR s_currency <> l_currency
        OR has_other_amount OR s_status <> l_status AS touches_player,
    CASE WHEN is_stated AND s_status <> '{_VOID}' THEN s_bet ELSE 0 END AS s_stake,
    CASE WHEN is_stated AND s_status <> '{_VOID}' THEN s_win ELSE 0 END AS s_paid,
    -- The ledger stands against the first occurrence only.
    CASE WHEN is_booked AND occurrence = 1 AND l_status <> '{_VOID}' THEN l_bet ELSE 0 END
        AS l_stake,
    CASE WHEN is_booked AND occurrence = 1 AND l_status <> '{_VOID}' THEN l_win ELSE 0 END
        AS l_paid
FROM (
    SELECT {_FIELDS}, false AS is_repeated
    FROM (SELECT *, 1 AS occurrence FROM differences d ANTI JOIN repeated r USING (event_id))
    UNION ALL
    SELECT {_FIELDS}, true FROM repeated_rows
)
"""  # noqa: S608 - built from constants only

CLASS_COUNTS: Final = "SELECT class, count(DISTINCT event_id) FROM judged GROUP BY class"

TOUCHED: Final = "SELECT coalesce(bool_or(touches_player), false) FROM judged"

# Where both sides name the same currency the difference counts once; where they don't (or one side
# is silent) each side counts in full in its own.
VARIANCE: Final = f"""
WITH gross AS (
    SELECT currency, sum(amount) AS minor FROM (
        SELECT s_currency AS currency, abs(s_stake - l_stake) + abs(s_paid - l_paid) AS amount
        FROM judged WHERE is_stated AND is_booked AND s_currency = l_currency
        UNION ALL
        SELECT s_currency, s_stake + s_paid FROM judged
        WHERE is_stated AND (NOT is_booked OR s_currency <> l_currency)
        UNION ALL
        SELECT l_currency, l_stake + l_paid FROM judged
        WHERE is_booked AND (NOT is_stated OR s_currency <> l_currency)
    ) GROUP BY currency
), stated AS (
    SELECT currency, sum(bet_minor) AS turnover, sum(bet_minor - win_minor) AS net
    FROM statement WHERE status <> '{_VOID}' GROUP BY currency
), booked AS (
    SELECT currency, sum(bet_minor - win_minor) AS net
    FROM ledger WHERE status <> '{_VOID}' GROUP BY currency
), seen AS (
    SELECT currency FROM stated UNION SELECT currency FROM booked UNION SELECT currency FROM gross
)
SELECT currency, coalesce(gross.minor, 0), abs(coalesce(stated.net, 0) - coalesce(booked.net, 0)),
       coalesce(stated.turnover, 0)
FROM seen LEFT JOIN gross USING (currency) LEFT JOIN stated USING (currency)
LEFT JOIN booked USING (currency)
ORDER BY currency
"""  # noqa: S608 - built from constants only

# One line per event. Deltas are the statement minus the ledger; ``currency`` is the statement's
# where it speaks. Either side's facts are NULL where it is silent.
BREAKS: Final = """
CREATE TEMP TABLE breaks AS
SELECT event_id, any_value(class) AS class, bool_or(touches_player) AS touches_player,
       coalesce(min(s_currency), min(l_currency)) AS currency,
       (sum(s_stake) - sum(l_stake))::BIGINT AS delta_bet_minor,
       (sum(s_paid) - sum(l_paid))::BIGINT AS delta_win_minor,
       any_value(CASE WHEN is_booked THEN to_json(struct_pack(
           player := l_player, currency := l_currency, bet_minor := l_bet, win_minor := l_win,
           status := l_status, occurred_at := strftime(l_at, '%Y-%m-%dT%H:%M:%S.%fZ')))
           END)::VARCHAR AS ledger_facts
FROM judged GROUP BY event_id
"""

BREAKS_WITH_FACTS: Final = """
SELECT b.event_id, b.class, b.touches_player, b.currency, b.delta_bet_minor, b.delta_win_minor,
       b.ledger_facts, s.facts AS statement_facts
FROM breaks b
LEFT JOIN (
    SELECT event_id, to_json(list(struct_pack(
        player := player_ref, currency := currency, bet_minor := bet_minor,
        win_minor := win_minor, status := status,
        occurred_at := strftime(occurred_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        round := round_ref, game := game_code, line := line) ORDER BY line))::VARCHAR AS facts
    FROM stated GROUP BY event_id
) s ON s.event_id = b.event_id
ORDER BY b.event_id
"""
