"""The desk's set-based reads over play."""

from typing import Final, LiteralString

from apps.players.selectors import place_at_sql

# What was staked on some games since a moment, by game, where the player was then and currency, and
# by how many players. By the index on (provider, occurred_at); locks nothing. Stakes that were
# given back or are still held are left out, and so are our own corrections.
_PLACE: Final[LiteralString] = place_at_sql("e.occurred_at")
STAKED_SINCE: Final[LiteralString] = f"""
SELECT e.game_id, {_PLACE}, e.currency, sum(e.bet_minor)::bigint,
    count(DISTINCT e.round_id), array_agg(DISTINCT e.player_ref)
FROM rounds_roundevent e
JOIN players_player p ON p.id = e.player_id
WHERE e.provider_id = ANY(SELECT DISTINCT g.provider_id FROM providers_game g
        WHERE g.id = ANY(%(games)s))
    AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
    AND e.game_id = ANY(%(games)s)
    AND e.money_state = 'settled' AND e.origin = 'callback'
GROUP BY 1, 2, 3
"""  # noqa: S608 - our own constant
