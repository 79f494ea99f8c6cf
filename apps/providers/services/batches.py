"""Many documents at once: an archive with or without a register, taken in behind the scenes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Final

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Q

from apps.core.errors import DomainError
from apps.core.services import record_audit
from apps.core.storage import evidence_storage, store_evidence
from apps.providers.enums import BatchState, Door, LineOutcome
from apps.providers.errors import ArchiveRefusedError, PdfRefusedError, RegisterRefusedError
from apps.providers.models import BatchLine, UploadBatch
from apps.providers.pdf.vetting import PdfCheckerUnavailableError, PdfVetter
from apps.providers.register.archive import Archive, open_archive
from apps.providers.register.file import MAX_REGISTER_BYTES, REGISTER_NAMES, read_rows
from apps.providers.register.names import display_name
from apps.providers.selectors.drafts import batch_by_id
from apps.providers.services.drafts import Upload, open_draft
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


@dataclass(frozen=True, slots=True)
class _Work:
    line: int
    name: str
    given: dict[str, str] | None

    @property
    def shown_name(self) -> str:
        """The entry's whole name: two folders may hold files of one name."""
        is_plain = self.name.isprintable() and 0 < len(self.name) <= 255
        return self.name if is_plain else display_name(self.name)


def start_batch(
    upload: BatchUpload, *, acting_user: AbstractBaseUser, now: datetime
) -> UploadBatch:
    """Judge an archive and its register as wholes, keep both, and let the worker take them in.

    Raises:
        ArchiveRefusedError, RegisterRefusedError: nothing was kept.
        StoreUnavailableError
    """
    archive = open_archive(upload.archive, upload.archive_bytes)
    work = list(_work(archive, upload.register))
    if not work:
        raise ArchiveRefusedError("no_files", "The archive holds no files.")
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


def _work(archive: Archive, register: bytes) -> Iterator[_Work]:
    """Yield the rows of the register, then the files that no row names."""
    names = archive.names
    inside = next((name for name in names if _last(name).lower() in REGISTER_NAMES), None)
    if not register and inside is not None:
        register = archive.read(inside)[: MAX_REGISTER_BYTES + 1]
    listed = set()
    for line, fields in read_rows(register) if register else []:
        name = _found(names, (fields or {}).get("file", ""))
        listed.add(name)
        yield _Work(line, name, fields)
    for name in names:
        if name not in listed and name != inside and not name.lower().endswith(".pem"):
            yield _Work(0, name, {})


def _found(names: list[str], wanted: str) -> str:
    """Return the entry a row means: by its whole name, or by its last part if only one has it."""
    if wanted in names:
        return wanted
    alike = [name for name in names if _last(name) == wanted]
    return alike[0] if len(alike) == 1 else wanted


def _last(name: str) -> str:
    return name.rpartition("/")[2]


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
        for work in _work(archive, _register_of(batch)):
            if (work.line, work.shown_name) in taken:
                continue
            if time.monotonic() > deadline:
                break
            _take(work, archive, batch, sender)
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


def _take(work: _Work, archive: Archive, batch: UploadBatch, sender: Sender) -> None:
    line = BatchLine(batch=batch, line=work.line, file_name=work.shown_name)
    try:
        if work.given is None:
            raise RegisterRefusedError("The row has more or fewer fields than the header.")
        data = archive.read(work.name)
        opened = open_draft(Upload(data, work.name, work.given, batch), sender)
    except PdfCheckerUnavailableError:
        # It says nothing about the file: the next slice asks again.
        raise
    except DomainError as refusal:
        line.outcome, line.reason = LineOutcome.REFUSED, str(refusal)
        line.codes = _codes(refusal)
    else:
        line.outcome = LineOutcome.DRAFTED if opened.is_new else LineOutcome.KNOWN
        line.draft = opened.draft
    BatchLine.objects.bulk_create([line], ignore_conflicts=True)
    done = min(batch.done + 1, batch.total)
    batch.done = done
    if done % 10 == 0:
        UploadBatch.objects.filter(pk=batch.pk).update(done=done, state=BatchState.RUNNING)


def _codes(refusal: DomainError) -> list[str]:
    if isinstance(refusal, PdfRefusedError):
        return [code for code, _reason in refusal.refusals]
    if isinstance(refusal, ArchiveRefusedError):
        return [refusal.reason_code]
    return [refusal.code]
