from celery import shared_task
from django.utils import timezone

from apps.staff import services


@shared_task(name="staff.expire_approvals", acks_late=True)
def expire_approvals(**_: object) -> None:
    services.expire_approvals(now=timezone.now())


@shared_task(name="staff.forget_ended_sessions", acks_late=True)
def forget_ended_sessions(**_: object) -> None:
    services.forget_ended_sessions(now=timezone.now())
