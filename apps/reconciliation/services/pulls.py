"""Pull a provider's round log, page by page, and take each complete day as a statement."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from apps.core import http
from apps.core.errors import DomainError, OutboundRequestError, UnexpectedStatusError
from apps.core.storage import store_evidence
from apps.providers.selectors import all_providers, provider_by_code
from apps.reconciliation import evidence, selectors
from apps.reconciliation.contracts import PullOutcome
from apps.reconciliation.engine.pages import (
    PAGE_SIZE,
    Page,
    read_page,
    seconds_to_wait,
    write_statement,
)
from apps.reconciliation.enums import PullState, StatementSource
from apps.reconciliation.errors import (
    ExportLoopError,
    ExportRefusedError,
    ExportThrottledError,
    ExportUnreachableError,
    ExportUnreadableError,
    PullBusyError,
    PullNotConfiguredError,
)
from apps.reconciliation.locks import try_lock
from apps.reconciliation.models import PullCursor, PulledPage
from apps.reconciliation.services.imports import Upload, import_statement

logger = structlog.get_logger()

TRIES: Final = 4
_PAGE_SECONDS: Final = 30
_PAGE_BYTES: Final = 32 << 20
_PATIENCE_SECONDS: Final = 20
_MAX_DAYS: Final = 62

type Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class PullOptions:
    """How a pull behaves; tests don't sleep. ``progress`` gets pages done and pages announced."""

    acting_user: AbstractBaseUser | None = None
    progress: Progress = lambda _done, _all: None
    pause: Callable[[float], None] = time.sleep
    page_size: int = PAGE_SIZE


def pull_day(
    *, provider_code: str, day: date, now: datetime, options: PullOptions | None = None
) -> PullOutcome:
    """Pull one day and take it as the day's statement; go on where an earlier pull stopped.

    Each page is stored before the cursor moves past it, so a crash repeats at most one page. A day
    that was pulled to its end is pulled again from page one, for late rows; the same content
    changes nothing then.

    Raises:
        PullFailedError: a subclass says why; the cursor stays at the page that failed.
        PullBusyError, PullNotConfiguredError, UnknownProviderError, StatementRefusedError.
    """
    provider = provider_by_code(provider_code)
    if not provider.export_url or not provider.export_token:
        raise PullNotConfiguredError(provider_code)
    chosen = options or PullOptions()
    with try_lock(f"pull:{provider.pk}") as is_mine:
        if not is_mine:
            raise PullBusyError(provider_code)
        cursor = _cursor(provider.pk, day, now)
        try:
            _pull_pages(provider, cursor, now, chosen)
            return _take(provider, cursor, now, chosen)
        except DomainError as error:
            _note_failure(cursor, error, now)
            raise


def days_to_pull(*, provider_code: str, since: date | None, now: datetime) -> list[date]:
    """Return the complete days to pull, oldest first.

    Without ``since``: from the last complete day on, that one again for its late rows.
    """
    provider = provider_by_code(provider_code)
    yesterday = now.astimezone(ZoneInfo(provider.reporting_timezone)).date() - timedelta(days=1)
    first = since or selectors.last_pulled_day(provider.pk) or yesterday
    count = min((yesterday - first).days + 1, _MAX_DAYS)
    return [first + timedelta(days=n) for n in range(count)]


def providers_to_pull(*, since: date | None, now: datetime) -> list[str]:
    """Return the providers that have something to pull from, by code.

    One that is switched off is left out once it has nothing more to settle.
    """
    found = []
    for provider in all_providers():
        if not provider.export_url or not provider.export_token:
            continue
        days = days_to_pull(provider_code=provider.code, since=since, now=now)
        if provider.is_active or (days and selectors.is_settling(provider, days[0])):
            found.append(provider.code)
    return found


def pull_all(*, now: datetime) -> dict[str, str]:
    """Pull what is due from every provider; one that fails doesn't keep the others waiting.

    Returns what happened by provider: the code of a refusal, or "done".
    """
    answers: dict[str, str] = {}
    for code in providers_to_pull(since=None, now=now):
        provider = provider_by_code(code)
        answers[code] = "done"
        for day in days_to_pull(provider_code=provider.code, since=None, now=now):
            if selectors.is_pull_paused(provider.pk, day, now):
                answers[provider.code] = ExportThrottledError.code
                continue
            try:
                pull_day(provider_code=provider.code, day=day, now=now)
            except DomainError as error:
                answers[provider.code] = error.code
                logger.warning(
                    "reconciliation.pull.failed", provider=provider.code, code=error.code
                )
    return answers


@transaction.atomic
def _cursor(provider_id: int, day: date, now: datetime) -> PullCursor:
    cursor, is_new = PullCursor.objects.get_or_create(
        provider_id=provider_id, day=day, defaults={"started_at": now, "moved_at": now}
    )
    must_restart = cursor.state == PullState.COMPLETE or _must_start_over(cursor)
    if not is_new and must_restart:
        cursor.attempt += 1
        cursor.next_page, cursor.pages, cursor.rows = 1, None, 0
        cursor.started_at = now
    cursor.state = PullState.PULLING
    cursor.last_error = ""
    cursor.not_before = None
    cursor.save()
    return cursor


def _must_start_over(cursor: PullCursor) -> bool:
    """A pull that had every page and still failed would fail the same way again."""
    return cursor.pages is not None and cursor.next_page > cursor.pages


