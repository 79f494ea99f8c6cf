"""From a file and our ledger to kept breaks, on PostgreSQL."""

import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from apps.core.models import AuditEntry
from apps.core.storage import evidence_storage
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.providers.models import Provider
from apps.reconciliation import errors, selectors, services
from apps.reconciliation.enums import BreakState, RunState, StatementState
from apps.reconciliation.models import (
    Break,
    BreakChange,
    PulledPage,
    ReconciliationRun,
    StatementFile,
)
from apps.reports.selectors import net_position
from apps.rounds.ledger_side import ledger_side
from tests.factories import make_player, make_provider
from tests.reconciliation.booking import make_event
from tests.reconciliation.files import DAY, csv_bytes, row

pytestmark = pytest.mark.django_db

type Take = Any


@pytest.fixture
def take(tmp_path: Path, now: datetime) -> Take:
    """Take rows as a statement of ``aurora``."""

    def _take(
        rows: list[dict[str, str]], *, day: date | None = DAY, name: str = "rounds.csv"
    ) -> Any:
        path = tmp_path / name
        path.write_bytes(csv_bytes(rows))
        upload = services.Upload(path=path, name=name, provider="aurora", day=day)
        return services.import_statement(upload, acting_user=None, now=now)

    return _take


@pytest.fixture(autouse=True)
def _aurora() -> None:
    make_provider("aurora")


def book(event_id: str, **changes: Any) -> None:
    make_event("aurora", event_id, **changes)


def reconcile(now: datetime, day: date = DAY) -> services.RunOutcome:
    return services.reconcile(
        provider_code="aurora", day=day, acting_user=None, now=now, with_items=True
    )


def open_breaks() -> list[tuple[str, str]]:
    rows = Break.objects.filter(state=BreakState.OPEN).order_by("event_id")
    return [(row.event_id, row.break_class) for row in rows]


def test_a_day_in_which_both_sides_agree_has_no_break(take: Take, now: datetime) -> None:
    book("e-1")
    book("e-2", money_state="rolled_back")
    take([row("e-1"), row("e-2", status="rolled_back")])

    outcome = reconcile(now)

    assert services.run_as_json(outcome) == {
        "provider": "aurora",
        "day": "2026-11-18",
        "events": {"ledger": 2, "statement": 2, "matched": 2},
        "breaks": dict.fromkeys(outcome.comparison.breaks, 0),
        "variance": {"AUD": {"gross": 0.0, "net": 0.0, "turnover": "2.00"}},
        "alert": False,
        "items": {name: [] for name in outcome.comparison.breaks},
    }
    assert open_breaks() == []


def test_only_the_providers_accepted_rounds_of_the_day_are_our_side(now: datetime) -> None:
    start, end = services.day_bounds(DAY, "UTC")
    book("in", occurred_at=end - timedelta(milliseconds=1))
    book("first", occurred_at=start)
    book("next-day", occurred_at=end)
    book("parked", status="parked", money_state="none")
    book("own", origin="correction")
    book("held", status="tentative", money_state="held")
    provider = make_provider("borealis")
    make_event("borealis", "foreign")

    def events(provider_id: int, also: list[str]) -> list[str]:
        stream = ledger_side(provider_id=provider_id, start=start, end=end, also=also)
        lines = b"".join(stream).decode().splitlines()
        return [f"{line.split(',')[0]}:{line.split(',')[-1]}" for line in lines]

    aurora_id = Provider.objects.get(code="aurora").pk
    assert events(aurora_id, []) == ["first:settled", "held:open", "in:settled"]
    assert events(aurora_id, ["next-day", "foreign"])[-1] == "next-day:settled"
    assert events(provider.pk, []) == ["foreign:settled"]


