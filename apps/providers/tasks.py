from datetime import UTC

from celery import shared_task
from django.utils import timezone

from apps.providers.pdf.vetting import PdfVetter
from apps.providers.services import batches, integrity, quarantine, trust
from apps.providers.services.check_certificates import (
    check_certificates as run_check,
)


@shared_task(name="providers.check_certificates", acks_late=True)
def check_certificates(**_: object) -> None:
    """Flag what lapses by each jurisdiction's own day; a repeat flags nothing twice."""
    now = timezone.now()
    run_check(on=now.astimezone(UTC).date(), now=now, is_recorded=True)


@shared_task(name="providers.check_documents", acks_late=True)
def check_documents(**_: object) -> None:
    """Prove every stored document, and clear away files that belong to no row."""
    now = timezone.now()
    with PdfVetter() as vetter:
        integrity.check_documents(vetter=vetter, now=now)
    integrity.sweep_orphans(now=now)


@shared_task(name="providers.recheck_signatures", acks_late=True)
def recheck_signatures(**_: object) -> None:
    """Judge again, for a while, what was judged before a root was decided on; a repeat goes on."""
    now = timezone.now()
    lab_id = trust.lease_lab(now=now)
    if lab_id is not None:
        with PdfVetter() as vetter:
            trust.recheck_leased(lab_id=lab_id, vetter=vetter, now=now)


@shared_task(name="providers.scan_waiting", acks_late=True)
def scan_waiting(**_: object) -> None:
    """Ask the virus scanner about files that it gave no verdict on."""
    with PdfVetter() as vetter:
        quarantine.scan_waiting(vetter=vetter, now=timezone.now())


@shared_task(name="providers.take_batches", acks_late=True)
def take_batches(**_: object) -> None:
    """Take in a slice of the bulk upload that waits longest; a repeat takes nothing twice."""
    now = timezone.now()
    batch_id = batches.lease_batch(now=now)
    if batch_id is not None:
        with PdfVetter() as vetter:
            batches.take_batch(batch_id=batch_id, vetter=vetter, now=now)
