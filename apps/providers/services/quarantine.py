"""Files kept apart: ask the scanner again about those that it never judged."""

import hashlib
from datetime import datetime

import structlog
from django.contrib.auth.base_user import AbstractBaseUser

from apps.core.errors import ScannerUnavailableError
from apps.core.scanner import scan
from apps.core.services import record_audit
from apps.providers.enums import Door
from apps.providers.errors import CertificateStateError, DocumentAlteredError, PdfRefusedError
from apps.providers.models import QuarantinedFile
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.selectors.drafts import quarantined_by_id, waiting_for_scanner
from apps.providers.services.drafts import Opened, Upload, open_draft
from apps.providers.services.intake import Sender
from apps.providers.services.store import fetch

logger = structlog.get_logger(__name__)


def scan_again(
    *,
    file_id: int,
    acting_user: AbstractBaseUser | None,
    reason: str = "",
    vetter: PdfVetter,
    now: datetime,
) -> Opened:
    """Take a file to the gate again; clean, it becomes a draft and leaves quarantine.

    Raises:
        UnknownCertificateError
        CertificateStateError: it was refused for what it is, not for want of a verdict.
        PdfRefusedError: the scanner found something, or still gives no verdict.
        DocumentAlteredError, StoreUnavailableError: there is nothing to scan.
    """
    file = quarantined_by_id(file_id)
    if not file.is_waiting_for_scanner:
        message = f"{file} does not wait for the scanner: {file.reasons}"
        raise CertificateStateError(message)
    data = fetch(file.storage_key, file.size_bytes)
    if data is None or hashlib.sha256(data).hexdigest() != file.sha256:
        raise DocumentAlteredError(file.pk)
    sender = Sender(Door(file.door), acting_user, now, vetter, file.client_name)
    opened = open_draft(Upload(data, file.original_name), sender)
    QuarantinedFile.objects.filter(pk=file.pk).update(released_at=now)
    record_audit(
        action="providers.quarantine.released",
        actor=acting_user,
        subject=f"quarantine:{file.pk}",
        details={"sha256": file.sha256, "draft_id": opened.draft.pk},
        reason=reason.strip(),
        now=now,
    )
    return opened


def scan_waiting(*, vetter: PdfVetter, now: datetime) -> int:
    """Ask about every file that waits for a verdict; return how many became drafts.

    Stops where the scanner is down: it is for the others too. A file that it judges none of, as one
    over its own limit, or one whose bytes are gone, keeps no other waiting.
    """
    released = 0
    for file_id in waiting_for_scanner():
        try:
            scan_again(file_id=file_id, acting_user=None, vetter=vetter, now=now)
        except PdfRefusedError as refusal:
            if not quarantined_by_id(file_id).is_waiting_for_scanner:
                continue
            logger.info(
                "providers.quarantine.still_waiting", file_id=file_id, why=refusal.refusals[0][0]
            )
            if not _is_scanner_up():
                break
        except DocumentAlteredError:
            logger.exception("providers.quarantine.file_altered", file_id=file_id)
        else:
            released += 1
    return released


def _is_scanner_up() -> bool:
    try:
        scan(b"Is anybody there?")
    except ScannerUnavailableError:
        return False
    return True
