"""Reconcile one day of one provider and keep what was found."""

import hashlib
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb
import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction

from apps.core.errors import DomainError
from apps.core.money import format_minor
from apps.core.services import publish, record_audit
from apps.providers.selectors import all_providers, provider_by_code
from apps.reconciliation import selectors, statements
from apps.reconciliation.contracts import Comparison, CurrencyVariance
from apps.reconciliation.engine.compare import break_items, compare
from apps.reconciliation.engine.compare_sql import BREAKS_WITH_FACTS
from apps.reconciliation.engine.duck import open_engine
from apps.reconciliation.engine.ledger import events_outside, write_ledger
from apps.reconciliation.enums import BreakClass, RunState
from apps.reconciliation.errors import ReconciliationBusyError
from apps.reconciliation.events import ReconciliationAlertRaised
from apps.reconciliation.locks import try_lock
from apps.reconciliation.models import ReconciliationRun, StatementFile
from apps.rounds.ledger_side import ledger_side

logger = structlog.get_logger()

_NO_BREAKS: Final = dict.fromkeys(BreakClass.values, 0)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A run's result. ``items`` lists event ids per class where they were asked for."""

    run_id: int
    provider: str
    day: date
    state: str
    comparison: Comparison
    is_alert: bool
    items: dict[str, list[str]] | None = None


@dataclass(slots=True)
class _Work:
    """One run while it goes on."""

    provider: Any
    day: date
    acting_user: AbstractBaseUser | None
    now: datetime
    folder: Path
    is_list: bool
    reason: str = ""
    statement: StatementFile | None = None
    ledger_sha256: str = ""
    milliseconds: int = 0
    items: dict[str, list[str]] | None = None
    started: float = field(default_factory=time.perf_counter)

    @property
    def state(self) -> RunState:
        if self.statement is None:
            return RunState.NO_STATEMENT
        return RunState.COMPLETE if self.statement.rows_good else RunState.EMPTY_STATEMENT


def reconcile(
    *,
    provider_code: str,
    day: date,
    acting_user: AbstractBaseUser | None,
    reason: str = "",
    now: datetime,
    with_items: bool = False,
) -> RunOutcome:
    """Compare a day's statement in use with our ledger; keep the breaks.

    Running again keeps the same breaks: each is one row per event and day. Without a statement, or
    with one that has no rows, nothing is compared and no break moves; that is a state of its own
    and an alert, never a good day.

    Raises:
        ReconciliationBusyError: another process is at this day.
        EvidenceChangedError: a stored file is no longer what was imported.
        UnknownProviderError: no such provider.
    """
    provider = provider_by_code(provider_code)
    with (
        try_lock(f"reconcile:{provider.pk}:{day}") as is_mine,
        TemporaryDirectory(prefix="pitboss-reconcile-") as folder,
    ):
        if not is_mine:
            raise ReconciliationBusyError(provider_code, day)
        work = _Work(provider, day, acting_user, now, Path(folder), with_items, reason=reason)
        work.statement = selectors.statement_in_use(provider.pk, day)
        with open_engine(work.folder) as engine:
            comparison = _compare(work, engine)
            return _keep(work, comparison, engine)


def _compare(work: _Work, engine: duckdb.DuckDBPyConnection) -> Comparison:
    start, end = day_bounds(work.day, work.provider.reporting_timezone)
    ledger = work.folder / "ledger.parquet"
    with ExitStack() as stack:
        paths = stack.enter_context(selectors.local_parquets(_files(work)))
        outside: Sequence[str] = ()
        if paths and work.statement is not None and work.statement.rows_other_day:
            outside = events_outside(
                engine, paths[0], start_us=_microseconds(start), end_us=_microseconds(end)
            )
        work.ledger_sha256 = write_ledger(
            engine,
            ledger_side(provider_id=work.provider.pk, start=start, end=end, also=outside),
            ledger,
        )
        if work.state is not RunState.COMPLETE:
            return _nothing_compared(engine, ledger)
        begun = time.perf_counter()
        comparison = compare(engine, statement=paths[0], ledger=ledger, neighbours=paths[1:])
        work.milliseconds = round((time.perf_counter() - begun) * 1000)
    work.items = break_items(engine) if work.is_list else None
    return comparison


def _files(work: _Work) -> list[StatementFile]:
    """The day's statement first, then those of the days around it."""
    if work.statement is None:
        return []
    around = [work.day - timedelta(days=1), work.day + timedelta(days=1)]
    neighbours = [selectors.statement_in_use(work.provider.pk, day) for day in around]
    return [work.statement, *(row for row in neighbours if row is not None)]