def _pull_pages(provider: Any, cursor: PullCursor, now: datetime, options: PullOptions) -> None:
    while cursor.pages is None or cursor.next_page <= cursor.pages:
        body = _fetch(provider, cursor, now, options)
        page = read_page(body, day=cursor.day, page=cursor.next_page)
        _keep_page(provider, cursor, body, page, now)
        options.progress(page.page, page.pages)
        if page.page >= page.pages and cursor.rows != page.total:
            raise ExportUnreadableError(
                f"its pages hold {cursor.rows:,} rows, its total says {page.total:,}"
            )


def _fetch(provider: Any, cursor: PullCursor, now: datetime, options: PullOptions) -> bytes:
    query = urlencode(
        {
            "day": cursor.day.isoformat(),
            "format": "json",
            "page": cursor.next_page,
            "page_size": options.page_size,
        }
    )
    for attempt in range(1, TRIES + 1):
        try:
            return http.get(
                f"{provider.export_url}?{query}",
                headers={"authorization": f"Bearer {provider.export_token}"},
                timeout_seconds=_PAGE_SECONDS,
                max_bytes=_PAGE_BYTES,
            ).body
        except UnexpectedStatusError as error:
            if error.status != 429 and error.status < 500:
                raise ExportRefusedError(error.status) from error
            seconds = seconds_to_wait(error.retry_after, now=now) if error.retry_after else None
            _wait(attempt, options, seconds=seconds, failure=ExportRefusedError(error.status))
        except OutboundRequestError as error:
            _wait(attempt, options, seconds=None, failure=ExportUnreachableError(error.code))
    raise AssertionError  # the last failed try has raised


def _wait(attempt: int, options: PullOptions, *, seconds: int | None, failure: DomainError) -> None:
    """Wait before the next try, longer each time and never in step with others; or give up."""
    if seconds is not None and seconds > _PATIENCE_SECONDS:
        raise ExportThrottledError(seconds)
    if attempt == TRIES:
        raise failure
    jitter = random.randint(0, 1000) / 1000  # noqa: S311 - spreads retries, guards nothing
    options.pause((2**attempt / 2 if seconds is None else seconds) + jitter)


def _keep_page(provider: Any, cursor: PullCursor, body: bytes, page: Page, now: datetime) -> None:
    pages = PulledPage.objects.filter(
        provider_id=provider.pk, day=cursor.day, attempt=cursor.attempt
    )
    if page.rows and pages.filter(rows_sha256=page.rows_sha256).exists():
        raise ExportLoopError(page.page)
    stored = store_evidence(body, folder=f"pulls/{provider.code}", suffix=".json", now=now)
    with transaction.atomic():
        PulledPage.objects.create(
            provider_id=provider.pk,
            day=cursor.day,
            attempt=cursor.attempt,
            page=page.page,
            sha256=stored.sha256,
            rows_sha256=page.rows_sha256,
            raw_key=stored.key,
            rows=len(page.rows),
            fetched_at=now,
        )
        cursor.next_page = page.page + 1
        cursor.pages = page.pages
        cursor.rows += len(page.rows)
        cursor.moved_at = now
        cursor.save(update_fields=["next_page", "pages", "rows", "moved_at"])


def _take(provider: Any, cursor: PullCursor, now: datetime, options: PullOptions) -> PullOutcome:
    with TemporaryDirectory(prefix="pitboss-pull-") as folder:
        path = Path(folder) / "pulled"
        rows = write_statement(path, _stored_rows(provider.pk, cursor), cursor.day)
        outcome = import_statement(
            Upload(
                path=path,
                name=f"{provider.code}-{cursor.day}-pulled.{'ndjson' if rows else 'csv'}",
                provider=provider.code,
                day=cursor.day,
                source=StatementSource.PULL,
            ),
            acting_user=options.acting_user,
            now=now,
        )
    cursor.state = PullState.COMPLETE
    cursor.statement_id = outcome.statement_id
    cursor.save(update_fields=["state", "statement"])
    logger.info("reconciliation.pull.complete", statement_id=outcome.statement_id, rows=rows)
    return PullOutcome(provider.code, cursor.day, cursor.pages or 0, rows, outcome)


def _stored_rows(provider_id: int, cursor: PullCursor) -> Iterator[dict[str, Any]]:
    pages = PulledPage.objects.filter(
        provider_id=provider_id, day=cursor.day, attempt=cursor.attempt
    ).order_by("page")
    for page in pages.iterator():
        with evidence.local_copy(page.raw_key, page.sha256) as path:
            yield from read_page(path.read_bytes(), day=cursor.day, page=page.page).rows


def _note_failure(cursor: PullCursor, error: DomainError, now: datetime) -> None:
    cursor.state = PullState.FAILED
    cursor.last_error = f"{error.code}: {error}"[:300]
    if isinstance(error, ExportThrottledError):
        cursor.not_before = now + timedelta(seconds=error.seconds)
    cursor.save(update_fields=["state", "last_error", "not_before"])


def pull_as_json(outcome: PullOutcome) -> dict[str, Any]:
    """Return a pull's outcome as plain JSON."""
    return {
        "provider": outcome.provider,
        "day": outcome.day.isoformat(),
        "pages": outcome.pages,
        "rows": outcome.rows,
        "statement": outcome.statement.statement_id,
        "is_new": outcome.statement.is_new,
        "sha256": outcome.statement.sha256,
        "rows_bad": outcome.statement.rows_bad,
    }
