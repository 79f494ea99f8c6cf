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
