from celery import shared_task
from django.utils import timezone

from apps.aml import services


@shared_task(name="aml.seal_access_log", acks_late=True)
def seal_access_log(**_: object) -> None:
    services.seal_access_log(now=timezone.now())