def test_each_break_keeps_what_both_sides_said(take: Take, now: datetime) -> None:
    book("e-1", bet_minor=200)
    take([row("e-1", bet="2.01")])

    reconcile(now)

    found = selectors.breaks_of_event("aurora", "e-1")[0]
    assert found.break_class == "amount"
    assert found.is_player_touched
    assert (found.delta_bet_minor, found.delta_win_minor, found.currency) == (1, 0, "AUD")
    assert found.ledger_facts is not None
    assert found.ledger_facts["bet_minor"] == 200
    assert found.statement_facts is not None
    assert found.statement_facts[0]["bet_minor"] == 201
    assert found.statement_facts[0]["line"] == 2
    line = selectors.statement_row("aurora", "e-1")
    assert line is not None
    assert (line.line, line.file_name, line.values["bet_minor"]) == (2, "rounds.csv", 201)
    assert selectors.statement_row("aurora", "e-2") is None


def test_running_again_finds_the_same_breaks(take: Take, now: datetime) -> None:
    book("e-1")
    take([row("e-2"), row("e-3"), row("e-3")])
    first = reconcile(now)
    before = list(Break.objects.order_by("pk").values("pk", "event_id", "opened_at", "first_run"))

    second = reconcile(now + timedelta(hours=1))

    after = list(Break.objects.order_by("pk").values("pk", "event_id", "opened_at", "first_run"))
    assert before == after
    assert services.run_as_json(first) == services.run_as_json(second)
    assert BreakChange.objects.count() == 3
    assert ReconciliationRun.objects.count() == 2


def test_a_break_closes_only_when_both_sides_agree_and_comes_back_with_them(
    take: Take, now: datetime
) -> None:
    take([row("late")], name="first.csv")
    reconcile(now)
    assert open_breaks() == [("late", "missing_in_ledger")]

    book("late")
    reconcile(now + timedelta(hours=1))
    assert open_breaks() == []
    closed = Break.objects.get()
    assert closed.state == BreakState.MATCHED_LATER
    assert closed.closed_at == now + timedelta(hours=1)

    take([row("late", bet="9.00")], name="second.csv")
    reconcile(now + timedelta(hours=2))
    assert open_breaks() == [("late", "amount")]
    assert Break.objects.count() == 1
    kinds = BreakChange.objects.order_by("pk").values_list("kind", "break_class")
    assert list(kinds) == [
        ("opened", "missing_in_ledger"),
        ("matched_later", "missing_in_ledger"),
        ("reopened", "amount"),
    ]


def test_an_amended_statement_changes_the_class_and_leaves_a_trace(
    take: Take, now: datetime
) -> None:
    book("e-1")
    take([row("e-1", player="p-2")], name="first.csv")
    reconcile(now)
    second = take([row("e-1", bet="2.50"), row("e-2")], name="second.csv")
    reconcile(now)

    assert open_breaks() == [("e-1", "amount"), ("e-2", "missing_in_ledger")]
    assert second.changes == {
        "statement_id": second.changes["statement_id"],
        "added": 1,
        "removed": 0,
        "amended": 1,
    }
    assert [c.kind for c in BreakChange.objects.order_by("pk")] == ["opened", "changed", "opened"]


def test_resorting_the_statement_changes_no_break(take: Take, now: datetime) -> None:
    take([row("e-1"), row("e-2")], name="first.csv")
    reconcile(now)
    take([row("e-2"), row("e-1")], name="second.csv")
    reconcile(now)

    assert BreakChange.objects.count() == 2


def test_without_a_statement_nothing_is_good_and_no_break_moves(take: Take, now: datetime) -> None:
    book("e-1")
    outcome = reconcile(now)

    answer = services.run_as_json(outcome)
    assert outcome.state == RunState.NO_STATEMENT
    assert answer["state"] == "no_statement"
    assert answer["alert"] is True
    assert answer["events"] == {"ledger": 1, "statement": 0, "matched": 0}
    assert Break.objects.count() == 0
    assert [r.day for r in selectors.runs_without_statement()] == [DAY]

    take([row("e-1")])
    reconcile(now + timedelta(minutes=1))
    assert selectors.runs_without_statement() == []


