"""Play's set-based SQL."""

from typing import Final

# One look-up by the unique index on jti; locks nothing. The key's state is read with the session,
# so that a revoked key ends its sessions at once, on every machine.
LIVE_SESSIONS: Final = """
SELECT session.id, session.jti::text, key.kid, key.public_pem, session.issued_at,
    session.expires_at, player.player_ref, provider.id, provider.code, game.game_code
FROM play_gamesession AS session
JOIN play_signingkey AS key ON key.id = session.signing_key_id
JOIN players_player AS player ON player.id = session.player_id
JOIN providers_provider AS provider ON provider.id = session.provider_id
JOIN providers_game AS game ON game.id = session.game_id
WHERE session.jti = ANY(%s::uuid[])
  AND session.revoked_at IS NULL AND session.expires_at > %s AND key.state <> 'revoked'
"""
