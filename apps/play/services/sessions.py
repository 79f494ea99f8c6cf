"""Game sessions: opened behind the launch gate, renewed by the operator, ended when they must."""

from datetime import datetime
from uuid import uuid4

import structlog
from django.db import transaction

from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.play.contracts import Admission, IssuedToken, OpenedSession
from apps.play.enums import SessionEnd
from apps.play.errors import (
    InvalidRefreshError,
    SessionEndedError,
    UnknownGameError,
    UnknownSessionError,
)
from apps.play.models import SESSION_LIFETIME, GameSession, RefreshCredential
from apps.play.services.gate import require_going_on, require_launch
from apps.play.services.launch import issue_launch_code
from apps.play.services.secrets import digest_of, new_secret
from apps.play.services.tokens import issue_token
from apps.play.visits import playing_since
from apps.players.contracts import RealityCheckClock
from apps.players.selectors import player_by_id, player_by_ref, reality_check_clock
from apps.providers.selectors import games_by_code, provider_by_code

logger = structlog.get_logger(__name__)


def open_session(
    *, player_ref: str, provider_code: str, game_code: str, now: datetime
) -> OpenedSession:
    """Open a session for a player in a game: its token, what renews it, and its launch code.

    Each call opens a session of its own: what is handed out is not stored, so it can't be given
    twice.

    Raises:
        UnknownPlayerError, UnknownProviderError, UnknownGameError: as they say.
        LaunchRefusedError: the launch gate said no; only that it was asked is stored.
    """
    admission = admit(
        player_ref=player_ref, provider_code=provider_code, game_code=game_code, now=now
    )
    return open_admitted(admission, now=now)


def admit(*, player_ref: str, provider_code: str, game_code: str, now: datetime) -> Admission:
    """Ask the launch gate and say whom it let through to what; opens nothing yet.

    That it was asked is stored, whatever it says: call it outside the transaction that opens the
    session, which a refusal would undo.

    Raises:
        UnknownPlayerError, UnknownProviderError, UnknownGameError: as they say.
        LaunchRefusedError: the launch gate said no.
    """
    player = player_by_ref(player_ref)
    provider = provider_by_code(provider_code)
    game = games_by_code(provider.pk).get(game_code)
    if game is None:
        raise UnknownGameError(provider_code, game_code)
    require_launch(player, game.id, provider_id=provider.pk, now=now)
    return Admission(player, provider.pk, game.id)


@transaction.atomic
def open_admitted(admission: Admission, *, now: datetime) -> OpenedSession:
    """Open a session for whom the launch gate let through just now."""
    player = admission.player
    opened_at = now.replace(microsecond=0)
    clock = reality_check_clock(player.id, player.jurisdiction, playing_since(player.id, opened_at))
    session = GameSession.objects.create(
        public_id=uuid4(),
        provider_id=admission.provider_id,
        player_id=player.id,
        game_id=admission.game_id,
        currency=player.currency,
        opened_at=opened_at,
        stakes_until=opened_at + SESSION_LIFETIME,
        acknowledge_by=clock.acknowledge_by,
    )
    issued = _issue(session, clock, now=now)
    launch_code, launch_expires_at = issue_launch_code(session, now=now)
    logger.info("play.session.opened", session_id=session.pk, game_id=session.game_id)
    return OpenedSession(
        session_id=session.pk,
        public_id=str(session.public_id),
        token=issued.token,
        expires_at=issued.expires_at,
        refresh_credential=issued.refresh_credential,
        stakes_until=session.stakes_until,
        launch_code=launch_code,
        launch_expires_at=launch_expires_at,
        reality_check=clock,
    )


def refresh_session(*, session_id: int, credential: str, now: datetime) -> IssuedToken:
    """Renew a session's token; the credential is used up and the answer has the next one.

    Two calls with one credential: the first is answered, the second ends the session, and so does
    any later use of a credential that was used before. The launch gate is asked again.

    Raises:
        UnknownSessionError, SessionEndedError: as they say.
        InvalidRefreshError: not the session's current credential; a used one ended the session.
        LaunchRefusedError: the launch gate says no by now; the credential is not used up.
    """
    # Reuse ends the session, which must stay although the call is refused.
    with transaction.atomic():
        issued = _refresh(session_id, credential, now=now)
    if issued is None:
        raise InvalidRefreshError
    return issued


