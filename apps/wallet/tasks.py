from celery import shared_task
from django.utils import timezone

from apps.wallet.services import proof


@shared_task(name="wallet.seal_transfers")
def seal_transfers(**_: object) -> None:
    proof.seal_transfers(now=timezone.now())
