from celery import shared_task
from django.utils import timezone

from apps.core.services import run_once
from apps.play.enums import SessionEnd
from apps.play.services import sessions


@shared_task(name="play.end_sessions", acks_late=True)
def end_sessions(*, outbox_id: int, player_id: int, kind: str, **_: object) -> None:
    """End every game session of a player who was just excluded."""
    run_once(
        outbox_id,
        lambda: sessions.end_sessions_of_player(
            player_id=player_id,
            code=SessionEnd.PROTECTION,
            reason=f"The player is excluded: {kind}.",
            now=timezone.now(),
        ),
    )
