"""Checking tokens on the hot path: one statement for a whole batch, the rest is arithmetic."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Protocol

from apps.play import statements
from apps.play.contracts import LiveSession, SessionRow
from apps.play.errors import InvalidTokenError
from apps.play.jwt import check_token, claimed_jti


class SqlCursor(Protocol):
    """A cursor of Django or of psycopg: the hot path may use either."""

    def execute(self, query: Any, params: Any = ...) -> Any: ...

    def fetchall(self) -> list[Any]: ...


def live_tokens(cursor: SqlCursor, tokens: Collection[str], now: datetime) -> dict[str, str]:
    """Return the tokens that hold now, each with the reference of the player it is for.

    A token that isn't there means ``session_expired`` for a new stake and nothing for money that
    must settle. Use ``live_sessions`` where provider and game must match as well.
    """
    found = live_sessions(cursor, tokens, now)
    return {token: session.player_ref for token, session in found.items()}


def live_sessions(
    cursor: SqlCursor, tokens: Collection[str], now: datetime
) -> dict[str, LiveSession]:
    """Return the tokens that hold now, each with what it was issued for.

    Any text may be passed; what is no token costs no query. A session that was revoked, or whose
    signing key was, is not in the answer.
    """
    claimed = {token: jti for token in set(tokens) if (jti := claimed_jti(token)) is not None}
    if not claimed:
        return {}
    jtis = sorted({str(jti) for jti in claimed.values()})
    cursor.execute(statements.LIVE_SESSIONS, [jtis, now])
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
    )
