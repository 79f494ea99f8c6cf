"""Doors for the worker. Each is safe to repeat: a look that finds the same is kept twice."""

from celery import shared_task
from django.utils import timezone

from apps.core.services import run_once
from apps.onboarding.services import checklist
from apps.providers.selectors import active_providers


@shared_task(name="onboarding.open", acks_late=True)
def open_onboarding(*, outbox_id: int, provider: str, **_: object) -> None:
    run_once(outbox_id, lambda: checklist.open_onboarding(provider, now=timezone.now()))


@shared_task(name="onboarding.prove_items", acks_late=True)
def prove_items(**_: object) -> None:
    """Look at every active provider, each in a task of its own: one that is slow delays no other.

    A hint that is lost is made up by the next day's.
    """
    for provider in active_providers():
        prove_provider.delay(provider_code=provider.code)


@shared_task(name="onboarding.prove_provider", acks_late=True)
def prove_provider(*, provider_code: str, **_: object) -> None:
    checklist.prove(provider_code, acting_user=None, now=timezone.now())