def _refresh(session_id: int, credential: str, *, now: datetime) -> IssuedToken | None:
    session = _lock(session_id)
    found = RefreshCredential.objects.filter(session=session, digest=digest_of(credential)).first()
    if found is None:
        raise InvalidRefreshError
    if found.used_at is not None:
        _end_for_reuse(session, found, now=now)
        return None
    if session.ended_at is not None or session.stakes_until <= now:
        raise SessionEndedError
    player = player_by_id(session.player_id)
    require_going_on(player, session.game_id, now=now)
    found.used_at = now
    found.save(update_fields=["used_at"])
    since = playing_since(player.id, session.opened_at)
    clock = reality_check_clock(player.id, player.jurisdiction, since)
    session.acknowledge_by = clock.acknowledge_by
    session.save(update_fields=["acknowledge_by"])
    logger.info("play.session.refreshed", session_id=session.pk)
    return _issue(session, clock, now=now)


def _issue(session: GameSession, clock: RealityCheckClock, *, now: datetime) -> IssuedToken:
    token, expires_at = issue_token(session, now=now)
    credential = new_secret("pbr")
    RefreshCredential.objects.create(session=session, digest=digest_of(credential), issued_at=now)
    return IssuedToken(token, expires_at, credential, clock)


def _end_for_reuse(session: GameSession, found: RefreshCredential, *, now: datetime) -> None:
    if found.reused_at is None:
        found.reused_at = max(now, found.used_at or now)
        found.save(update_fields=["reused_at"])
    if session.ended_at is not None:
        return
    reason = "A refresh credential was presented a second time."
    _end(session, SessionEnd.REFRESH_REUSED, reason, now=now)
    record_audit(
        action="play.session.refresh_reused",
        actor=None,
        subject=f"play.gamesession:{session.pk}",
        details={"credential_id": found.pk},
        now=now,
    )


@transaction.atomic
def end_session(*, session_id: int, code: SessionEnd, reason: str, now: datetime) -> bool:
    """End a session now and tell whether it was open; ending it again changes nothing.

    Raises:
        ReasonRequiredError, UnknownSessionError: as they say.
    """
    require_reason(reason)
    session = _lock(session_id)
    if session.ended_at is not None:
        return False
    _end(session, code, reason, now=now)
    return True


@transaction.atomic
def end_sessions_of_player(*, player_id: int, code: SessionEnd, reason: str, now: datetime) -> int:
    """End every session of a player that still takes stakes and return how many there were.

    Raises:
        ReasonRequiredError: no reason was given.
    """
    require_reason(reason)
    sessions = list(
        GameSession.objects.select_for_update()
        .filter(player_id=player_id, ended_at__isnull=True, stakes_until__gt=now)
        .order_by("pk")
    )
    for session in sessions:
        _end(session, code, reason, now=now)
    return len(sessions)


@transaction.atomic
def end_sessions_of_offer(
    *, game_id: int, jurisdiction: str, opened_by: datetime, now: datetime
) -> int:
    """End the sessions of a game that players of a jurisdiction opened until a moment; count them.

    Safe to repeat: sessions that were opened after it, since the offer came back, go on.
    """
    end = (SessionEnd.OFFER_WITHDRAWN, f"The game is withdrawn in {jurisdiction}.")
    return end_sessions_in(game_id, jurisdiction, end, opened_by=opened_by, now=now)


@transaction.atomic
def end_sessions_in(
    game_id: int,
    jurisdiction: str,
    end: tuple[SessionEnd, str],
    *,
    opened_by: datetime,
    now: datetime,
) -> int:
    """End what players of a jurisdiction opened of a game until a moment, with a code and reason.

    Sessions are locked in the order of their ids; none of them takes a stake afterwards.
    """
    sessions = list(
        GameSession.objects.select_for_update(of=("self",))
        .filter(
            game_id=game_id,
            player__jurisdiction=jurisdiction,
            opened_at__lte=opened_by,
            ended_at__isnull=True,
            stakes_until__gt=now,
        )
        .order_by("pk")
    )
    code, reason = end
    for session in sessions:
        _end(session, code, reason, now=now)
    return len(sessions)


def _lock(session_id: int) -> GameSession:
    session = (
        GameSession.objects.select_for_update(of=("self",))
        .select_related("player", "provider", "game")
        .filter(pk=session_id)
        .first()
    )
    if session is None:
        raise UnknownSessionError(session_id)
    return session


def _end(session: GameSession, code: SessionEnd, reason: str, *, now: datetime) -> None:
    session.ended_at = max(now, session.opened_at)
    session.end_code = code
    session.end_reason = reason.strip()[:200]
    session.save(update_fields=["ended_at", "end_code", "end_reason"])
    logger.info("play.session.ended", session_id=session.pk, code=str(code))
