"""Doors for the worker. Each is safe to repeat: a lock, cursor or unique key keeps it single."""

from celery import shared_task
from django.utils import timezone

from apps.reconciliation import services


@shared_task(name="reconciliation.pull_rounds", acks_late=True)
def pull_rounds(**_: object) -> None:
    """Pull what is due from every provider."""
    services.pull_all(now=timezone.now())


@shared_task(name="reconciliation.reconcile_due", acks_late=True)
def reconcile_due(**_: object) -> None:
    """Reconcile yesterday and each day with a newer statement."""
    services.reconcile_due(now=timezone.now())
