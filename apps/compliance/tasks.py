from datetime import UTC, date

from celery import shared_task
from django.utils import timezone

from apps.compliance.services.desk import advance_desk as run_desk
from apps.compliance.services.uncovered import keep_uncertified_play as run_uncovered
from apps.compliance.services.uncovered import recount_games as run_games
from apps.compliance.services.uncovered import recount_play as run_play
from apps.core.selectors import is_said_again
from apps.core.services import run_once


@shared_task(name="compliance.advance_desk", acks_late=True)
def advance_desk(**_: object) -> None:
    """Open, close, remind and escalate; a repeat does nothing twice."""
    now = timezone.now()
    run_desk(now=now, on=now.astimezone(UTC).date())


@shared_task(name="compliance.keep_uncertified_play", acks_late=True)
def keep_uncertified_play(**_: object) -> None:
    """Work out today and the last days again; a repeat writes the same."""
    run_uncovered(now=timezone.now())


@shared_task(name="compliance.recount_games", acks_late=True)
def recount_games(
    *, outbox_id: int, game_ids: list[int], since: str, is_gain: bool, **_: object
) -> None:
    """Work out days again of which the register says something else now; a repeat does the same."""
    # Each day is a transaction of its own, so that the message is marked done when all are.
    run_games(game_ids, since=date.fromisoformat(since), is_gain=is_gain, now=timezone.now())
    run_once(outbox_id, lambda: None)


@shared_task(name="compliance.recount_play", acks_late=True)
def recount_play(*, outbox_id: int, provider_id: int, day: str, **_: object) -> None:
    """Work out a day again of which play came in late; of many such messages the last one does."""
    if not is_said_again(outbox_id):
        run_play(provider_id, date.fromisoformat(day), now=timezone.now())
    run_once(outbox_id, lambda: None)
