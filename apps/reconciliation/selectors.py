"""Reads of this app; other apps get contracts, never its rows."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Subquery

from apps.core.storage import evidence_storage
from apps.gateway.selectors import what_is_open
from apps.providers.selectors import provider_by_code
from apps.reconciliation import evidence
from apps.reconciliation.contracts import BreakLine, ImportOutcome, PullFacts, StatementRow
from apps.reconciliation.engine.duck import literal, open_engine
from apps.reconciliation.enums import (
    BreakChangeKind,
    BreakState,
    PullState,
    RunState,
    StatementState,
)
from apps.reconciliation.models import (
    Break,
    BreakChange,
    PullCursor,
    ReconciliationRun,
    StatementFile,
)
from apps.rounds.net_position import has_sent_play

if TYPE_CHECKING:
    from apps.providers.models import Provider

_DAYS_SEARCHED: Final = 62
_DAYS_REFUSED: Final = 31

_ROW: Final = """
SELECT event_id, round_ref AS round, player_ref AS player,
       strftime(occurred_at, '%Y-%m-%dT%H:%M:%S.%fZ') AS occurred_at, bet_minor, win_minor,
       currency, game_code, round_type, balance_before_minor, balance_after_minor, finalized,
       promo_campaign, promo_multiplier, status, reference_event_id, line
