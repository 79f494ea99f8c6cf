"""Doors for the worker."""

from celery import shared_task
from django.utils import timezone

from apps.auditing import services


@shared_task(name="auditing.make_exports", acks_late=True)
def make_exports(**_: object) -> None:
    """Make the one that waits longest; a repeat makes nothing twice.

    One in each run, so that each has the whole time limit: the next begins seconds later.
    """
    export_id = services.begin_export(now=timezone.now())
    if export_id is not None:
        services.make_export(export_id, now=timezone.now())


@shared_task(name="auditing.drop_old_files", acks_late=True)
def drop_old_files(**_: object) -> None:
    services.drop_old_files(now=timezone.now())