def test_a_statement_without_rows_is_a_state_of_its_own(take: Take, now: datetime) -> None:
    book("e-1")
    take([])

    outcome = reconcile(now)

    assert outcome.state == RunState.EMPTY_STATEMENT
    assert outcome.is_alert
    assert Break.objects.count() == 0


def test_the_database_refuses_a_run_without_a_statement_that_is_no_alert(now: datetime) -> None:
    run = ReconciliationRun.objects.get(pk=reconcile(now).run_id)
    run.pk = None
    run.is_alert = False
    with pytest.raises(IntegrityError, match="without_a_statement_is_an_alert"):
        run.save(force_insert=True)


def test_an_event_is_matched_across_midnight(take: Take, now: datetime) -> None:
    late = datetime(2026, 11, 18, 23, 59, 59, 999_000, tzinfo=UTC)
    book("edge", occurred_at=late)
    book("e-1")
    take([row("e-1")], name="first.csv")
    next_day = date(2026, 11, 19)
    rows = [row(f"n-{n}", at="2026-11-19T09:00:00Z") for n in range(3)]
    for each in rows:
        book(each["event_id"], occurred_at=datetime(2026, 11, 19, 9, tzinfo=UTC))
    take([*rows, row("edge", at="2026-11-18T23:59:59.999Z")], day=next_day, name="second.csv")

    assert sum(reconcile(now).comparison.breaks.values()) == 0
    assert sum(reconcile(now, next_day).comparison.breaks.values()) == 0


def test_a_row_of_a_test_player_is_counted_and_not_in_the_net_position(
    take: Take, now: datetime
) -> None:
    pretended = make_player("p-test", currency="AUD", jurisdiction=REHEARSAL_JURISDICTION)
    real = make_player("p-1", currency="AUD")
    book("e-1", player=real)
    book("e-2", player=pretended, player_ref="p-test")
    assert take([row("e-1"), row("e-2", player="p-test")]).is_new

    outcome = reconcile(now)

    report = services.run_as_json(outcome)
    assert report["events"] == {"ledger": 1, "statement": 2, "matched": 1}
    assert report["items"]["missing_in_ledger"] == ["e-2"]
    [position] = net_position(DAY)
    assert (position.stake_minor, position.win_minor) == (200, 350)


def test_the_same_file_again_is_a_no_op(take: Take) -> None:
    first = take([row("e-1")])
    entries = AuditEntry.objects.count()

    again = take([row("e-1")], name="renamed.csv", day=None)

    assert first.is_new
    assert not again.is_new
    assert again.statement_id == first.statement_id
    assert StatementFile.objects.count() == 1
    assert AuditEntry.objects.count() == entries


def test_the_newest_file_is_in_use_and_an_older_one_never_comes_back(take: Take) -> None:
    first = take([row("e-1")], name="first.csv")
    second = take([row("e-2")], name="second.csv")

    again = take([row("e-1")], name="first.csv")

    old, new = StatementFile.objects.order_by("pk")
    assert (old.state, old.superseded_by_id) == (StatementState.SUPERSEDED, new.pk)
    assert (new.pk, new.state) == (second.statement_id, StatementState.IMPORTED)
    assert not again.is_new
    assert again.statement_id == first.statement_id
    assert again.state == StatementState.SUPERSEDED


def test_how_many_bad_rows_refuse_a_file_is_a_setting(take: Take, settings: Any) -> None:
    rows = [row("e-1"), row("e-2", bet="1,5")]

    settings.PITBOSS_STATEMENT_BAD_ROWS_BP = 4_999
    with pytest.raises(errors.TooManyBadRowsError):
        take(rows, name="half.csv")
    settings.PITBOSS_STATEMENT_BAD_ROWS_BP = 5_000
    take(rows, name="half.csv")

    kept = StatementFile.objects.get(state=StatementState.IMPORTED)
    assert (kept.rows_total, kept.rows_bad) == (2, 1)