FROM read_parquet({path}) WHERE event_id = $event_id ORDER BY line LIMIT 20
"""


def taken_statement(provider_id: int, sha256: str) -> StatementFile | None:
    """Return the file with exactly these bytes that was taken before, in use or superseded."""
    return (
        StatementFile.objects.filter(provider_id=provider_id, sha256=sha256)
        .exclude(state=StatementState.REFUSED)
        .first()
    )


def refused_statement(provider_id: int, sha256: str) -> StatementFile | None:
    return StatementFile.objects.filter(
        provider_id=provider_id, sha256=sha256, state=StatementState.REFUSED
    ).first()


def statement_in_use(provider_id: int, day: date) -> StatementFile | None:
    return StatementFile.objects.filter(
        provider_id=provider_id, day=day, state=StatementState.IMPORTED
    ).first()


def statement_by_id(statement_id: int) -> StatementFile:
    return StatementFile.objects.select_related("provider").get(pk=statement_id)


def import_outcome(row: StatementFile, provider_code: str, *, is_new: bool) -> ImportOutcome:
    return ImportOutcome(
        statement_id=row.pk,
        provider=provider_code,
        day=row.day,
        state=row.state,
        sha256=row.sha256,
        is_new=is_new,
        format=row.format,
        rows_total=row.rows_total,
        rows_good=row.rows_good,
        rows_bad=row.rows_bad,
        rows_demo=row.rows_demo,
        rows_other_day=row.rows_other_day,
        problems=row.problems,
        changes=row.changes,
    )


@contextmanager
def local_parquets(statements: Sequence[StatementFile]) -> Iterator[list[Path]]:
    """Give paths to the rows of these statements, each checked against its hash.

    Raises:
        EvidenceChangedError: a stored file is gone or was swapped.
    """
    with ExitStack() as stack:
        yield [
            stack.enter_context(evidence.local_copy(row.parquet_key, row.parquet_sha256))
            for row in statements
        ]


def breaks_of_event(provider_code: str, event_id: str) -> list[BreakLine]:
    """Return the breaks of an event, open and closed, newest day first."""
    rows = Break.objects.filter(event_id=event_id, provider__code=provider_code).order_by(
        "-day", "pk"
    )
    return [
        BreakLine(
            break_id=row.pk,
            provider=provider_code,
            day=row.day,
            event_id=row.event_id,
            break_class=row.break_class,
            state=row.state,
            is_player_touched=row.is_player_touched,
            currency=row.currency,
            delta_bet_minor=row.delta_bet_minor,
            delta_win_minor=row.delta_win_minor,
            ledger_facts=row.ledger_facts,
            statement_facts=row.statement_facts,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
        )
        for row in rows
    ]


def statement_row(
    provider_code: str, event_id: str, *, occurred_at: datetime | None = None
) -> StatementRow | None:
    """Return the row that the statements in use hold of an event; the first if it is repeated.

    With ``occurred_at`` only the statements of that day and its neighbours are read, without it
    those of the last two months; a point look-up reads one row group of each file.

    Raises:
        EvidenceChangedError: a stored file is gone or was swapped.
        UnknownProviderError: no such provider.
    """
    rows = statement_rows(provider_code, event_id, occurred_at=occurred_at)
    return rows[0] if rows else None


def statement_rows(
    provider_code: str, event_id: str, *, occurred_at: datetime | None = None
) -> list[StatementRow]:
    """Return every row of an event in the first statement in use that names it."""
    provider = provider_by_code(provider_code)
    files = StatementFile.objects.filter(provider_id=provider.pk, state=StatementState.IMPORTED)
    if occurred_at is not None:
        day = occurred_at.astimezone(ZoneInfo(provider.reporting_timezone)).date()
        files = files.filter(day__range=(day - timedelta(days=1), day + timedelta(days=1)))
    newest = list(files.order_by("-day")[:_DAYS_SEARCHED])
    with TemporaryDirectory(prefix="pitboss-look-up-") as work, open_engine(Path(work)) as engine:
        for statement in newest:
            with local_parquets([statement]) as (path,):
                found = engine.execute(_ROW.format(path=literal(str(path))), {"event_id": event_id})
                names = [column[0] for column in found.description or []]
                rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
            if rows:
                return [_statement_row(statement, values) for values in rows]
    return []


def _statement_row(statement: StatementFile, values: dict[str, Any]) -> StatementRow:
    return StatementRow(
        statement_id=statement.pk,
        file_name=statement.original_name,
        sha256=statement.sha256,
        day=statement.day or date.min,
        line=values.pop("line"),
        values=values,
    )


def open_break_counts() -> list[dict[str, Any]]:
    """Count open breaks per provider and day, newest day first."""
    counts = (
        Break.objects.filter(state=BreakState.OPEN)
        .values("provider_id", "provider__code", "provider__name", "day")
        .annotate(breaks=Count("pk"), touching=Count("pk", filter=Q(is_player_touched=True)))
        .order_by("-day", "provider__code")
    )
    return [{**row} for row in counts]


def found_by_run(breaks: QuerySet[Break], run_id: int, break_class: str = "") -> QuerySet[Break]:
    """Keep the breaks that stood after a run, of the class that they had then."""
    run = ReconciliationRun.objects.filter(pk=run_id).values("provider_id", "day")
    then = BreakChange.objects.filter(found_break=OuterRef("pk"), run_id__lte=run_id)
    last = then.order_by("-run_id")
    stood = breaks.filter(
        provider_id=Subquery(run.values("provider_id")), day=Subquery(run.values("day"))
    ).annotate(kind_then=Subquery(last.values("kind")[:1]))
    stood = stood.filter(kind_then__isnull=False).exclude(kind_then=BreakChangeKind.MATCHED_LATER)
    if not break_class:
        return stood
    return stood.annotate(class_then=Subquery(last.values("break_class")[:1])).filter(
        class_then=break_class
    )


def with_nothing_to_compare(runs: QuerySet[ReconciliationRun]) -> QuerySet[ReconciliationRun]:
    """Keep the newest run of each provider and day, where that one had nothing to compare with."""
    newest = (
        ReconciliationRun.objects.order_by("provider", "-day", "-started_at", "-pk")
        .distinct("provider", "day")
        .values("pk")
    )
    return runs.filter(pk__in=newest).exclude(state=RunState.COMPLETE)


def runs_without_statement() -> list[ReconciliationRun]:
    """Return the newest run of each provider and day that had nothing to compare with."""
    runs = with_nothing_to_compare(ReconciliationRun.objects.select_related("provider"))
    return list(runs.order_by("-day", "pk"))


def not_replaced(files: QuerySet[StatementFile], now: datetime) -> QuerySet[StatementFile]:
    """Keep what was refused in the last 31 days, where no file is in use for its day."""
    in_use = StatementFile.objects.filter(
        provider_id=OuterRef("provider_id"), day=OuterRef("day"), state=StatementState.IMPORTED
    )
    refused = files.filter(
        state=StatementState.REFUSED, imported_at__gte=now - timedelta(days=_DAYS_REFUSED)
    )
    return refused.filter(~Exists(in_use))


def refused_statements(now: datetime) -> list[StatementFile]:
    """Return the refused files that no better one followed, the newest first."""
    files = not_replaced(StatementFile.objects.select_related("provider"), now)
    return list(files.order_by("-imported_at", "pk"))


def last_pulled_day(provider_id: int) -> date | None:
    """Return the newest day whose round log was pulled to its end."""
    return (
        PullCursor.objects.filter(provider_id=provider_id, state=PullState.COMPLETE)
        .order_by("-day")
        .values_list("day", flat=True)
        .first()
    )


def is_pull_paused(provider_id: int, day: date, now: datetime) -> bool:
    """Tell whether the provider asked us to wait longer before we pull this day."""
    return PullCursor.objects.filter(provider_id=provider_id, day=day, not_before__gt=now).exists()


def is_settling(provider: "Provider", since: date) -> bool:
    """Tell whether a provider is active, sent play of that day or after, or has money open.

    One that is switched off goes on settling what it took; its log and statements are still due.
    """
    if provider.is_active:
        return True
    start = datetime.combine(since, time(), ZoneInfo(provider.reporting_timezone))
    return has_sent_play(provider.pk, start) or bool(what_is_open(provider.pk, provider.code))


def days_to_reconcile(provider: "Provider", yesterday: date) -> list[date]:
    """Return the days whose statement is newer than their last run.

    And yesterday, unless the provider is switched off and has nothing more to settle.
    """
    days = {yesterday} if is_settling(provider, yesterday) else set()
    latest = dict(
        ReconciliationRun.objects.filter(provider_id=provider.pk, statement__isnull=False)
        .values("day")
        .annotate(newest=Max("statement_id"))
        .values_list("day", "newest")
    )
    in_use = StatementFile.objects.filter(
        provider_id=provider.pk, state=StatementState.IMPORTED
    ).values_list("day", "pk")
    days.update(day for day, pk in in_use if day is not None and latest.get(day) != pk)
    return sorted(days)


def recent_day_choices() -> list[tuple[str, str]]:
    """Return the newest days with a run or a statement, for a list filter."""
    runs = ReconciliationRun.objects.order_by("-day").values_list("day", flat=True).distinct()[:31]
    files = (
        StatementFile.objects.filter(day__isnull=False)
        .order_by("-day")
        .values_list("day", flat=True)
        .distinct()[:31]
    )
    days = sorted({day for day in [*runs, *files] if day is not None}, reverse=True)[:31]
    return [(day.isoformat(), day.isoformat()) for day in days]


def changes_of_break(break_id: int) -> list[BreakChange]:
    return list(BreakChange.objects.filter(found_break_id=break_id).order_by("pk"))


def run_by_id(run_id: int) -> ReconciliationRun:
    return ReconciliationRun.objects.select_related("provider").get(pk=run_id)


def open_raw(statement: StatementFile) -> Any:
    """Open the file exactly as it came."""
    return evidence_storage().open(statement.raw_key, "rb")


def newest_pull(provider_id: int) -> PullFacts | None:
    """Return how the provider's last pull went; None before the first."""
    cursor = PullCursor.objects.filter(provider_id=provider_id).order_by("-moved_at", "-pk").first()
    if cursor is None:
        return None
    return PullFacts(
        day=cursor.day,
        state=cursor.state,
        is_complete=cursor.state == PullState.COMPLETE,
        rows=cursor.rows,
        moved_at=cursor.moved_at,
        last_error=cursor.last_error,
    )
