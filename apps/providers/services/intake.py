"""The one gate for documents: every door brings its files here before anything else is done."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F

from apps.core.errors import ScannerUnavailableError
from apps.core.scanner import scan
from apps.core.services import record_audit
from apps.providers.enums import Door
from apps.providers.errors import PdfRefusedError
from apps.providers.models import NOT_SCANNED, Document, QuarantinedFile
from apps.providers.pdf.contracts import MAX_BYTES, Refusal, VettedPdf
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register.names import display_name
from apps.providers.services.store import DOCUMENTS, QUARANTINE, drop, keep

logger = structlog.get_logger(__name__)

INFECTED = "infected"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who brings files, by which door, at what time, and the running checker that judges them."""

    door: Door
    acting_user: AbstractBaseUser | None
    now: datetime
    vetter: PdfVetter
    client_name: str = ""


def admit(data: bytes, name: str, sender: Sender, trusted_pems: Sequence[str] = ()) -> VettedPdf:
    """Return the verdict on a file that may be kept; one that may not is kept apart.

    The PDF's frame and objects first, in a process of their own, then the virus scanner.

    Raises:
        PdfRefusedError: with every reason. A scanner that is named and silent is one of them.
        PdfCheckerUnavailableError: the checker gave no answer; nothing is known, nothing is kept.
        StoreUnavailableError
    """
    verdict = sender.vetter.vet(data, trusted_pems=list(trusted_pems), moment=sender.now)
    refusals = verdict.refusals or _scan(data)
    if refusals:
        keep_apart(data, name, refusals, sender)
        raise PdfRefusedError([(item.code, item.reason) for item in refusals])
    return verdict


def _scan(data: bytes) -> tuple[Refusal, ...]:
    try:
        result = scan(data)
    except ScannerUnavailableError as error:
        logger.warning("providers.scanner.unavailable", why=error.why)
        return (Refusal(NOT_SCANNED, str(error)),)
    if result.found:
        return (Refusal(INFECTED, f"The virus scanner found {result.found} in the file."),)
    return ()


def keep_apart(data: bytes, name: str, refusals: Sequence[Refusal], sender: Sender) -> None:
    """Put a refused file into quarantine with its reasons; the same bytes again are counted.

    Nothing is kept of an empty file, or of one over the size limit, which was not read whole.
    """
    codes = [item.code for item in refusals]
    logger.info("providers.document.refused", door=sender.door.value, codes=codes)
    if not 0 < len(data) <= MAX_BYTES:
        return
    reasons = " ".join(item.reason for item in refusals)
    sha256 = hashlib.sha256(data).hexdigest()
    known = QuarantinedFile.objects.filter(sha256=sha256).update(
        codes=codes,
        reasons=reasons,
        times_seen=F("times_seen") + 1,
        last_seen_at=sender.now,
        released_at=None,
    )
    if known:
        return
    stored = keep(data, folder=QUARANTINE, suffix=".bin", now=sender.now)
    is_kept = False
    try:
        is_kept = _write_quarantined(stored.key, data, display_name(name), refusals, sender)
    finally:
        if not is_kept:
            drop(stored.key)


@transaction.atomic
def _write_quarantined(
    key: str, data: bytes, name: str, refusals: Sequence[Refusal], sender: Sender
) -> bool:
    sha256 = hashlib.sha256(data).hexdigest()
    user = sender.acting_user
    row, is_new = QuarantinedFile.objects.get_or_create(
        sha256=sha256,
        defaults={
            "size_bytes": len(data),
            "storage_key": key,
            "original_name": name,
            "door": sender.door,
            "codes": [item.code for item in refusals],
            "reasons": " ".join(item.reason for item in refusals),
            "created_at": sender.now,
            "last_seen_at": sender.now,
            "uploaded_by_id": user.pk if user else None,
            "client_name": sender.client_name,
        },
    )
    if is_new:
        record_audit(
            action="providers.document.quarantined",
            actor=user,
            subject=f"quarantine:{row.pk}",
            details={"sha256": sha256, "codes": row.codes, "door": sender.door.value},
            now=sender.now,
        )
    return is_new


def keep_bytes(data: bytes, sender: Sender) -> str:
    """Store a document's bytes for the transaction that comes next; return their key."""
    return keep(data, folder=DOCUMENTS, suffix=".pdf", now=sender.now).key


def document_row(
    vetted: VettedPdf,
    name: str,
    key: str,
    sender: Sender,
    *,
    judged_after_decisions: int | None = None,
) -> Document:
    """Return the row of these bytes, in the caller's transaction; bytes on file have theirs."""
    user = sender.acting_user
    document, _ = Document.objects.get_or_create(
        sha256=vetted.sha256,
        defaults={
            "size_bytes": vetted.size_bytes,
            "storage_key": key,
            "original_name": display_name(name),
            "page_count": vetted.page_count,
            "link_count": vetted.link_count,
            "text": vetted.text,
            "signature_state": vetted.signature.state.value,
            "signature_detail": vetted.signature.detail[:255],
            "signer": vetted.signature.signer,
            "signed_at": vetted.signature.signed_at,
            "signature_coverage": vetted.signature.coverage,
            "signature_checked_at": sender.now,
            "judged_after_decisions": judged_after_decisions,
            "created_at": sender.now,
            "uploaded_by_id": user.pk if user else None,
        },
    )
    return document
