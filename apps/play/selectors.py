"""How play is read."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from apps.core.batches import Cursor
from apps.play import statements
from apps.play.contracts import RefreshLine, SessionFact, TokenLine
from apps.play.enums import SigningKeyState
from apps.play.errors import UnknownSessionError
from apps.play.jwt import jwk
from apps.play.models import (
    TOKEN_LIFETIME,
    GameplayToken,
    GameSession,
    RefreshCredential,
    SigningKey,
)

# A session id has one spelling, the one we handed out.
_PUBLIC_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def jwks(now: datetime) -> list[dict[str, str]]:
    """Return the public keys that a token alive now may be signed with, newest first."""
    keys = SigningKey.objects.filter(
        Q(state=SigningKeyState.ACTIVE)
        | Q(state=SigningKeyState.RETIRED, retired_at__gt=now - TOKEN_LIFETIME)
    ).order_by("-not_before", "-pk")
    return [jwk(key.kid, key.public_pem) for key in keys]


def places_played_in(
    now: datetime, *, game_ids: Collection[int] | None = None, player_id: int | None = None
) -> list[tuple[int, str]]:
    """Return each game and jurisdiction in which a session still takes stakes, by game."""
    live = GameSession.objects.filter(stakes_until__gt=now, ended_at__isnull=True)
    if game_ids is not None:
        live = live.filter(game_id__in=game_ids)
    if player_id is not None:
        live = live.filter(player_id=player_id)
    places = live.order_by("game_id", "player__jurisdiction")
    return list(places.values_list("game_id", "player__jurisdiction").distinct())


def sessions_by_public_id(
    cursor: Cursor, ids: Collection[str], now: datetime
) -> dict[str, SessionFact]:
    """Return the sessions that providers name by their public ids, in one statement.

    Any text may be passed; what is no id of ours is left out and costs nothing. A session that has
    ended or run out is there with ``is_live`` false: new stakes stop, settlement goes on.
    """
    known = sorted({each for each in ids if _PUBLIC_ID.fullmatch(each)})
    if not known:
        return {}
    cursor.execute(statements.SESSIONS_BY_PUBLIC_ID, [now, now, known])
    return {public_id: SessionFact(*columns) for public_id, *columns in cursor.fetchall()}


def session_id_of(public_id: str) -> int:
    """Return the session with this public id, spelled as we handed it out.

    Raises:
        UnknownSessionError: there is none.
    """
    found = None
    if _PUBLIC_ID.fullmatch(public_id):
        rows = GameSession.objects.filter(public_id=UUID(public_id))
        found = rows.values_list("pk", flat=True).first()
    if found is None:
        raise UnknownSessionError(public_id)
    return found


def tokens_of_session(session_id: int, *, limit: int = 50) -> list[TokenLine]:
    """Return a session's tokens, newest first."""
    tokens = GameplayToken.objects.filter(session_id=session_id).order_by("-pk")
    rows = tokens.values_list("jti", "issued_at", "expires_at", "signing_key__kid")[:limit]
    return [TokenLine(*row) for row in rows]


def refreshes_of_session(session_id: int, *, limit: int = 50) -> list[RefreshLine]:
    """Return a session's refresh credentials with what became of them, newest first."""
    rows = RefreshCredential.objects.filter(session_id=session_id).order_by("-pk")
    return [
        RefreshLine(*row) for row in rows.values_list("issued_at", "used_at", "reused_at")[:limit]
    ]
