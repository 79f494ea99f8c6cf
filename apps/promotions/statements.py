"""The set-based SQL of tagging: one statement per step."""

from typing import Final, LiteralString

# Reads the campaigns of the providers that ever had, or by schedule will have, a live window; one
# row per (provider, code). Takes no lock: a kill switch that commits while a batch is being judged
# ends the campaign at the switch's own time, and an event is judged by its time, not by ours.
CAMPAIGNS_OF_PROVIDERS: Final[LiteralString] = """
SELECT id, provider_id, code, version, multiplier::text,
       COALESCE(live_from, GREATEST(starts_at, approved_at)),
       LEAST(ends_at, COALESCE(ended_at, ends_at))
  FROM promotions_campaign
 WHERE provider_id = ANY(%s::bigint[])
   AND (state = 'live'
        OR (state = 'ended' AND live_from IS NOT NULL)
        OR (state = 'approved' AND start_mode = 'scheduled'))
"""

# Appends tags; an event already tagged keeps its first tag (a tentative event sent again as final
# carries the same flag).
INSERT_TAGS: Final[LiteralString] = """
INSERT INTO promotions_promotag
       (provider_id, event_id, subject, flagged_code, flagged_multiplier, occurred_at,
        campaign_id, campaign_version, is_known, is_in_window, multiplier_matches, reason,
        created_at)
SELECT batch.*, %s::timestamptz
  FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
              %s::bigint[], %s::integer[], %s::boolean[], %s::boolean[], %s::boolean[],
              %s::text[]) AS batch
ON CONFLICT (provider_id, event_id) DO NOTHING
"""