def test_a_refused_file_leaves_its_report_and_nothing_else(take: Take) -> None:
    take([row("e-1")], name="good.csv")
    rows = [row("e-1"), row("e-2", bet="1,5")]

    with pytest.raises(errors.TooManyBadRowsError):
        take(rows, name="bad.csv")
    with pytest.raises(errors.TooManyBadRowsError) as caught:
        take(rows, name="bad.csv")

    kept = StatementFile.objects.get(state=StatementState.REFUSED)
    assert caught.value.statement_id == kept.pk
    assert kept.refusal_code == "too_many_bad_rows"
    assert kept.parquet_key == ""
    assert (kept.rows_total, kept.rows_bad) == (2, 1)
    assert kept.problems[0]["line"] == 3
    assert kept.problems[0]["code"] == "bad_amount"
    assert StatementFile.objects.get(state=StatementState.IMPORTED).original_name == "good.csv"


def test_a_swapped_file_is_noticed_before_it_is_used(take: Take, now: datetime) -> None:
    taken = take([row("e-1")])
    stored = StatementFile.objects.get(pk=taken.statement_id)
    path = Path(evidence_storage().path(stored.parquet_key))
    path.write_bytes(path.read_bytes() + b"x")

    with pytest.raises(errors.EvidenceChangedError):
        reconcile(now)

    assert ReconciliationRun.objects.count() == 0


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM reconciliation_break",
        "DELETE FROM reconciliation_breakchange",
        "UPDATE reconciliation_breakchange SET kind = 'opened'",
        "UPDATE reconciliation_break SET event_id = 'other'",
        "DELETE FROM reconciliation_reconciliationrun",
        "UPDATE reconciliation_reconciliationrun SET is_alert = false",
        "DELETE FROM reconciliation_statementfile",
        "UPDATE reconciliation_statementfile SET sha256 = ''",
    ],
)
def test_the_database_keeps_what_was_found(take: Take, now: datetime, statement: str) -> None:
    take([row("e-1")])
    reconcile(now)

    with (
        pytest.raises(DatabaseError, match="pgtrigger"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert open_breaks() == [("e-1", "missing_in_ledger")]
    assert PulledPage.objects.count() == 0


def command(*arguments: str) -> Any:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return json.loads(out.getvalue())


def test_the_commands_print_one_json_object(tmp_path: Path) -> None:
    book("e-1")
    path = tmp_path / "rounds.csv"
    path.write_bytes(csv_bytes([row("e-1"), row("e-2")]))
    where = ("--provider", "aurora")

    taken = command("import_statement", str(path), *where, "--json")
    again = command("import_statement", str(path), *where, "--json")
    found = command("reconcile", *where, "--day", "2026-11-18", "--json", "--list")
    plain = command("reconcile", *where, "--day", "2026-11-18", "--json")

    assert (taken["is_new"], again["is_new"], taken["day"]) == (True, False, "2026-11-18")
    assert found["items"]["missing_in_ledger"] == ["e-2"]
    assert list(plain) == ["provider", "day", "events", "breaks", "variance", "alert"]
    assert plain["variance"]["AUD"] == {"gross": 1.375, "net": 0.375, "turnover": "4.00"}


def test_the_commands_fail_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(csv_bytes([row("e-1", bet="x")]))
    where = ("--provider", "aurora")

    with pytest.raises(CommandError, match="too_many_bad_rows"):
        call_command("import_statement", str(bad), *where)
    with pytest.raises(CommandError, match="file_not_readable"):
        call_command("import_statement", str(tmp_path / "none.csv"), *where)
    with pytest.raises(CommandError, match="unknown_provider"):
        call_command("import_statement", str(bad), "--provider", "nobody")
    with pytest.raises(SystemExit) as stopped:
        call_command("reconcile", *where, "--day", "2026-11-18")

    assert stopped.value.code == 3
    assert "line 2: bad_amount" in capsys.readouterr().out
