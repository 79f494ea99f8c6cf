"""Doors for the worker."""

from celery import shared_task
from django.utils import timezone

from apps.core import services
from apps.core.broker import send_to_celery


@shared_task(name="core.sweep_outbox")
def sweep_outbox(**_: object) -> None:
    services.sweep(send=send_to_celery, now=timezone.now())


@shared_task(name="core.seal_logs")
def seal_logs(**_: object) -> None:
    services.seal_logs(now=timezone.now())
