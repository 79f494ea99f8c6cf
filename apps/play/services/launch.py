"""The one-time code of a launch URL: handed out with the session, exchanged once."""

from datetime import datetime

import structlog
from django.db import transaction

from apps.play.contracts import LaunchedGame
from apps.play.errors import InvalidLaunchCodeError
from apps.play.models import LAUNCH_LIFETIME, GameSession, LaunchCode
from apps.play.services.secrets import digest_of, new_secret

logger = structlog.get_logger(__name__)


def issue_launch_code(session: GameSession, *, now: datetime) -> tuple[str, datetime]:
    """Make the launch code of a session just opened; return it with the moment it runs out."""
    code = new_secret("pbl")
    stored = LaunchCode.objects.create(
        session=session,
        digest=digest_of(code),
        issued_at=now,
        expires_at=now + LAUNCH_LIFETIME,
    )
    return code, stored.expires_at


@transaction.atomic
def exchange_launch_code(code: str, *, now: datetime) -> LaunchedGame:
    """Use a launch code up and return what it starts. Of any number at once, one succeeds.

    Raises:
        InvalidLaunchCodeError: unknown, used, too old, or its session has ended.
    """
    digest = digest_of(code)
    # One UPDATE decides: whoever comes second waits for the row and then finds it used.
    taken = LaunchCode.objects.filter(
        digest=digest, used_at__isnull=True, expires_at__gt=now
    ).update(used_at=now)
    if not taken:
        raise InvalidLaunchCodeError
    session = GameSession.objects.select_related("game", "provider").get(launch__digest=digest)
    if session.ended_at is not None:
        raise InvalidLaunchCodeError
    logger.info("play.session.launched", session_id=session.pk)
    return LaunchedGame(session.pk, session.game.name, session.provider.name)