def day_bounds(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """Return the first moment of a provider's day and of the next, in UTC.

    A day of a clock change has 23 or 25 hours; every moment belongs to exactly one day.
    """
    zone = ZoneInfo(time_zone)
    midnights = (
        datetime.combine(each, clock_time.min, tzinfo=zone)
        for each in (day, day + timedelta(days=1))
    )
    start, end = (midnight.astimezone(UTC) for midnight in midnights)
    return start, end


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _nothing_compared(engine: duckdb.DuckDBPyConnection, ledger: Path) -> Comparison:
    row = engine.execute("SELECT count(*) FROM read_parquet($path)", {"path": str(ledger)})
    (events,) = row.fetchone() or (0,)
    return Comparison(events, 0, 0, 0, dict(_NO_BREAKS), (), is_player_touched=False)


def _keep(work: _Work, comparison: Comparison, engine: duckdb.DuckDBPyConnection) -> RunOutcome:
    is_alert = work.state is not RunState.COMPLETE or comparison.is_alert
    with transaction.atomic():
        run = _save_run(work, comparison, is_alert=is_alert)
        if work.state is RunState.COMPLETE:
            _save_breaks(work, run, engine)
        record_audit(
            action="reconciliation.day_reconciled",
            actor=work.acting_user,
            subject=f"{work.provider.code}:{work.day}",
            details={"run_id": run.pk, "state": run.state, "breaks": run.break_count},
            reason=work.reason,
            now=work.now,
        )
        if is_alert:
            publish(
                ReconciliationAlertRaised(
                    provider=work.provider.code,
                    day=work.day.isoformat(),
                    run_id=run.pk,
                    state=run.state,
                    break_count=run.break_count,
                ),
                now=work.now,
            )
    logger.info("reconciliation.run.kept", run_id=run.pk, state=run.state, breaks=run.break_count)
    items = work.items
    if work.is_list and items is None:
        items = {value: [] for value in BreakClass.values}
    return RunOutcome(run.pk, work.provider.code, work.day, run.state, comparison, is_alert, items)


def _save_run(work: _Work, comparison: Comparison, *, is_alert: bool) -> ReconciliationRun:
    return ReconciliationRun.objects.create(
        provider_id=work.provider.pk,
        day=work.day,
        state=work.state,
        statement=work.statement,
        ledger_sha256=work.ledger_sha256 or hashlib.sha256().hexdigest(),
        ledger_events=comparison.ledger_events,
        statement_rows=comparison.statement_rows,
        statement_events=comparison.statement_events,
        matched=comparison.matched,
        break_counts=comparison.breaks,
        break_count=sum(comparison.breaks.values()),
        variance={line.currency: _kept_variance(line) for line in comparison.variance},
        is_alert=is_alert,
        started_at=work.now,
        finished_at=work.now + timedelta(seconds=time.perf_counter() - work.started),
        compare_milliseconds=work.milliseconds,
        started_by_id=work.acting_user.pk if work.acting_user is not None else None,
    )


def _kept_variance(line: CurrencyVariance) -> dict[str, int]:
    return {
        "gross_minor": line.gross_minor,
        "net_minor": line.net_minor,
        "turnover_minor": line.turnover_minor,
    }


def _save_breaks(work: _Work, run: ReconciliationRun, engine: duckdb.DuckDBPyConnection) -> None:
    values = {
        "provider": work.provider.pk,
        "day": work.day,
        "run": run.pk,
        "now": work.now,
    }
    with connection.cursor() as cursor:
        cursor.execute(statements.CREATE_FOUND)
        found = engine.execute(BREAKS_WITH_FACTS)
        copying: Any = cursor.cursor.copy(statements.COPY_FOUND)
        with copying as target:
            while rows := found.fetchmany(10_000):
                for row in rows:
                    target.write_row(row)
        cursor.execute(statements.NOTE_CHANGED, values)
        cursor.execute(statements.KEEP_FOUND, values)
        cursor.execute(statements.TRACE_FOUND, values)
        cursor.execute(statements.CLOSE_MATCHED, values)


def run_as_json(outcome: RunOutcome) -> dict[str, Any]:
    """Return a run as plain JSON; ratios are numbers, turnover is text in main units.

    A ratio over no turnover at all is ``null`` where something differs. ``state`` is there only
    when nothing could be compared.
    """
    comparison = outcome.comparison
    answer: dict[str, Any] = {
        "provider": outcome.provider,
        "day": outcome.day.isoformat(),
        "events": {
            "ledger": comparison.ledger_events,
            "statement": comparison.statement_events,
            "matched": comparison.matched,
        },
        "breaks": comparison.breaks,
        "variance": {
            line.currency: {
                "gross": ratio(line.gross_minor, line.turnover_minor),
                "net": ratio(line.net_minor, line.turnover_minor),
                "turnover": format_minor(line.turnover_minor, line.currency),
            }
            for line in comparison.variance
        },
        "alert": outcome.is_alert,
    }
    if outcome.state != RunState.COMPLETE:
        answer["state"] = outcome.state
    if outcome.items is not None:
        answer["items"] = outcome.items
    return answer


def ratio(part_minor: int, whole_minor: int) -> object:
    """Return a part of turnover as a JSON number for people; alerts compare exact integers."""
    if whole_minor == 0:
        return None if part_minor else 0
    return round(part_minor / whole_minor, 8)


def percent(part_minor: int, whole_minor: int) -> str:
    """Write a part of turnover for people: ``"0.1234 %"``, rounded up, so never down to zero."""
    if whole_minor == 0:
        return "no turnover" if part_minor else "0.0000 %"
    ten_thousandths = -(-part_minor * 1_000_000 // whole_minor)
    return f"{ten_thousandths // 10_000}.{ten_thousandths % 10_000:04d} %"


def reconcile_due(*, now: datetime) -> dict[str, str]:
    """Reconcile yesterday and every day with a newer statement, of every provider.

    One that is switched off is left out once it has nothing more to settle.
    Returns what happened by provider and day: the run's state, or the code of a refusal.
    """
    answers: dict[str, str] = {}
    for provider in all_providers():
        zone = ZoneInfo(provider.reporting_timezone)
        yesterday = now.astimezone(zone).date() - timedelta(days=1)
        for day in selectors.days_to_reconcile(provider, yesterday):
            try:
                outcome = reconcile(provider_code=provider.code, day=day, acting_user=None, now=now)
                answers[f"{provider.code}:{day}"] = outcome.state
            except DomainError as error:
                answers[f"{provider.code}:{day}"] = error.code
                logger.warning("reconciliation.run.failed", day=str(day), code=error.code)
    return answers
