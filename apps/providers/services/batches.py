"""Many documents at once: an archive with or without a register, taken in behind the scenes."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Final

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Q

from apps.core.services import record_audit
from apps.core.storage import evidence_storage, store_evidence
from apps.providers.enums import BatchState, Door
from apps.providers.errors import DeliveryRefusedError
from apps.providers.models import BatchLine, UploadBatch
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register.archive import Archive, open_archive
from apps.providers.register.delivery import Piece, pieces
from apps.providers.register.file import MAX_REGISTER_BYTES
from apps.providers.register.names import display_name
from apps.providers.selectors.drafts import batch_by_id
from apps.providers.services.deliveries import take_piece
from apps.providers.services.intake import Sender
from apps.providers.services.store import BATCHES, keep

logger = structlog.get_logger(__name__)

SLICE_SECONDS: Final = 60.0
"""How long one task works on a batch before another goes on: far below the task's time limit."""
_LEASE = timedelta(seconds=2 * SLICE_SECONDS)
_OPEN = (BatchState.WAITING, BatchState.RUNNING)


@dataclass(frozen=True, slots=True)
class BatchUpload:
    """What a person sends: the archive as a file, and the spreadsheet's bytes if there is one."""

    archive: BinaryIO
    archive_name: str
    archive_bytes: int
    register: bytes = b""
    register_name: str = ""


def start_batch(
    upload: BatchUpload, *, acting_user: AbstractBaseUser, now: datetime
) -> UploadBatch:
    """Judge an archive and its register as wholes, keep both, and let the worker take them in.

    Raises:
        DeliveryRefusedError, RegisterRefusedError: nothing was kept.
        StoreUnavailableError
    """
    archive = open_archive(upload.archive, upload.archive_bytes)
    work = pieces(archive, upload.register)
    if not work:
        raise DeliveryRefusedError("no_files", "The archive holds no files.")
    register_key = (
        keep(upload.register, folder=BATCHES, suffix=".register", now=now).key
        if upload.register
        else ""
    )
    upload.archive.seek(0)
    stored = store_evidence(upload.archive, folder=BATCHES, suffix=".zip", now=now)
    return _write_batch(upload, (register_key, stored.key), len(work), acting_user, now)


@transaction.atomic
def _write_batch(
    upload: BatchUpload,
    keys: tuple[str, str],
    total: int,
    acting_user: AbstractBaseUser,
    now: datetime,
) -> UploadBatch:
    batch = UploadBatch.objects.create(
        register_key=keys[0],
        archive_key=keys[1],
        register_name=display_name(upload.register_name) if upload.register else "",
        archive_name=display_name(upload.archive_name),
        total=total,
        created_at=now,
        uploaded_by_id=acting_user.pk,
    )
    record_audit(
        action="providers.batch.uploaded",
        actor=acting_user,
        subject=f"batch:{batch.pk}",
        details={"files": total},
        now=now,
    )
    return batch


def lease_batch(*, now: datetime) -> int | None:
    """Claim the batch that waits longest, for one slice; None where nobody may take any.

    A worker that dies leaves its lease behind; it runs out.
    """
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    for batch_id in (
        UploadBatch.objects.filter(free, state__in=_OPEN)
        .order_by("pk")
        .values_list("pk", flat=True)
    ):
        if UploadBatch.objects.filter(free, pk=batch_id).update(leased_until=now + _LEASE):
            return batch_id
    return None


def take_batch(*, batch_id: int, vetter: PdfVetter, now: datetime) -> UploadBatch:
    """Take in what is left of a batch, for a while; each file's outcome is written by itself.

    A repeat goes on where the last one stopped.

    Raises:
        UnknownCertificateError, PdfCheckerUnavailableError, StoreUnavailableError
    """
    batch = batch_by_id(batch_id)
    if batch.state not in _OPEN:
        return batch
    sender = Sender(Door.BATCH, batch.uploaded_by, now, vetter)
    deadline = time.monotonic() + SLICE_SECONDS
    taken = set(batch.lines.values_list("line", "file_name"))
    with evidence_storage().open(batch.archive_key) as stream:
        archive = open_archive(stream, 0)
        for piece in pieces(archive, _register_of(batch)):
            if (piece.line, piece.shown_name) in taken:
                continue
            if time.monotonic() > deadline:
                break
            _take(piece, archive, batch, sender)
    batch.done = batch.lines.count()
    batch.state = BatchState.DONE if batch.done >= batch.total else BatchState.RUNNING
    batch.done = min(batch.done, batch.total)
    batch.finished_at = now if batch.state == BatchState.DONE else None
    batch.leased_until = None
    batch.save(update_fields=["done", "state", "finished_at", "leased_until"])
    logger.info("providers.batch.taken", batch_id=batch.pk, done=batch.done, total=batch.total)
    return batch


def _register_of(batch: UploadBatch) -> bytes:
    if not batch.register_key:
        return b""
    with evidence_storage().open(batch.register_key) as stream:
        data: bytes = stream.read(MAX_REGISTER_BYTES + 1)
    return data


def _take(piece: Piece, archive: Archive, batch: UploadBatch, sender: Sender) -> None:
    taken = take_piece(archive, piece, sender, batch)
    line = BatchLine(
        batch=batch,
        line=piece.line,
        file_name=piece.shown_name,
        outcome=taken.outcome,
        draft=taken.draft,
        codes=list(taken.codes),
        reason=taken.reason,
    )
    BatchLine.objects.bulk_create([line], ignore_conflicts=True)
    done = min(batch.done + 1, batch.total)
    batch.done = done
    if done % 10 == 0:
        UploadBatch.objects.filter(pk=batch.pk).update(done=done, state=BatchState.RUNNING)
