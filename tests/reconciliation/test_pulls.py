"""Pulling round logs from a real HTTP server that behaves as badly as providers do."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.reconciliation import errors, services
from apps.reconciliation.engine.pages import seconds_to_wait
from apps.reconciliation.enums import PullState
from apps.reconciliation.models import PullCursor, PulledPage, StatementFile
from tests.factories import make_provider
from tests.local_server import QuietHandler, serving
from tests.reconciliation.files import DAY, row

pytestmark = pytest.mark.django_db

TOKEN = "export-token"

type Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Export:
    """A provider's export API: honest unless ``misbehave`` answers for a page."""

    rows: list[dict[str, str]] = field(default_factory=list)
    misbehave: Callable[[int, int], Answer | None] = lambda _page, _call: None
    asked: list[int] = field(default_factory=list)
    url: str = ""

    def answer(self, query: dict[str, str], authorization: str | None) -> Answer:
        page, size = int(query["page"]), int(query["page_size"])
        self.asked.append(page)
        if authorization != f"Bearer {TOKEN}":
            return 401, {}, b"{}"
        other = self.misbehave(page, self.asked.count(page))
        return other or (200, {}, self.page(query["day"], page, size))

    def page(self, day: str, page: int, size: int, **changes: Any) -> bytes:
        document = {
            "day": day,
            "page": page,
            "pages": max(1, -(-len(self.rows) // size)),
            "total": len(self.rows),
            "rows": self.rows[(page - 1) * size : page * size],
            "next": None,
            **changes,
        }
        return json.dumps(document).encode()


@pytest.fixture
def export() -> Iterator[Export]:
    state = Export()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
            status, headers, body = state.answer(query, self.headers["authorization"])
            self.reply(status, body, headers)

    with serving(Handler) as address:
        state.url = f"{address}/export/rounds"
        provider = make_provider("aurora")
        provider.export_url = state.url
        provider.export_token = TOKEN
        provider.save()
        yield state


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def pull(now: datetime, pauses: list[float]) -> Callable[[], Any]:
    options = services.PullOptions(pause=pauses.append, page_size=2)
    return lambda: services.pull_day(provider_code="aurora", day=DAY, now=now, options=options)


def rows(count: int) -> list[dict[str, str]]:
    return [row(f"e-{n}") for n in range(count)]


def test_a_day_is_pulled_page_by_page_and_taken_as_its_statement(
    export: Export, pull: Callable[[], Any]
) -> None:
    export.rows = rows(5)

    outcome = pull()

    statement = StatementFile.objects.get()
    assert (outcome.pages, outcome.rows) == (3, 5)
    assert (statement.source, statement.rows_good, statement.day) == ("pull", 5, DAY)
    assert PulledPage.objects.count() == 3
    cursor = PullCursor.objects.get()
    assert (cursor.state, cursor.statement_id) == (PullState.COMPLETE, statement.pk)


def test_pulling_the_same_content_again_changes_nothing(
    export: Export, pull: Callable[[], Any]
) -> None:
    export.rows = rows(3)
    first = pull()

    again = pull()

    assert not again.statement.is_new
    assert again.statement.statement_id == first.statement.statement_id
    assert StatementFile.objects.count() == 1


def test_a_late_row_makes_a_newer_statement(export: Export, pull: Callable[[], Any]) -> None:
    export.rows = rows(3)
    pull()
    export.rows = rows(4)

    again = pull()

    assert again.statement.is_new
    assert again.statement.changes["added"] == 1
    assert StatementFile.objects.filter(state="imported").get().rows_good == 4


def test_a_pull_goes_on_after_the_last_page_that_was_kept(
    export: Export, pull: Callable[[], Any]
) -> None:
    export.rows = rows(6)
    export.misbehave = lambda page, call: (403, {}, b"") if (page, call) == (3, 1) else None

    with pytest.raises(errors.ExportRefusedError):
        pull()
    cursor = PullCursor.objects.get()
    assert (cursor.state, cursor.next_page) == (PullState.FAILED, 3)
    assert StatementFile.objects.count() == 0
    outcome = pull()

    assert export.asked == [1, 2, 3, 3]
    assert outcome.rows == 6


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, {}, b"<html>Please sign in</html>"), errors.ExportUnreadableError),
        ((200, {}, b'{"day": "2026-11-18", "page": 2, "ro'), errors.ExportUnreadableError),
        ((200, {}, b'{"day": "2026-11-17", "page": 2, "rows": []}'), errors.ExportUnreadableError),
        ((200, {}, b"[]"), errors.ExportUnreadableError),
        ((200, {}, b"[" * 100_000), errors.ExportUnreadableError),
        ((302, {"location": "http://127.0.0.1/"}, b""), errors.ExportRefusedError),
        ((401, {}, b""), errors.ExportRefusedError),
        ((404, {}, b""), errors.ExportRefusedError),
        ((500, {}, b""), errors.ExportRefusedError),
        ((429, {"retry-after": "1000000000"}, b""), errors.ExportThrottledError),
    ],
)
def test_a_page_we_cannot_use_leaves_the_cursor_where_it_was(
    export: Export,
    pull: Callable[[], Any],
    pauses: list[float],
    answer: Answer,
    expected: type[errors.PullFailedError],
) -> None:
    export.rows = rows(6)
    export.misbehave = lambda page, _call: answer if page == 2 else None

    with pytest.raises(expected):
        pull()

    cursor = PullCursor.objects.get()
    assert (cursor.next_page, cursor.rows) == (2, 2)
    assert cursor.last_error.startswith(expected.code)
    assert PulledPage.objects.count() == 1
    assert StatementFile.objects.count() == 0
    assert sum(pauses) < 30


