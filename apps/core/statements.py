"""Core's set-based SQL."""

from typing import Final

# Appends one row per (event, subscribed task). Locks nothing that exists; runs in the transaction
# whose consequence the rows are. No NOTIFY here: it takes a lock that makes commits wait for each
# other, and the relay polls anyway.
INSERT_OUTBOX: Final = """
INSERT INTO core_outboxmessage
    (topic, task, payload, created_at, next_attempt_at, attempts, starts, last_error)
SELECT topic, task, payload::jsonb, %s, %s, 0, 0, ''
FROM unnest(%s::text[], %s::text[], %s::text[]) AS message (topic, task, payload)
"""

# Takes a batch of due messages and moves each one's next attempt ahead, so that a sender that dies
# after this only delays them. SKIP LOCKED: relays and the sweeper never wait for each other. There
# is no "id > last seen": a long transaction may commit a lower id late, and the state finds it.
# The pause doubles with each sending, up to an hour.
CLAIM_DUE: Final = """
WITH due AS (
    SELECT id FROM core_outboxmessage
    WHERE done_at IS NULL AND parked_at IS NULL
      AND next_attempt_at <= %(now)s AND attempts < %(max_attempts)s
    ORDER BY next_attempt_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE core_outboxmessage AS message
SET attempts = message.attempts + 1,
    sent_at = %(now)s,
    next_attempt_at = %(now)s + LEAST(
        make_interval(secs => %(retry_seconds)s * power(2, message.attempts)), interval '1 hour'
    )
FROM due
WHERE message.id = due.id
RETURNING message.id, message.task, message.payload
"""

# Gives back what the broker didn't take: due again soon, and not counted as an attempt.
RELEASE_UNSENT: Final = """
UPDATE core_outboxmessage
SET attempts = GREATEST(attempts - 1, 0),
    sent_at = NULL,
    next_attempt_at = %(retry_at)s,
    last_error = %(error)s
WHERE id = ANY(%(ids)s) AND done_at IS NULL
"""

# Gives up on messages that were sent often enough and never got done. SKIP LOCKED: one that a
# worker holds right now is being done.
PARK_EXHAUSTED: Final = """
WITH exhausted AS (
    SELECT id FROM core_outboxmessage
    WHERE done_at IS NULL AND parked_at IS NULL
      AND next_attempt_at <= %(now)s AND attempts >= %(max_attempts)s
    ORDER BY id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE core_outboxmessage AS message
SET parked_at = %(now)s,
    last_error = CASE WHEN message.last_error = ''
        THEN 'Sent ' || message.attempts || ' times and never done.' ELSE message.last_error END
FROM exhausted
WHERE message.id = exhausted.id
RETURNING message.id
"""

# Counts a start before the work, in a transaction of its own: a task that kills its worker leaves
# this trace. Waits for a worker that holds the row; what that one finished is then not found.
COUNT_START: Final = """
UPDATE core_outboxmessage
SET starts = starts + 1
WHERE id = %s AND done_at IS NULL
RETURNING starts, parked_at IS NOT NULL
"""

# Every table of ours with what the application's role may never do to it: what a guard of that
# name refuses to everybody, without a condition; and what is never changed is never deleted.
# Histories of edits and Django's own log are only added to; migrations belong to the owner.
TABLES_AND_BANS: Final = """
SELECT relname, relname = 'django_migrations' AS no_insert, is_fixed AS no_update,
    is_fixed OR is_kept AS no_delete
FROM (
    SELECT c.relname,
        c.relname ~ '(^django_(migrations|admin_log)$|_historical)'
            OR coalesce(bool_or(g.tgtype & 16 <> 0), false) AS is_fixed,
        coalesce(bool_or(g.tgtype & 8 <> 0), false) AS is_kept
    FROM pg_class c
    LEFT JOIN pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgqual IS NULL
        AND g.tgname ~ '^pgtrigger_(append_only|never_changed|never_deleted)_'
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    GROUP BY c.relname
) AS guarded
ORDER BY relname
"""

# Guards that a session which plays a replica would skip; Django and pgtrigger make them so.
GUARDS_NOT_ALWAYS: Final = """
SELECT c.relname, g.tgname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
WHERE NOT g.tgisinternal AND g.tgenabled <> 'A' AND g.tgname LIKE 'pgtrigger_%' AND g.tgparentid = 0
    AND c.relnamespace = current_schema()::regnamespace
ORDER BY c.relname, g.tgname
"""

# What makes a role unfit to be the application's: powers over everything, or a membership that
# lets it become the owner of tables.
ROLE_POWERS: Final = """
SELECT r.rolsuper OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls,
    (SELECT count(*) FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace
        AND c.relkind IN ('r', 'p') AND pg_has_role(r.oid, c.relowner, 'MEMBER'))
FROM pg_roles r WHERE r.rolname = %s
"""

# Two owners at work at once would write the same catalogue rows.
LOCK_GRANTING: Final = "SELECT pg_advisory_xact_lock(hashtextextended('core.app_role', 0))"

DURABILITY: Final = """
SELECT name, setting FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
"""

# Run as the role that is asked about.
TABLES_TOO_WIDE: Final = f"""
SELECT relname FROM ({TABLES_AND_BANS}) AS ruled
WHERE has_table_privilege(quote_ident(relname), 'TRUNCATE')
    OR (no_update AND has_table_privilege(quote_ident(relname), 'UPDATE'))
    OR (no_delete AND has_table_privilege(quote_ident(relname), 'DELETE'))
"""  # noqa: S608 - built from a constant only
