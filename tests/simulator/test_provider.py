"""The reference provider: what it plays, what it remembers, what it serves."""

import asyncio
import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from apps.simulator.borealis.app import ProviderApp
from apps.simulator.borealis.events import ROW_COLUMNS
from apps.simulator.borealis.home import ProviderHome, open_home, read_players
from apps.simulator.borealis.signing import event_checksum
from apps.simulator.borealis.store import Store
from apps.simulator.borealis.truth import log_page, truth_of_day
from apps.simulator.errors import NoRoomInDayError, UnknownEventError

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
YESTERDAY = date(2026, 11, 21)


@pytest.fixture
def home(tmp_path: Path) -> ProviderHome:
    return open_home(tmp_path / "borealis", base_url="http://127.0.0.1:8002", seed=1)


@pytest.fixture
def store(home: ProviderHome) -> Iterator[Store]:
    store = Store(home.state_file, secret=home.secret, seed=1)
    store.introduce_players(read_players(home))
    yield store
    store.close()


def _sent(store: Store) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (kind, message id, event) of every event in every queued delivery, in order."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    for delivery in store.due(now_ms=1, limit=100_000):
        document = json.loads(delivery.body)
        events = document.get("events", [document])
        found.extend((str(delivery.kind), delivery.message_id, event) for event in events)
    return found


