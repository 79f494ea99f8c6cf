from celery import shared_task
from django.utils import timezone

from apps.rounds.services import stuck


@shared_task(name="rounds.sort_out_open_rounds")
def sort_out_open_rounds(**_: object) -> None:
    stuck.sort_out_open_rounds(now=timezone.now())
