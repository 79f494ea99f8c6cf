"""Take a provider's statement: evidence first, rows as Parquet, one row in PostgreSQL."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import structlog
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction

from apps.core.services import publish, record_audit
from apps.providers.selectors import provider_by_code
from apps.reconciliation import evidence, selectors
from apps.reconciliation.contracts import ImportOutcome, ParsedStatement
from apps.reconciliation.engine.changes import count_changes
from apps.reconciliation.engine.duck import open_engine
from apps.reconciliation.engine.normalise import judge_rows, load_rows, write_parquet
from apps.reconciliation.engine.unpack import Fingerprint, Limits, fingerprint, unpack
from apps.reconciliation.enums import StatementSource, StatementState
from apps.reconciliation.errors import FileNotReadableError, StatementRefusedError
from apps.reconciliation.events import StatementRefused
from apps.reconciliation.locks import wait_for_transaction
from apps.reconciliation.models import StatementFile

logger = structlog.get_logger()

_NOTHING: Final = ParsedStatement(0, 0, 0, 0, 0, date.min)

type Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to take. ``day`` is derived from the rows when it isn't given."""

    path: Path
    name: str
    provider: str
    day: date | None = None
    source: StatementSource = StatementSource.UPLOAD


@dataclass(slots=True)
class _Reading:
    """What is known of a file so far; grows while it is read, so that a refusal can tell it."""

    upload: Upload
    provider: Any
    mark: Fingerprint
    format: str = ""
    report: ParsedStatement = _NOTHING
    parquet: Path | None = None


def import_statement(
    upload: Upload,
    *,
    acting_user: AbstractBaseUser | None,
    now: datetime,
    progress: Progress = lambda _: None,
    limits: Limits | None = None,
) -> ImportOutcome:
    """Take a statement file; exactly the same bytes a second time change nothing.

    A newer file of the same day takes the place of the one in use, which stays as evidence; what
    differs shows as breaks at the next reconciliation. Rows with a fault are left out and reported;
    too many of them refuse the file.

    Raises:
        StatementRefusedError: nothing of the file is in use; ``statement_id`` has its report.
        FileNotReadableError: the operating system won't give us the file.
        UnknownProviderError: no such provider.
    """
    provider = provider_by_code(upload.provider)
    try:
        mark = fingerprint(upload.path)
    except OSError as error:
        raise FileNotReadableError(upload.name, error.strerror or "unknown reason") from error
    known = selectors.taken_statement(provider.pk, mark.sha256)
    if known is not None:
        return _outcome(known, provider.code, is_new=False)
    reading = _Reading(upload, provider, mark)
    with TemporaryDirectory(prefix="pitboss-import-") as folder:
        try:
            _read(reading, Path(folder), progress, limits or Limits())
        except StatementRefusedError as refusal:
            refusal.statement_id = _keep_refusal(reading, refusal, acting_user, now)
            raise
        progress("Storing")
        return _keep(reading, Path(folder), acting_user, now)


def _read(reading: _Reading, work: Path, progress: Progress, limits: Limits) -> None:
    lines = work / "lines"
    progress("Unpacking")
    file_format = unpack(reading.upload.path, lines, is_gzip=reading.mark.is_gzip, limits=limits)
    reading.format = file_format.value
    with open_engine(work) as engine:
        progress("Reading rows")
        load_rows(engine, lines, file_format)
        progress("Checking rows")
        reading.report, refusal = judge_rows(
            engine,
            time_zone=reading.provider.reporting_timezone,
            day=reading.upload.day,
            allowed_basis_points=settings.PITBOSS_STATEMENT_BAD_ROWS_BP,
        )
        if refusal is not None:
            raise refusal
        progress("Writing Parquet")
        reading.parquet = work / "rows.parquet"
        write_parquet(engine, reading.parquet)


def _keep(
    reading: _Reading, work: Path, acting_user: AbstractBaseUser | None, now: datetime
) -> ImportOutcome:
    if reading.parquet is None:  # _read sets it or raises
        raise AssertionError
    provider, day = reading.provider, reading.report.day
    parquet_sha256 = evidence.digest(reading.parquet)
    row = _row(reading, acting_user, now)
    row.state = StatementState.IMPORTED
    row.day = day
    row.raw_key = _keep_raw(reading, now)
    row.parquet_key = evidence.keep(
        reading.parquet, folder=_folder(provider.code), suffix=".parquet", now=now
    )
    row.parquet_sha256 = parquet_sha256
    row.changes = _changes(reading.parquet, provider.pk, day, work)
    taken = _put_in_use(row, provider.code, acting_user, now)
    logger.info("reconciliation.statement.imported", statement_id=taken.pk, rows=taken.rows_good)
    return _outcome(taken, provider.code, is_new=taken is row)


