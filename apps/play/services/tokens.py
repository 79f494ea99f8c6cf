"""Gameplay tokens: signed for a session, checked on the hot path for a whole batch at once."""

from collections.abc import Collection
from datetime import datetime
from uuid import uuid4

from apps.core.batches import Cursor
from apps.play import statements
from apps.play.contracts import LiveSession, SessionRow
from apps.play.errors import InvalidTokenError
from apps.play.jwt import check_token, claimed_jti, write_token
from apps.play.models import TOKEN_LIFETIME, GameplayToken, GameSession
from apps.play.services.keys import signing_key


def issue_token(session: GameSession, *, now: datetime) -> tuple[str, datetime]:
    """Sign a token for a session and return it with its end, which is never past the session's."""
    key = signing_key(now)
    # A token counts whole seconds, and the two must say the same.
    issued_at = now.replace(microsecond=0)
    stored = GameplayToken.objects.create(
        session=session,
        signing_key=key,
        jti=uuid4(),
        issued_at=issued_at,
        expires_at=min(issued_at + TOKEN_LIFETIME, session.stakes_until),
    )
    row = SessionRow(
        session_id=session.pk,
        jti=str(stored.jti),
        kid=key.kid,
        public_pem=key.public_pem,
        issued_at=stored.issued_at,
        expires_at=stored.expires_at,
        player_ref=session.player.player_ref,
        provider_id=session.provider_id,
        provider_code=session.provider.code,
        game_code=session.game.game_code,
        is_paused=False,
    )
    return write_token(row, key.private_pem), stored.expires_at


def live_sessions(cursor: Cursor, tokens: Collection[str], now: datetime) -> dict[str, LiveSession]:
    """Return the tokens that hold now, each with what it was issued for.

    Any text may be passed; what is no token costs no query. A token that isn't there means
    ``session_expired`` for a new stake and nothing for money that must settle: it has run out, its
    session has ended, or its signing key was revoked.
    """
    claimed = {token: jti for token in set(tokens) if (jti := claimed_jti(token)) is not None}
    if not claimed:
        return {}
    jtis = sorted({str(jti) for jti in claimed.values()})
    cursor.execute(statements.LIVE_SESSIONS, [now, jtis, now, now])
    rows = {row.jti: row for row in (SessionRow(*columns) for columns in cursor.fetchall())}
    return {
        token: _live_session(row)
        for token, jti in claimed.items()
        if (row := rows.get(str(jti))) is not None and _holds(token, row, now)
    }


def _holds(token: str, row: SessionRow, now: datetime) -> bool:
    try:
        check_token(token, row, now)
    except InvalidTokenError:
        return False
    return True


def _live_session(row: SessionRow) -> LiveSession:
    return LiveSession(
        session_id=row.session_id,
        player_ref=row.player_ref,
        provider_id=row.provider_id,
        provider_code=row.provider_code,
        game_code=row.game_code,
        is_paused=row.is_paused,
    )
