from datetime import UTC

from celery import shared_task
from django.utils import timezone

from apps.providers.services.check_certificates import (
    check_certificates as run_check,
)


@shared_task(name="providers.check_certificates", acks_late=True)
def check_certificates(**_: object) -> None:
    """Flag what lapses, once a day; a repeat flags nothing twice."""
    now = timezone.now()
    run_check(on=now.astimezone(UTC).date(), now=now, is_recorded=True)
