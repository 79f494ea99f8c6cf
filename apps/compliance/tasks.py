from datetime import UTC

from celery import shared_task
from django.utils import timezone

from apps.compliance.services.desk import advance_desk as run_desk


@shared_task(name="compliance.advance_desk", acks_late=True)
def advance_desk(**_: object) -> None:
    """Open, close, remind and escalate; a repeat does nothing twice."""
    now = timezone.now()
    run_desk(now=now, on=now.astimezone(UTC).date())
