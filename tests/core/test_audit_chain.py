import json
from datetime import UTC, datetime, timedelta
from datetime import timezone as dt_timezone
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pgtrigger
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.core.errors import AnchorError, NotPlainJsonError
from apps.core.models import AuditEntry
from apps.core.services import record_audit, verify_audit_chain
from tests.races import race

NOW = datetime(2026, 11, 22, 10, 15, 30, 123456, tzinfo=UTC)


def record(number: int, details: dict[str, Any] | None = None, now: datetime = NOW) -> AuditEntry:
    return record_audit(
        action="test.done",
        actor=None,
        subject=f"thing:{number}",
        details=details if details is not None else {"number": number},
        reason="Because",
        now=now,
    )


def tamper(sql: str, *params: Any) -> None:
    """Change rows as somebody who owns the database could."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_auditentry DISABLE TRIGGER USER")
        cursor.execute(sql, params)
        cursor.execute("ALTER TABLE core_auditentry ENABLE TRIGGER USER")


@pytest.mark.django_db
def test_an_empty_chain_holds() -> None:
    verdict = verify_audit_chain()
    assert (verdict.entries, verdict.first_bad_id, verdict.holds) == (0, None, True)


@pytest.mark.django_db
def test_entries_follow_each_other_and_the_chain_holds() -> None:
    first, second = record(1), record(2, {"nested": {"b": [1, None, True], "a": "ä"}})
    assert (first.sequence, second.sequence) == (1, 2)
    assert second.prev_hash == first.entry_hash
    verdict = verify_audit_chain()
    assert (verdict.entries, verdict.head_hash) == (2, second.entry_hash)
    assert verdict.holds


@pytest.mark.django_db
def test_the_hash_does_not_depend_on_the_time_zone_of_writer_or_reader() -> None:
    record(1, now=NOW.astimezone(dt_timezone(timedelta(hours=11))))
    with timezone.override("Australia/Sydney"):
        record(2)
        assert verify_audit_chain().holds
    assert verify_audit_chain().holds


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE core_auditentry SET reason = ''",
        "DELETE FROM core_auditentry",
        "TRUNCATE core_auditentry",
    ],
)
def test_the_database_refuses_to_change_what_was_recorded(sql: str) -> None:
    entry = record(1)
    with (
        pytest.raises(DatabaseError, match="pgtrigger"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
    assert list(AuditEntry.objects.values_list("entry_hash", flat=True)) == [entry.entry_hash]
    assert verify_audit_chain().holds


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["core_auditentry", "staff_approval"])
def test_the_guards_fire_in_every_session_also_one_that_plays_a_replica(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(DISTINCT tgenabled::text) FROM pg_trigger "
            "WHERE tgrelid = %s::regclass AND NOT tgisinternal",
            [table],
        )
        assert cursor.fetchone() == (["A"],)


@pytest.mark.django_db
def test_a_fork_is_refused_by_the_database() -> None:
    first = record(1)
    record(2)
    fork = AuditEntry(
        chain="main", sequence=3, action="a", subject="s", details={}, created_at=NOW,
        prev_hash=first.entry_hash, entry_hash="f" * 64,
    )  # fmt: skip
    with pytest.raises(DatabaseError, match="core_auditentry_chain_never_forks"):
        fork.save()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE core_auditentry SET details = '{\"number\": 9}' WHERE sequence = 2",
        "UPDATE core_auditentry SET actor_name = 'somebody' WHERE sequence = 2",
        "UPDATE core_auditentry SET created_at = created_at + interval '1 us' WHERE sequence = 2",
        "UPDATE core_auditentry SET details = '{\"number\": 2.0}' WHERE sequence = 2",
    ],
)
def test_an_edited_entry_is_the_first_bad_one(sql: str) -> None:
    _, second, _ = record(1), record(2), record(3)
    tamper(sql)
    verdict = verify_audit_chain()
    assert not verdict.holds
    assert (verdict.first_bad_id, verdict.entries) == (second.pk, 1)


@pytest.mark.django_db
def test_a_removed_entry_is_noticed_at_the_next_one() -> None:
    _, _, third = record(1), record(2), record(3)
    tamper("DELETE FROM core_auditentry WHERE sequence = 2")
    assert verify_audit_chain().first_bad_id == third.pk


@pytest.mark.django_db
def test_an_entry_beside_the_chain_is_noticed() -> None:
    head = record(1)
    beside = AuditEntry(
        chain="side", sequence=1, action="a", subject="thing:1", details={}, created_at=NOW,
        prev_hash="0" * 64, entry_hash="f" * 64,
    )  # fmt: skip
    # Who may add rows may add this one, and the trail of thing:1 shows it.
    beside.save(force_insert=True)
    verdict = verify_audit_chain()
    assert (verdict.first_bad_id, verdict.entries) == (beside.pk, 1)
    assert verdict.head_hash == head.entry_hash
    with pytest.raises(CommandError, match="it is of a chain 'side'"):
        call_command("verify_audit", stdout=StringIO())


@pytest.mark.django_db
def test_swapped_entries_are_noticed() -> None:
    _, second, third = record(1), record(2), record(3)
    tamper("UPDATE core_auditentry SET sequence = sequence + 10 WHERE sequence > 1")
    tamper("UPDATE core_auditentry SET sequence = 2 WHERE id = %s", third.pk)
    tamper("UPDATE core_auditentry SET sequence = 3 WHERE id = %s", second.pk)
    assert verify_audit_chain().first_bad_id == third.pk


@pytest.mark.django_db
@pytest.mark.parametrize("value", [1.5, float("nan"), "a\x00b", "\ud800", {1: "a"}, object(), (1,)])
def test_details_that_would_not_come_back_unchanged_are_refused(value: object) -> None:
    with pytest.raises(NotPlainJsonError):
        record(1, {"value": value})
    assert AuditEntry.objects.count() == 0


@pytest.mark.django_db
def test_a_cut_tail_is_found_by_the_anchor_outside(tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    for number in range(3):
        record(number)
    call_command("verify_audit", anchor=anchor, new_anchor=True, stdout=StringIO())
    tamper("DELETE FROM core_auditentry WHERE sequence = 3")
    assert verify_audit_chain().holds
    before = anchor.read_text()
    with pytest.raises(CommandError, match="saw 3 entries, 2 are left"):
        call_command("verify_audit", anchor=anchor, stdout=StringIO())
    assert anchor.read_text() == before


@pytest.mark.django_db
def test_a_rewritten_chain_is_found_by_the_anchor_outside(tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    record(1)
    call_command("verify_audit", anchor=anchor, new_anchor=True, stdout=StringIO())
    tamper("DELETE FROM core_auditentry")
    record(7)
    record(8)
    assert verify_audit_chain().holds
    with pytest.raises(CommandError, match="not the one that the anchor saw"):
        call_command("verify_audit", anchor=anchor, stdout=StringIO())


@pytest.mark.django_db
def test_the_anchor_moves_on_with_a_chain_that_holds(tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    record(1)
    call_command("verify_audit", anchor=anchor, new_anchor=True, stdout=StringIO())
    head = record(2)
    call_command("verify_audit", anchor=anchor, stdout=(out := StringIO()))
    assert f"Anchor {anchor}: 1 entries on " in out.getvalue()
    compared_with = json.loads(anchor.read_text())
    out = StringIO()
    call_command("verify_audit", anchor=anchor, as_json=True, stdout=out)
    told = json.loads(out.getvalue())
    assert (told["head_hash"], told["anchor"]) == (head.entry_hash, compared_with)
    assert json.loads(anchor.read_text())["entries"] == 2


@pytest.mark.django_db
def test_an_anchor_that_is_gone_fails_and_only_a_first_run_begins_one(tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    record(1)
    for as_json in (False, True):
        with pytest.raises(CommandError, match="is not there, so nothing can be compared"):
            call_command("verify_audit", anchor=anchor, as_json=as_json, stdout=StringIO())
    assert not anchor.exists()
    call_command("verify_audit", anchor=anchor, new_anchor=True, stdout=(out := StringIO()))
    assert "begun now, so nothing was compared" in out.getvalue()
    begun = anchor.read_text()
    record(2)
    for path in (anchor, None):
        with pytest.raises(CommandError, match="a file that is not there yet"):
            call_command("verify_audit", anchor=path, new_anchor=True, stdout=StringIO())
    assert anchor.read_text() == begun
    call_command("verify_audit", as_json=True, stdout=(out := StringIO()))
    assert json.loads(out.getvalue())["anchor"] is None


@pytest.mark.django_db
@pytest.mark.parametrize("content", ["", "[]", "{}", '{"chain": "main", "entries": "x"}'])
def test_a_damaged_anchor_is_refused_by_name(tmp_path: Path, content: str) -> None:
    anchor = tmp_path / "anchor.json"
    anchor.write_text(content)
    with pytest.raises(CommandError, match="can't be read as an anchor") as refusal:
        call_command("verify_audit", anchor=anchor, stdout=StringIO())
    assert isinstance(refusal.value.__cause__, AnchorError)


@pytest.mark.django_db(transaction=True)
def test_twenty_writers_at_once_make_one_chain_without_gap_or_fork() -> None:
    outcomes = race([partial(record, number) for number in range(20)])
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    verdict = verify_audit_chain()
    assert (verdict.entries, verdict.holds) == (20, True)
    assert AuditEntry.objects.values("subject").distinct().count() == 20


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_the_same_race_collides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.services.audit._lock_chain", lambda _chain: None)
    outcomes = race([partial(record, number) for number in range(20)])
    refused = [outcome for outcome in outcomes if isinstance(outcome, DatabaseError)]
    assert refused
    # The constraints still keep the chain whole.
    assert verify_audit_chain().entries == 20 - len(refused)


@pytest.mark.django_db
def test_ignoring_triggers_is_possible_only_in_process_and_shows_in_the_chain() -> None:
    record(1)
    record(2)
    with pgtrigger.ignore("core.AuditEntry:append_only"):
        AuditEntry.objects.filter(sequence=1).update(reason="other")
    assert not verify_audit_chain().holds
