from celery import shared_task
from django.utils import timezone

from apps.core.services import run_once
from apps.play.enums import SessionEnd
from apps.play.services import going_on, reality_checks, sessions
from apps.providers.selectors import games_by_code, provider_by_code
from apps.providers.selectors.catalogue import games_of_report, withdrawn_at


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


@shared_task(name="play.end_sessions_of_report", acks_late=True)
def end_sessions_of_report(*, outbox_id: int, certificate_id: int, **_: object) -> None:
    """End the sessions that only a report covered which was just taken back."""
    run_once(
        outbox_id,
        lambda: going_on.end_sessions_the_gate_refuses(
            game_ids=games_of_report(certificate_id), now=timezone.now()
        ),
    )


@shared_task(name="play.end_sessions_of_fault", acks_late=True)
def end_sessions_of_fault(*, outbox_id: int, provider: str, game: str, **_: object) -> None:
    """End the sessions of a game whose server runs a wrong file, where that closes the gate."""
    run_once(
        outbox_id,
        lambda: going_on.end_sessions_the_gate_refuses(
            game_ids=[games_by_code(provider_by_code(provider).pk)[game].id], now=timezone.now()
        ),
    )


@shared_task(name="play.end_sessions_of_mover", acks_late=True)
def end_sessions_of_mover(*, outbox_id: int, player_id: int, **_: object) -> None:
    """End the sessions of a player in games that may not be served where the player is now."""
    run_once(
        outbox_id,
        lambda: going_on.end_sessions_the_gate_refuses(player_id=player_id, now=timezone.now()),
    )


@shared_task(name="play.end_sessions_the_gate_refuses", acks_late=True)
def end_sessions_the_gate_refuses(**_: object) -> None:
    """End the sessions of games whose proof has lapsed by time, or that were closed otherwise."""
    going_on.end_sessions_the_gate_refuses(now=timezone.now())
