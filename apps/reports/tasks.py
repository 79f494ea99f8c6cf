"""Doors for the worker."""

from celery import shared_task

from apps.core.services import alerts


@shared_task(name="reports.raise_alert")
def raise_alert(*, outbox_id: int, **facts: object) -> None:
    alerts.raise_alert(outbox_id, facts)
