"""Doors for the worker."""

from celery import shared_task
from django.utils import timezone

from apps.integrity.services.reports import compare_all


@shared_task(name="integrity.compare_digests", acks_late=True)
def compare_digests(**_: object) -> None:
    """Compare what was measured last with what is certified today; a repeat changes nothing."""
    compare_all(now=timezone.now())
