from celery import shared_task
from django.utils import timezone

from apps.players.services import exclusions


@shared_task(name="players.lift_ended_exclusions", acks_late=True)
def lift_ended_exclusions(**_: object) -> None:
    """Let players back whose exclusions have ended; safe to repeat."""
    exclusions.lift_ended_exclusions(timezone.now())
