"""The statements of the sweep: it finds what was stored and not judged, however long ago.

It goes on from where a sweep before it found everything judged, or listed because it failed.
Nothing here is asked by intake.
"""

from typing import LiteralString

# The next deliveries by number: up to which, and up to which all have long been written. A number
# is given a moment before its row is seen, so the newest are read again by the next sweep.
NEXT_SPAN: LiteralString = """
SELECT max(id), max(id) FILTER (WHERE stored_at < %(written_before)s)
FROM (SELECT id, stored_at FROM rounds_delivery WHERE id > %(after)s ORDER BY id LIMIT %(most)s) d
"""

# The process died between storing and applying, or applying failed. The time of storing, which a
# replay can't move, keeps it off deliveries that are being judged right now.
FIND_UNJUDGED: LiteralString = """
SELECT d.id, d.provider_id, d.received_at, d.message_id, d.key_id, d.path, d.headers, d.body
FROM rounds_delivery d
WHERE d.id > %(after)s AND d.id <= %(upto)s AND d.stored_at < %(until)s
  AND NOT EXISTS (SELECT 1 FROM rounds_deliveryverdict v WHERE v.delivery_id = d.id)
  AND NOT EXISTS (SELECT 1 FROM rounds_unjudgeddelivery u WHERE u.delivery_id = d.id)
ORDER BY d.id LIMIT %(limit)s
"""

# Listed ones whose next try is due: a minute after the first, an hour after the last in the end.
FIND_UNJUDGED_DUE: LiteralString = """
SELECT d.id, d.provider_id, d.received_at, d.message_id, d.key_id, d.path, d.headers, d.body
FROM rounds_unjudgeddelivery u
JOIN rounds_delivery d ON d.id = u.delivery_id
WHERE u.last_failed_at <= %(now)s - least(u.tries, 60) * interval '1 minute'
  AND NOT EXISTS (SELECT 1 FROM rounds_deliveryverdict v WHERE v.delivery_id = u.delivery_id)
ORDER BY d.id LIMIT %(limit)s
"""

FIND_DELIVERY: LiteralString = """
SELECT d.id, d.provider_id, d.received_at, d.message_id, d.key_id, d.path, d.headers, d.body
FROM rounds_delivery d WHERE d.id = %(delivery_id)s
"""

LIST_UNJUDGED: LiteralString = """
INSERT INTO rounds_unjudgeddelivery AS u
    (delivery_id, tries, error, first_failed_at, last_failed_at)
VALUES (%(delivery_id)s, 1, %(error)s, %(now)s, %(now)s)
ON CONFLICT (delivery_id) DO UPDATE
SET tries = u.tries + 1, error = excluded.error, last_failed_at = excluded.last_failed_at
RETURNING tries
"""

UNLIST_JUDGED: LiteralString = """
DELETE FROM rounds_unjudgeddelivery u USING rounds_deliveryverdict v
WHERE v.delivery_id = u.delivery_id
"""

MOVE_SWEPT_THROUGH: LiteralString = """
INSERT INTO rounds_sweptthrough AS s (id, delivery_id) VALUES (1, %(delivery_id)s)
ON CONFLICT (id) DO UPDATE SET delivery_id = greatest(s.delivery_id, excluded.delivery_id)
"""
