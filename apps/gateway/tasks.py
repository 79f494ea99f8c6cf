from celery import shared_task
from django.utils import timezone

from apps.gateway.services import intake


@shared_task(name="gateway.apply_unjudged")
def apply_unjudged(**_: object) -> None:
    intake.apply_unjudged(now=timezone.now())
