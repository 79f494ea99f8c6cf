"""Play's set-based SQL."""

from typing import Final

# One look-up by the unique index on jti; locks nothing. The session's end and the key's state are
# read with the token, so that either ends it at once, on every machine.
LIVE_SESSIONS: Final = """
SELECT session.id, token.jti::text, key.kid, key.public_pem, token.issued_at,
    token.expires_at, player.player_ref, provider.id, provider.code, game.game_code,
    coalesce(session.acknowledge_by <= %s, false)
FROM play_gameplaytoken AS token
JOIN play_gamesession AS session ON session.id = token.session_id
JOIN play_signingkey AS key ON key.id = token.signing_key_id
JOIN players_player AS player ON player.id = session.player_id
JOIN providers_provider AS provider ON provider.id = session.provider_id
JOIN providers_game AS game ON game.id = session.game_id
WHERE token.jti = ANY(%s::uuid[]) AND token.expires_at > %s AND key.state <> 'revoked'
  AND session.ended_at IS NULL AND session.stakes_until > %s
"""

# One look-up by the unique index on public_id; locks nothing. A session that ended or ran out is
# there as well: its wins and refunds still settle.
SESSIONS_BY_PUBLIC_ID: Final = """
SELECT session.public_id::text, session.id, player.player_ref, session.player_id,
    session.provider_id, game.game_code, session.currency,
    session.ended_at IS NULL AND session.stakes_until > %s,
    coalesce(session.acknowledge_by <= %s, false), session.ended_at IS NOT NULL
FROM play_gamesession AS session
JOIN players_player AS player ON player.id = session.player_id
JOIN providers_game AS game ON game.id = session.game_id
WHERE session.public_id = ANY(%s::uuid[])
"""

# Ends the sessions that hold a live token of a key that leaked. Locks those sessions, in id order.
END_SESSIONS_OF_KEY: Final = """
WITH held AS (
    SELECT session.id FROM play_gamesession AS session
    WHERE session.ended_at IS NULL AND session.id IN (
        SELECT token.session_id FROM play_gameplaytoken AS token
        WHERE token.signing_key_id = %(key_id)s AND token.expires_at > %(now)s
    )
    ORDER BY session.id FOR UPDATE
)
UPDATE play_gamesession AS session
SET ended_at = greatest(%(now)s, session.opened_at), end_code = %(code)s, end_reason = %(reason)s
FROM held WHERE session.id = held.id
"""
