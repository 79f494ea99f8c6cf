"""Taking rows away: asked for, made by a worker from one snapshot, handed out to who asked."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import IO, Any, Final

import structlog
from django.core.signing import BadSignature, TimestampSigner
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Q, QuerySet

from apps.auditing.archive import ExportArchive, manifest_bytes
from apps.auditing.contracts import ExportRequest
from apps.auditing.enums import ExportFormat, ExportState
from apps.auditing.errors import (
    AuditingError,
    ExportAlteredError,
    ExportNotReadyError,
    ExportNotYoursError,
    ExportTooLargeError,
    LinkExpiredError,
    PersonalDataNotYoursError,
    UnknownExportError,
)
from apps.auditing.models import Export, Sample
from apps.auditing.selectors import narrowing_of, rows_of_sample
from apps.auditing.services import consents
from apps.auditing.services.samples import check_narrowing, permitted_population
from apps.auditing.services.trail import note_export, what_is_asked
from apps.core.errors import StoreUnavailableError
from apps.core.populations import Population, population_by_name
from apps.core.reasons import require_reason
from apps.core.selectors import newest_audit_entries
from apps.core.storage import (
    StoredEvidence,
    asking_the_store,
    evidence_storage,
    store_evidence,
)
from apps.staff.selectors import Person

logger = structlog.get_logger(__name__)

FOLDER: Final = "exports"
LARGEST: Final = 250_000
LINK_SECONDS: Final = 60
_PATIENCE: Final = timedelta(minutes=5)
_MOST_ATTEMPTS: Final = 3
_GIVEN_UP: Final = (
    f"Begun {_MOST_ATTEMPTS} times and never done: too much for one file, or the store was away. "
    "Narrow it, or ask again."
)
KEPT_FOR: Final = timedelta(days=7)
_UNMASK: Final = "staff.unmask_personal_data"
_CHUNK_BYTES: Final = 1 << 20
_NOTES: Final = {
    ExportFormat.CSV: "Moments are UTC. Text that a spreadsheet would run begins with an "
    "apostrophe.",
    ExportFormat.JSONL: "Moments are UTC. Each line is one object; fractions are text. Text is as "
    "it is stored.",
}


@transaction.atomic
def request_export(request: ExportRequest, *, acting_user: Person, now: datetime) -> Export:
    """Ask for rows to take away; a worker makes the file. The request is an audit entry.

    Personal data and many rows wait for a second person before the worker has them.

    Raises:
        UnknownPopulationError, PopulationNotYoursError, PeriodError, UnusedFilterError,
        ReasonRequiredError, PersonalDataNotYoursError, PopulationTooSlowError: as they say.
    """
    sample = None
    if request.sample_id is not None:
        sample = Sample.objects.get(pk=request.sample_id)
        narrowing = narrowing_of(sample, sample.drawn_at)
        request = replace(request, population=sample.population, narrowing=narrowing)
    population = permitted_population(request.population, acting_user)
    check_narrowing(population, request.narrowing, now)
    require_reason(request.reason)
    if request.with_personal_data and not acting_user.has_perm(_UNMASK):
        raise PersonalDataNotYoursError
    export = Export(
        population=population.name,
        since=request.narrowing.since,
        until=request.narrowing.until,
        provider_code=request.narrowing.provider_code,
        jurisdiction=request.narrowing.jurisdiction,
        sample=sample,
        with_personal_data=request.with_personal_data,
        file_format=request.file_format,
        reason=request.reason.strip(),
        requested_by_id=acting_user.pk or 0,
        requested_at=now,
    )
    export.why_second_person = consents.why_two_people(export, population)
    if export.why_second_person:
        export.needs_second_person = True
        export.state = ExportState.AWAITING
    export.save(force_insert=True)
    details = {**what_is_asked(export), "file_format": export.file_format}
    note_export(export, "requested", acting_user, details, now, reason=export.reason)
    if export.needs_second_person:
        consents.ask_second_person(export, acting_user, now)
    return export


@transaction.atomic(durable=True)
def begin_export(*, now: datetime) -> int | None:
    """Take the export that waits longest, or one whose worker died; None where there is none.

    Skips what another worker is taking. One that was begun too often is marked as failed.
    """
    consents.close_refused(now=now)
    waits = Q(state=ExportState.WAITING) | Q(state=ExportState.MAKING, begun_at__lt=now - _PATIENCE)
    taken = Export.objects.select_for_update(skip_locked=True).filter(waits).order_by("pk")
    for export in taken:
        if export.attempts < _MOST_ATTEMPTS:
            export.state = ExportState.MAKING
            export.begun_at = now
            export.attempts += 1
            export.rows_written = 0
            export.save(update_fields=["state", "begun_at", "attempts", "rows_written"])
            return export.pk
        _fail(export.pk, _GIVEN_UP, now)
    return None


def make_export(export_id: int, *, now: datetime) -> None:
    """Write the file from one snapshot, store it, and record its hashes; begin it first.

    Where another worker was quicker, its file stays. What can't be made is marked as failed, with
    the reason. What the store doesn't take is begun again later, as if the worker had died.

    Raises:
        StoreUnavailableError: it gave no answer.
    """
    export = Export.objects.select_related("sample", "requested_by", "approved_by").get(
        pk=export_id
    )
    with tempfile.TemporaryFile() as file:
        try:
            with _progress(export_id) as told:
                manifest = _write(export, file, told)
        except AuditingError as refusal:
            _fail(export_id, str(refusal), now)
            return
        file.seek(0)
        with asking_the_store():
            stored = store_evidence(file, folder=FOLDER, suffix=".zip", now=now)
    _finish(export_id, stored, manifest, now)


def mint_link(*, export_id: int, acting_user: Person, now: datetime) -> str:
    """Return a token that lets the person who asked, and nobody else, fetch the file for a minute.

    Raises:
        UnknownExportError, ExportNotYoursError, PopulationNotYoursError, ExportNotReadyError: as
            they say.
    """
    export = _downloadable(export_id, acting_user)
    note_export(export, "link_minted", acting_user, {"seconds": LINK_SECONDS}, now)
    return _signer().sign(_claim(export_id, acting_user))


def hand_out(
    *, export_id: int, token: str, acting_user: Person, now: datetime
) -> tuple[Export, IO[bytes]]:
    """Return an export and its file, proven unaltered; the audit entry comes first.

    Raises:
        LinkExpiredError, UnknownExportError, ExportNotYoursError, PopulationNotYoursError,
        ExportNotReadyError, ExportAlteredError, StoreUnavailableError: as they say.
    """
    try:
        claim = _signer().unsign(token, max_age=LINK_SECONDS)
    except BadSignature as error:
        raise LinkExpiredError from error
    if claim != _claim(export_id, acting_user):
        raise LinkExpiredError
    export = _downloadable(export_id, acting_user)
    try:
        with asking_the_store():
            stream = _proven(export)
    except FileNotFoundError as error:
        raise ExportAlteredError from error
    note_export(export, "downloaded", acting_user, {"sha256": export.sha256}, now)
    return export, stream


def drop_old_files(*, now: datetime) -> int:
    """Delete the files of exports made a week ago; what they were stays on record.

    One that can't be deleted now keeps none of the others; it is tried again with the next run.
    """
    old = Export.objects.filter(
        state=ExportState.READY, dropped_at__isnull=True, finished_at__lt=now - KEPT_FOR
    )
    dropped = 0
    for export in old.order_by("pk"):
        try:
            with asking_the_store():
                evidence_storage().delete(export.storage_key)
        except StoreUnavailableError:
            logger.warning("auditing.export.not_dropped", export_id=export.pk)
            continue
        with transaction.atomic():
            Export.objects.filter(pk=export.pk).update(dropped_at=now)
            note_export(export, "file_dropped", None, {"sha256": export.sha256}, now)
        dropped += 1
    return dropped


def _proven(export: Export) -> IO[bytes]:
    """Open the stored file, read once to its end and found unaltered."""
    stream: IO[bytes] = evidence_storage().open(export.storage_key)
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
    if digest.hexdigest() != export.sha256:
        stream.close()
        raise ExportAlteredError
    stream.seek(0)
    return stream


def _downloadable(export_id: int, person: Person) -> Export:
    export = Export.objects.filter(pk=export_id).first()
    if export is None:
        raise UnknownExportError(export_id)
    if export.requested_by_id != person.pk:
        raise ExportNotYoursError
    permitted_population(export.population, person)
    if export.with_personal_data and not person.has_perm(_UNMASK):
        raise PersonalDataNotYoursError
    if export.state != ExportState.READY or export.dropped_at is not None:
        raise ExportNotReadyError
    return export


@contextmanager
def _progress(export_id: int) -> Iterator[Callable[[int], None]]:
    """Tell how far it is through a connection of its own: the snapshot's one only reads."""
    other = connections.create_connection(DEFAULT_DB_ALIAS)

    def told(rows: int) -> None:
        with other.cursor() as cursor:
            cursor.execute(
                "UPDATE auditing_export SET rows_written = %s WHERE id = %s AND state = 'making'",
                [rows, export_id],
            )

    try:
        yield told
    finally:
        other.close()


