from datetime import UTC

from celery import shared_task
from django.utils import timezone

from apps.compliance.services.desk import advance_desk as run_desk
from apps.compliance.services.uncovered import keep_uncertified_play as run_uncovered


@shared_task(name="compliance.advance_desk", acks_late=True)
def advance_desk(**_: object) -> None:
    """Open, close, remind and escalate; a repeat does nothing twice."""
    now = timezone.now()
    run_desk(now=now, on=now.astimezone(UTC).date())


@shared_task(name="compliance.keep_uncertified_play", acks_late=True)
def keep_uncertified_play(**_: object) -> None:
    """Work out today and the last days again; a repeat writes the same."""
    run_uncovered(now=timezone.now())
