"""Doors for the worker."""

from collections.abc import Sequence

from celery import shared_task
from django.utils import timezone

from apps.compliance.services import notices, reminders
from apps.core.services import alerts


@shared_task(name="reports.raise_alert")
def raise_alert(*, outbox_id: int, **facts: object) -> None:
    alerts.raise_alert(outbox_id, facts)


@shared_task(name="reports.mail_reminder", acks_late=True)
def mail_reminder(*, outbox_id: int, reminder_id: int, **_: object) -> None:
    reminders.mail_reminder(outbox_id=outbox_id, reminder_id=reminder_id, now=timezone.now())


@shared_task(name="reports.mail_notice", acks_late=True)
def mail_notice(
    *,
    outbox_id: int,
    about: str,
    subject_id: int,
    recipient_id: int,
    people: Sequence[int] = (),
    **_: object,
) -> None:
    notice = notices.NoticeTo(about, subject_id, recipient_id, tuple(people))
    notices.mail_notice(outbox_id=outbox_id, notice=notice)
