"""Prove on a schedule that every document in the store is the one that was taken."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import structlog
from django.db import transaction

from apps.core.errors import StoreUnavailableError
from apps.core.services import publish, record_audit
from apps.core.storage import asking_the_store, evidence_storage
from apps.providers.enums import IntegrityState, SignatureState
from apps.providers.errors import DocumentAlteredError
from apps.providers.events import DocumentDamaged
from apps.providers.models import Document, QuarantinedFile, UploadBatch
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.selectors.certificates import lab_of_document, roots_in_force
from apps.providers.services.past_cover import tell_of_signature
from apps.providers.services.store import BATCHES, DOCUMENTS, QUARANTINE, drop, fetch

logger = structlog.get_logger(__name__)

# A file is stored before the row that names it: what is from yesterday or today may still get one.
_ORPHAN_DAYS = 2


@dataclass(slots=True)
class IntegrityReport:
    """``unread`` were not judged, because the store gave no answer: nothing is known of them."""

    checked: int = 0
    damaged: list[tuple[int, str, str]] = field(default_factory=list)
    recovered: list[int] = field(default_factory=list)
    unread: int = 0
    swept: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.damaged and not self.unread


def check_documents(*, vetter: PdfVetter, now: datetime) -> IntegrityReport:
    """Read every stored document and compare its hash; a damaged one proves nothing any more.

    Its certificates cover nothing from that moment, and people are told, once for each change. A
    document that is whole again (restored from a version) is judged anew. A store that gives no
    answer changes nothing: what can't be read is not called missing.
    """
    report = IntegrityReport()
    for document in Document.objects.order_by("pk").defer("text").iterator(200):
        try:
            data = fetch(document.storage_key, document.size_bytes)
        except StoreUnavailableError:
            report.unread += 1
            continue
        report.checked += 1
        _settle(document, data, report, vetter, now)
    logger.info(
        "providers.documents.checked",
        checked=report.checked,
        damaged=len(report.damaged),
        unread=report.unread,
    )
    return report


def _settle(
    document: Document,
    data: bytes | None,
    report: IntegrityReport,
    vetter: PdfVetter,
    now: datetime,
) -> None:
    state = _state(document, data)
    if state != IntegrityState.INTACT:
        report.damaged.append((document.pk, document.original_name, state.value))
    if state == document.integrity_state and not _was_doubted_between(document):
        Document.objects.filter(pk=document.pk).update(integrity_checked_at=now)
        return
    found: dict[str, str | int | None] = {
        "signature_state": SignatureState.INVALID.value,
        "signature_detail": _TEXTS[state],
    }
    if state == IntegrityState.INTACT and data is not None:
        report.recovered.append(document.pk)
        lab = lab_of_document(document)
        roots = roots_in_force(lab)
        signature = vetter.vet(data, trusted_pems=roots.pems, moment=now).signature
        found = {
            "signature_state": signature.state.value,
            "signature_detail": signature.detail[:255],
            "judged_after_decisions": roots.decisions if lab else None,
        }
    _write(document, state, found, now)


def _was_doubted_between(document: Document) -> bool:
    """Say whether its signature was judged while the file was not whole, and no check saw that."""
    doubt = str(DocumentAlteredError(document.pk))[:255]
    is_intact = document.integrity_state == IntegrityState.INTACT
    return is_intact and document.signature_detail == doubt


_TEXTS = {
    IntegrityState.INTACT: "",
    IntegrityState.ALTERED: "The stored file is not the one that was taken: its hash differs.",
    IntegrityState.MISSING: "The stored file is gone.",
}


def _state(document: Document, data: bytes | None) -> IntegrityState:
    if data is None:
        return IntegrityState.MISSING
    if hashlib.sha256(data).hexdigest() != document.sha256:
        return IntegrityState.ALTERED
    return IntegrityState.INTACT


@transaction.atomic
def _write(
    document: Document,
    state: IntegrityState,
    found: dict[str, str | int | None],
    now: datetime,
) -> None:
    Document.objects.filter(pk=document.pk).update(
        integrity_state=state, integrity_checked_at=now, **found
    )
    after = str(found["signature_state"])
    tell_of_signature(document.pk, document.signature_state, after, now=now)
    record_audit(
        action=f"providers.document.{state.value}",
        actor=None,
        subject=f"document:{document.pk}",
        details={"sha256": document.sha256, "before": document.integrity_state},
        now=now,
    )
    if state != IntegrityState.INTACT:
        publish(DocumentDamaged(document_id=document.pk, state=state.value), now=now)


def sweep_orphans(*, now: datetime) -> list[str]:
    """Delete stored files that no row names, left by a process that died between file and row.

    Raises:
        StoreUnavailableError: what was swept until then stays swept.
    """
    before = now.astimezone(UTC).date() - timedelta(days=_ORPHAN_DAYS)
    known = set(Document.objects.values_list("storage_key", flat=True))
    known |= set(QuarantinedFile.objects.values_list("storage_key", flat=True))
    for keys in UploadBatch.objects.values_list("archive_key", "register_key"):
        known.update(keys)
    swept = [
        key
        for folder in (DOCUMENTS, QUARANTINE, BATCHES)
        for key in _keys(folder, before)
        if key not in known
    ]
    for key in swept:
        drop(key)
        logger.info("providers.document.orphan_swept", key=key)
    return swept


def _keys(folder: str, before: date) -> Iterator[str]:
    """Yield the keys of days before ``before``; a key is FOLDER/YYYY/MM/DD/NAME."""
    for year in _children(folder):
        for month in _children(f"{folder}/{year}"):
            for day in _children(f"{folder}/{year}/{month}"):
                if date(int(year), int(month), int(day)) < before:
                    place = f"{folder}/{year}/{month}/{day}"
                    yield from (f"{place}/{name}" for name in _listing(place)[1])


def _children(place: str) -> list[str]:
    return sorted(name for name in _listing(place)[0] if name.isdigit())


def _listing(place: str) -> tuple[list[str], list[str]]:
    try:
        with asking_the_store():
            return evidence_storage().listdir(place)
    except FileNotFoundError:
        return [], []