def test_trouble_that_passes_is_waited_for(
    export: Export, pull: Callable[[], Any], pauses: list[float]
) -> None:
    export.rows = rows(4)
    export.misbehave = lambda page, call: (
        [(503, {}, b""), (429, {"retry-after": "7"}, b""), None][call - 1] if page == 2 else None
    )

    assert pull().rows == 4
    assert 1 <= pauses[0] <= 2
    assert 7 <= pauses[1] <= 8


def test_an_export_that_repeats_itself_is_stopped(export: Export, pull: Callable[[], Any]) -> None:
    export.rows = rows(6)
    export.misbehave = lambda page, _call: (
        (200, {}, export.page(str(DAY), page, 2, rows=export.rows[:2])) if page == 2 else None
    )

    with pytest.raises(errors.ExportLoopError):
        pull()

    assert PullCursor.objects.get().next_page == 2


def test_pages_that_do_not_add_up_are_pulled_anew(export: Export, pull: Callable[[], Any]) -> None:
    export.rows = rows(4)
    export.misbehave = lambda page, call: (
        (200, {}, export.page(str(DAY), page, 2, total=9)) if (page, call) == (2, 1) else None
    )

    with pytest.raises(errors.ExportUnreadableError, match="total says 9"):
        pull()
    assert StatementFile.objects.count() == 0
    assert pull().rows == 4
    assert export.asked == [1, 2, 1, 2]


def test_a_day_without_rounds_is_a_statement_without_rows(
    export: Export, pull: Callable[[], Any]
) -> None:
    assert pull().rows == 0
    assert StatementFile.objects.get().rows_total == 0


def test_a_provider_without_an_export_is_refused(now: datetime) -> None:
    make_provider("aurora")
    with pytest.raises(errors.PullNotConfiguredError):
        services.pull_day(provider_code="aurora", day=DAY, now=now)
    assert PullCursor.objects.count() == 0


def test_days_start_at_the_last_complete_one(
    export: Export, pull: Callable[[], Any], now: datetime
) -> None:
    export.rows = rows(1)
    assert services.days_to_pull(provider_code="aurora", since=None, now=now) == [
        date(2026, 11, 21)
    ]
    pull()
    assert services.days_to_pull(provider_code="aurora", since=None, now=now) == [
        DAY + timedelta(days=n) for n in range(4)
    ]
    assert services.days_to_pull(provider_code="aurora", since=date(2026, 12, 1), now=now) == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5),
        ("-5", 1),
        ("1000000000", 3600),
        ("Sun, 22 Nov 2026 10:16:00 GMT", 30),
        ("Sun, 22 Nov 2020 10:16:00 GMT", 0),
        ("soon", 1),
        (f"Sun, 22 Nov 2026 10:16:00 +{9**30}", 1),
        (f"Sun, {9**30} Nov 2026 10:16:00 GMT", 1),
        (None, 1),
    ],
)
def test_retry_after_is_read_and_capped(header: str | None, seconds: int, now: datetime) -> None:
    assert seconds_to_wait(header, now=now) == seconds
