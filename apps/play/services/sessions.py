"""Game sessions: opened behind the launch gate, ended early when somebody must stop."""

from datetime import datetime
from uuid import uuid4

import structlog
from django.db import transaction

from apps.core.errors import ReasonRequiredError
from apps.play.contracts import OpenedSession, SessionRow
from apps.play.errors import LaunchRefusedError, UnknownGameError, UnknownSessionError
from apps.play.jwt import write_token
from apps.play.models import MAX_LIFETIME, GameSession
from apps.play.services.gate import can_serve
from apps.play.services.keys import signing_key
from apps.players.selectors import player_by_ref
from apps.providers.selectors import games_by_code, provider_by_code

logger = structlog.get_logger(__name__)


@transaction.atomic
def open_session(
    *, player_ref: str, provider_code: str, game_code: str, now: datetime
) -> OpenedSession:
    """Open a session for a player in a game and sign its token; 15 minutes at most.

    Each call opens a session of its own: the token is not stored, so it can't be given twice.

    Raises:
        UnknownPlayerError, UnknownProviderError, UnknownGameError: as they say.
        LaunchRefusedError: the launch gate said no; nothing is stored.
    """
    player = player_by_ref(player_ref)
    provider = provider_by_code(provider_code)
    game = games_by_code(provider.pk).get(game_code)
    if game is None:
        raise UnknownGameError(provider_code, game_code)
    answer = can_serve(game_id=game.id, jurisdiction=player.jurisdiction, at=now, player=player)
    if not answer.allowed:
        raise LaunchRefusedError(answer.reasons)
    key = signing_key(now)
    # A token counts whole seconds, and the two must say the same.
    issued_at = now.replace(microsecond=0)
    session = GameSession.objects.create(
        provider_id=provider.pk,
        player_id=player.id,
        game_id=game.id,
        signing_key=key,
        jti=uuid4(),
        issued_at=issued_at,
        expires_at=issued_at + MAX_LIFETIME,
    )
    row = SessionRow(
        session_id=session.pk,
        jti=str(session.jti),
        kid=key.kid,
        public_pem=key.public_pem,
        issued_at=session.issued_at,
        expires_at=session.expires_at,
        player_ref=player.player_ref,
        provider_id=provider.pk,
        provider_code=provider.code,
        game_code=game.game_code,
    )
    logger.info("play.session.opened", session_id=session.pk, game_id=game.id)
    return OpenedSession(write_token(row, key.private_pem), session.pk, session.expires_at)


@transaction.atomic
def revoke_session(*, session_id: int, reason: str, now: datetime) -> None:
    """End a session now; its token stops counting for new stakes. Ending it again changes nothing.

    Raises:
        ReasonRequiredError, UnknownSessionError: as they say.
    """
    if not reason.strip():
        raise ReasonRequiredError
    session = GameSession.objects.select_for_update().filter(pk=session_id).first()
    if session is None:
        raise UnknownSessionError(session_id)
    if session.revoked_at is not None:
        return
    session.revoked_at = max(now, session.issued_at)
    session.revoked_reason = reason.strip()[:200]
    session.save(update_fields=["revoked_at", "revoked_reason"])
    logger.info("play.session.revoked", session_id=session.pk)
