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
