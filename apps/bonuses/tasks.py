from celery import shared_task
from django.utils import timezone

from apps.bonuses.services import grants


@shared_task(name="bonuses.expire_grants", acks_late=True)
def expire_grants(**_: object) -> None:
    """Close grants whose time is over; safe to repeat."""
    grants.expire_grants(timezone.now())
