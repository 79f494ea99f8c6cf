"""Each session so far was one token: the token moves out, the session keeps everything else."""

from django.db import migrations

MOVE_OUT = """
INSERT INTO play_gameplaytoken (session_id, signing_key_id, jti, issued_at, expires_at)
SELECT id, signing_key_id, jti, opened_at, stakes_until FROM play_gamesession ORDER BY id;

UPDATE play_gamesession AS session
SET public_id = gen_random_uuid(), currency = player.currency,
    end_code = CASE WHEN session.ended_at IS NULL THEN '' ELSE 'staff' END
FROM players_player AS player WHERE player.id = session.player_id;
"""

# Back again a session is its newest token.
MOVE_BACK = """
UPDATE play_gamesession AS session
SET jti = token.jti, signing_key_id = token.signing_key_id, opened_at = token.issued_at,
    stakes_until = token.expires_at,
    ended_at = CASE WHEN session.ended_at IS NULL THEN NULL
        ELSE greatest(session.ended_at, token.issued_at) END
FROM (
    SELECT DISTINCT ON (session_id) * FROM play_gameplaytoken ORDER BY session_id, id DESC
) AS token
WHERE token.session_id = session.id;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('play', '0002_tokens_of_their_own'),
    ]

    operations = [
        migrations.RunSQL(MOVE_OUT, MOVE_BACK),
    ]