def _changes(parquet: Path, provider_id: int, day: date, work: Path) -> dict[str, Any]:
    before = selectors.statement_in_use(provider_id, day)
    if before is None:
        return {}
    with (
        evidence.local_copy(before.parquet_key, before.parquet_sha256) as old,
        open_engine(work) as engine,
    ):
        return {"statement_id": before.pk, **count_changes(engine, new=parquet, old=old)}


@transaction.atomic
def _put_in_use(
    row: StatementFile, provider_code: str, acting_user: AbstractBaseUser | None, now: datetime
) -> StatementFile:
    wait_for_transaction(f"statements:{row.provider_id}")
    # Looked up under the lock: a concurrent import of the same file waits above, then finds it.
    known = selectors.taken_statement(row.provider_id, row.sha256)
    if known is not None:
        return known
    row.pk = _next_pk()
    # The old file leaves first, since only one may be in use; its successor's row follows.
    replaced = StatementFile.objects.filter(
        provider_id=row.provider_id, day=row.day, state=StatementState.IMPORTED
    ).update(state=StatementState.SUPERSEDED, superseded_by_id=row.pk)
    row.save(force_insert=True)
    record_audit(
        action="reconciliation.statement_imported",
        actor=acting_user,
        subject=f"{provider_code}:{row.day}",
        details={"statement_id": row.pk, "sha256": row.sha256, "replaced": replaced},
        now=now,
    )
    return row


def _keep_refusal(
    reading: _Reading,
    refusal: StatementRefusedError,
    acting_user: AbstractBaseUser | None,
    now: datetime,
) -> int:
    provider = reading.provider
    row = _row(reading, acting_user, now)
    row.state = StatementState.REFUSED
    row.day = reading.upload.day or (reading.report.day if reading.report.day != date.min else None)
    row.refusal_code = refusal.code
    row.refusal_detail = str(refusal)
    known = selectors.refused_statement(provider.pk, reading.mark.sha256)
    if known is not None:
        return known.pk
    row.raw_key = "" if refusal.code == "file_too_large" else _keep_raw(reading, now)
    with transaction.atomic():
        wait_for_transaction(f"statements:{provider.pk}")
        known = selectors.refused_statement(provider.pk, reading.mark.sha256)
        if known is not None:
            return known.pk
        row.save(force_insert=True)
        publish(
            StatementRefused(provider=provider.code, statement_id=row.pk, code=refusal.code),
            now=now,
        )
    logger.warning("reconciliation.statement.refused", statement_id=row.pk, code=refusal.code)
    return row.pk


def _row(reading: _Reading, acting_user: AbstractBaseUser | None, now: datetime) -> StatementFile:
    report = reading.report
    return StatementFile(
        provider_id=reading.provider.pk,
        source=reading.upload.source,
        sha256=reading.mark.sha256,
        size_bytes=reading.mark.size_bytes,
        original_name=_plain_name(reading.upload.name),
        format=reading.format,
        is_gzip=reading.mark.is_gzip,
        rows_total=report.rows_total,
        rows_good=report.rows_good,
        rows_bad=report.rows_bad,
        rows_demo=report.rows_demo,
        rows_other_day=report.rows_other_day,
        problem_counts=report.problem_counts,
        problems=[problem.as_json() for problem in report.problems],
        imported_at=now,
        imported_by_id=acting_user.pk if acting_user is not None else None,
    )


def _plain_name(name: str) -> str:
    """Keep a file's own name without path or control characters."""
    return "".join(c for c in Path(name).name if c.isprintable())[-255:] or "unnamed"


def _folder(provider_code: str) -> str:
    return f"statements/{provider_code}"


def _keep_raw(reading: _Reading, now: datetime) -> str:
    suffix = f".{reading.format or 'raw'}{'.gz' if reading.mark.is_gzip else ''}"
    return evidence.keep(
        reading.upload.path, folder=_folder(reading.provider.code), suffix=suffix, now=now
    )


def _next_pk() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id'))",
            [StatementFile._meta.db_table],
        )
        return int(cursor.fetchone()[0])


def _outcome(row: StatementFile, provider_code: str, *, is_new: bool) -> ImportOutcome:
    return selectors.import_outcome(row, provider_code, is_new=is_new)


def outcome_as_json(outcome: ImportOutcome) -> dict[str, Any]:
    """Return an import's outcome as plain JSON."""
    return {**asdict(outcome), "day": outcome.day.isoformat() if outcome.day else None}