def _write(export: Export, file: IO[bytes], told: Callable[[int], None]) -> dict[str, Any]:
    population = population_by_name(export.population)
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT transaction_timestamp()")
            (snapshot_at,) = cursor.fetchone()
        rows = _rows(export, population)
        members = rows.count()
        if members > LARGEST:
            raise ExportTooLargeError(members, LARGEST)
        consents.check_consent(export, members)
        archive = ExportArchive(file, told, ExportFormat(export.file_format))
        for part in population.files:
            archive.add(part, part.rows(rows), with_personal_data=export.with_personal_data)
        return archive.close(_facts(export, members, snapshot_at))


def _rows(export: Export, population: Population) -> QuerySet[Any]:
    if export.sample is None:
        return population.rows(narrowing_of(export, export.requested_at))
    ids = export.sample.members.values_list("member_id", flat=True)
    return rows_of_sample(export.sample).filter(pk__in=list(ids))


def _facts(export: Export, members: int, snapshot_at: datetime) -> dict[str, Any]:
    """Say what the files are, as of the snapshot they were read from."""
    head = next(iter(newest_audit_entries(limit=1)), None)
    return {
        **what_is_asked(export),
        "export": export.pk,
        "members": members,
        "asked_by": export.requested_by.get_username(),
        "asked_at": export.requested_at.astimezone(UTC).isoformat(),
        "agreed_by": export.approved_by.get_username() if export.approved_by else None,
        "reason": export.reason,
        "snapshot_at": snapshot_at.astimezone(UTC).isoformat(),
        "audit_chain": {
            "entries": head.sequence if head else 0,
            "head_hash": head.entry_hash if head else "",
        },
        "notes": [
            "Amounts are whole minor units of the currency beside them.",
            _NOTES[ExportFormat(export.file_format)],
        ],
    }


