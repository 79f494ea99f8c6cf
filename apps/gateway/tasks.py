from celery import shared_task
from django.utils import timezone

from apps.core.services.outbox import run_once
from apps.gateway.services import game_transfers, intake, nightly


@shared_task(name="gateway.apply_unjudged")
def apply_unjudged(**_: object) -> None:
    intake.apply_unjudged(now=timezone.now())


@shared_task(name="gateway.pursue_transfer")
def pursue_transfer(*, outbox_id: int, transfer_id: int, **_: object) -> None:
    # The call comes first, outside any transaction; the sweeper finds what it left undecided.
    game_transfers.pursue_transfer(transfer_id, now=timezone.now())
    run_once(outbox_id, lambda: None)


@shared_task(name="gateway.pursue_due_transfers")
def pursue_due_transfers(**_: object) -> None:
    game_transfers.pursue_due_transfers(now=timezone.now())


@shared_task(name="gateway.sweep_sub_wallets")
def sweep_sub_wallets(**_: object) -> None:
    nightly.sweep_every_provider(clock=timezone.now)


@shared_task(name="gateway.audit_wallets")
def audit_wallets(**_: object) -> None:
    nightly.audit_every_provider(clock=timezone.now)
