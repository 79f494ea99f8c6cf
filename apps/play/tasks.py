from celery import shared_task
from django.utils import timezone

from apps.core.services import run_once
from apps.play.enums import SessionEnd
from apps.play.services import reality_checks, sessions
from apps.providers.selectors.catalogue import withdrawn_at


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


@shared_task(name="play.move_reality_checks", acks_late=True)
def move_reality_checks(*, outbox_id: int, player_id: int, **_: object) -> None:
    """Tell a player's open sessions when their next reality check is due."""
    run_once(
        outbox_id,
        lambda: reality_checks.reckon_checks(player_id=player_id, now=timezone.now()),
    )


@shared_task(name="play.end_sessions_of_offer", acks_late=True)
def end_sessions_of_offer(
    *, outbox_id: int, withdrawal_id: int, game_id: int, jurisdiction: str, **_: object
) -> None:
    """End the game sessions of a game that was just withdrawn from a jurisdiction."""
    run_once(
        outbox_id,
        lambda: sessions.end_sessions_of_offer(
            game_id=game_id,
            jurisdiction=jurisdiction,
            opened_by=withdrawn_at(withdrawal_id),
            now=timezone.now(),
        ),
    )