def _get(app: ProviderApp, path: str, *, credential: str = "t", **params: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        headers = {"authorization": f"Bearer {credential}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://p") as client:
            return await client.get(path, params=params or None, headers=headers)

    return asyncio.run(ask())


def _post(app: ProviderApp, path: str, content: bytes) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://p") as client:
            return await client.post(path, content=content, headers={"authorization": "Bearer t"})

    return asyncio.run(ask())


@pytest.fixture
def app(store: Store, home: ProviderHome) -> ProviderApp:
    return ProviderApp(store, callback_url="http://127.0.0.1:1/", secret=home.secret, token="t")


def test_home_keeps_its_secret_and_players_and_learns_a_new_address(tmp_path: Path) -> None:
    first = open_home(tmp_path, base_url="http://127.0.0.1:8002", seed=1)
    players = (tmp_path / "players.csv").read_bytes()
    second = open_home(tmp_path, base_url="http://127.0.0.1:9999", seed=2)
    assert (second.secret, second.export_token) == (first.secret, first.export_token)
    assert (tmp_path / "players.csv").read_bytes() == players
    document = tmp_path / "provider.json"
    assert json.loads(document.read_text())["export_url"] == "http://127.0.0.1:9999/export/rounds"
    assert document.stat().st_mode & 0o777 == 0o600


def test_a_run_sends_every_event_except_the_one_planted_as_missing(store: Store) -> None:
    run = store.play(600, day=YESTERDAY, key="a", now=NOW)
    truth = truth_of_day(store.db, YESTERDAY.isoformat())
    sent = {event["event_id"] for kind, _, event in _sent(store) if kind == "normal"}
    assert run.events == truth["events"]
    assert len(sent) == truth["expected_in_ledger"] == run.events - 2
    assert not sent & set(truth["planted"]["missing_in_ledger"])


def test_each_planted_class_shows_in_the_log_exactly_as_the_truth_says(store: Store) -> None:
    store.play(600, day=YESTERDAY, key="a", now=NOW)
    truth = truth_of_day(store.db, YESTERDAY.isoformat())
    rows = log_page(store.db, YESTERDAY.isoformat(), page=1, page_size=10_000).rows
    by_id: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_id.setdefault(row["event_id"], []).append(row)
    sent = {event["event_id"]: event for kind, _, event in _sent(store) if kind == "normal"}

    found: dict[str, set[str]] = {}
    for event_id in by_id.keys() | sent.keys():
        lines = by_id.get(event_id, [])
        if len(lines) > 1:
            found.setdefault("duplicate", set()).add(event_id)
        elif event_id not in sent:
            found.setdefault("missing_in_ledger", set()).add(event_id)
        elif not lines:
            found.setdefault("missing_at_provider", set()).add(event_id)
        else:
            _compare(found, event_id, lines[0], sent[event_id])
    # A rolled-back event is one whose rollback was sent too; any other such line is planted.
    targets = {event["reference_event_id"] for event in sent.values()}
    found["status"] = {
        row["event_id"]
        for row in rows
        if row["status"] == "rolled_back" and row["event_id"] not in targets
    }
    assert found == {kind: set(ids) for kind, ids in truth["planted"].items()}
    assert {kind: len(ids) for kind, ids in found.items()} == {
        "duplicate": 1, "missing_in_ledger": 2, "missing_at_provider": 2, "player": 1,
        "currency": 1, "amount": 2, "status": 1,
    }  # fmt: skip


def _compare(
    found: dict[str, set[str]], event_id: str, row: dict[str, str], event: dict[str, Any]
) -> None:
    for field, kind in (
        ("player_id", "player"),
        ("currency", "currency"),
        ("win_amount", "amount"),
    ):
        if row[field] != event[field]:
            found.setdefault(kind, set()).add(event_id)


def test_checksums_are_right_except_where_wrong_on_purpose(
    store: Store, home: ProviderHome
) -> None:
    store.play(600, day=YESTERDAY, key="a", now=NOW)
    wrong = [
        kind
        for kind, _, event in _sent(store)
        if event["checksum"] != event_checksum(home.secret, event)
    ]
    assert wrong == ["bad_checksum"] * 2


def test_a_duplicate_repeats_message_id_and_bytes_of_an_earlier_delivery(store: Store) -> None:
    store.play(2_000, day=YESTERDAY, key="a", now=NOW)
    seen: set[tuple[str, bytes]] = set()
    duplicates = 0
    for delivery in store.due(now_ms=1, limit=100_000):
        key = (delivery.message_id, delivery.body)
        if delivery.kind == "duplicate":
            duplicates += 1
            assert key in seen
        seen.add(key)
    assert duplicates > 0


def test_balances_chain_from_event_to_event_for_each_player(store: Store) -> None:
    store.play(800, day=YESTERDAY, key="a", now=NOW)
    rows = store.db.execute("SELECT payload FROM events ORDER BY occurred_at, event_no")
    last: dict[str, str] = {}
    for (payload,) in rows:
        event = json.loads(payload)
        player = event["player_id"]
        assert event["balance_before"] == last.get(player, event["balance_before"])
        last[player] = event["balance_after"]


def test_the_same_key_plays_once_and_another_adds_later_rounds(store: Store) -> None:
    first = store.play(50, day=YESTERDAY, key="a", now=NOW)
    assert store.play(50, day=YESTERDAY, key="a", now=NOW) == first
    last = store.db.execute("SELECT max(occurred_at) FROM events").fetchone()[0]
    second = store.play(50, day=YESTERDAY, key="b", now=NOW)
    assert second.run_no == 2
    earliest = store.db.execute("SELECT min(occurred_at) FROM events WHERE run_no = 2").fetchone()
    assert earliest[0] > last


def test_a_day_that_has_not_begun_is_refused_and_nothing_is_kept(store: Store) -> None:
    with pytest.raises(NoRoomInDayError):
        store.play(50, day=NOW.date() + timedelta(days=1), key="a", now=NOW)
    assert store.db.execute("SELECT count(*) FROM runs").fetchone()[0] == 0
    assert store.db.execute("SELECT count(*) FROM events").fetchone()[0] == 0


def test_state_is_found_again_after_the_process_died(store: Store, home: ProviderHome) -> None:
    run = store.play(50, day=YESTERDAY, key="a", now=NOW)
    queued = store.run_progress(run.run_no)["queued"]
    again = Store(home.state_file, secret=home.secret, seed=1)
    again.introduce_players(read_players(home))
    assert again.run_progress(run.run_no)["queued"] == queued
    assert truth_of_day(again.db, "2026-11-21") == truth_of_day(store.db, "2026-11-21")
    balances = "SELECT player_id, balance_minor FROM players ORDER BY position"
    assert again.db.execute(balances).fetchall() == store.db.execute(balances).fetchall()
    again.close()


def test_a_player_can_not_be_stored_below_zero(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        store.db.execute("UPDATE players SET balance_minor = -1 WHERE position = 1")


def test_pages_of_the_log_together_are_the_whole_day_and_stay_stable(
    store: Store, app: ProviderApp
) -> None:
    store.play(300, day=YESTERDAY, key="a", now=NOW)
    pages: list[list[dict[str, str]]] = []
    document: dict[str, Any] = {}
    address: str | None = "/export/rounds?day=2026-11-21&page=1&page_size=100"
    while address:
        document = _get(app, address).json()
        pages.append(document["rows"])
        address = document["next"]
    everything = log_page(store.db, "2026-11-21", page=1, page_size=10_000).rows
    assert [row for page in pages for row in page] == everything
    assert document["pages"] == len(pages) == -(-len(everything) // 100)
    assert document["total"] == len(everything)
    # Rounds played meanwhile come after what was already served.
    store.play(300, day=YESTERDAY, key="b", now=NOW)
    again = _get(app, "/export/rounds", day="2026-11-21", page=1, page_size=100).json()
    assert again["rows"] == pages[0]


def test_csv_and_json_exports_hold_the_same_rows(store: Store, app: ProviderApp) -> None:
    store.play(120, day=YESTERDAY, key="a", now=NOW)
    as_json = _get(app, "/export/rounds", day="2026-11-21", page_size=50, page=2).json()
    as_csv = _get(app, "/export/rounds", day="2026-11-21", page_size=50, page=2, format="csv")
    reader = csv.DictReader(io.StringIO(as_csv.text))
    assert list(reader) == as_json["rows"]
    assert tuple(reader.fieldnames or ()) == ROW_COLUMNS
    assert as_csv.headers["x-total-pages"] == str(as_json["pages"])


def test_payload_by_event_id_is_what_was_sent(store: Store, app: ProviderApp) -> None:
    store.play(50, day=YESTERDAY, key="a", now=NOW)
    event = next(event for _, _, event in _sent(store) if event["finalized"])
    assert _get(app, f"/rounds/{event['event_id']}").json()["payload"] == event
    assert _get(app, "/rounds/bo-nothing").status_code == 404
    with pytest.raises(UnknownEventError):
        store.payload("bo-nothing")


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"day": "yesterday"},
        {"day": "2026-13-01"},
        {"day": "2026-11-21", "page": "0"},
        {"day": "2026-11-21", "page": "-1"},
        {"day": "2026-11-21", "page": "9" * 400},
        {"day": "2026-11-21", "page_size": "5001"},
        {"day": "2026-11-21", "format": "xml"},
    ],
)
def test_a_wrong_export_request_is_refused_with_its_reason(
    app: ProviderApp, params: dict[str, str]
) -> None:
    answer = _get(app, "/export/rounds", **params)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")


@pytest.mark.parametrize("path", ["/export/rounds", "/rounds/x", "/truth", "/runs/1", "/nowhere"])
def test_nothing_is_served_without_the_token(app: ProviderApp, path: str) -> None:
    assert _get(app, path, credential="wrong").status_code == 401


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b'{"rounds": 0}', b'{"rounds": "many"}', b'{"rounds": 1, "key": 7}']
)
def test_a_wrong_play_order_is_refused_and_nothing_is_played(
    app: ProviderApp, store: Store, body: bytes
) -> None:
    assert _post(app, "/play", body).status_code == 400
    assert store.db.execute("SELECT count(*) FROM runs").fetchone()[0] == 0