@transaction.atomic
def _finish(
    export_id: int, stored: StoredEvidence, manifest: dict[str, Any], now: datetime
) -> None:
    export = Export.objects.select_for_update().get(pk=export_id)
    if export.state != ExportState.MAKING:
        logger.info("auditing.export.made_twice", export_id=export_id)
        transaction.on_commit(lambda: evidence_storage().delete(stored.key))
        return
    export.state = ExportState.READY
    export.finished_at = now
    export.storage_key = stored.key
    export.sha256 = stored.sha256
    export.size_bytes = stored.size_bytes
    export.rows_written = sum(part["rows"] for part in manifest["files"])
    export.manifest = manifest
    export.save(
        update_fields=[
            "state",
            "finished_at",
            "storage_key",
            "sha256",
            "size_bytes",
            "rows_written",
            "manifest",
        ]
    )
    details = {
        "sha256": stored.sha256,
        "manifest_sha256": hashlib.sha256(manifest_bytes(manifest)).hexdigest(),
        "files": {part["name"]: part["sha256"] for part in manifest["files"]},
    }
    note_export(export, "made", None, details, now)


@transaction.atomic
def _fail(export_id: int, why: str, now: datetime) -> None:
    export = Export.objects.select_for_update().get(pk=export_id)
    if export.state != ExportState.MAKING:
        return
    export.state = ExportState.FAILED
    export.finished_at = now
    export.failure = why[:300]
    export.save(update_fields=["state", "finished_at", "failure"])
    note_export(export, "failed", None, {"why": export.failure}, now)


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="auditing.export")


def _claim(export_id: int, person: Person) -> str:
    return f"{export_id}.{person.pk}"
