from celery import shared_task
from django.utils import timezone

from apps.promotions.services import schedule


@shared_task(name="promotions.advance_campaigns", acks_late=True)
def advance_campaigns(**_: object) -> None:
    """Start and end campaigns by their schedule; safe to repeat."""
    schedule.advance_campaigns(timezone.now())
