"""What auditors looked up is covered by the audit chain, and so by its anchor outside."""

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pgtrigger
import pytest
from django.core.management import CommandError, call_command

from apps.core.models import AuditEntry
from apps.core.sealed import sealed_hash, verify_sealed
from apps.core.services import seal_logs
from apps.core.tasks import seal_logs as seal_logs_task
from apps.staff.contracts import LookUp
from apps.staff.models import AuditorLookUp
from apps.staff.services import record_look_up

pytestmark = pytest.mark.django_db

GUARD = "staff.AuditorLookUp:append_only"


def look_up(path: str, now: datetime) -> AuditorLookUp:
    return record_look_up(
        LookUp(
            seat_id=1,
            person_id=7,
            person_name="aud",
            page="admin:players_player_change",
            path=path,
            query="",
            status=200,
        ),
        now=now,
    )


def verify(anchor: Path | None = None) -> str:
    out = StringIO()
    is_first = anchor is not None and not anchor.exists()
    call_command("verify_audit", anchor=anchor, new_anchor=is_first, stdout=out)
    return out.getvalue()


def write_anew(path: str, place: int) -> None:
    """Change one look-up and make every hash from there on fit, as the table's owner could."""
    with pgtrigger.ignore(GUARD):
        for entry in AuditorLookUp.objects.filter(sequence__gte=place).order_by("sequence"):
            before = AuditorLookUp.objects.filter(sequence=entry.sequence - 1).first()
            entry.path = path if entry.sequence == place else entry.path
            entry.prev_hash = before.entry_hash if before else entry.prev_hash
            entry.entry_hash = sealed_hash(entry)
            entry.save()


def test_the_head_of_the_look_ups_goes_to_the_audit_chain_once_a_day(now: datetime) -> None:
    assert seal_logs(now=now) == 0
    look_up("/admin/players/player/1/change/", now)
    newest = look_up("/admin/players/player/2/change/", now)
    assert seal_logs(now=now) == 1
    assert seal_logs(now=now + timedelta(days=1)) == 0

    entry = AuditEntry.objects.get(action="core.log.sealed")
    assert (entry.subject, entry.actor_id) == ("log:staff_auditorlookup", None)
    assert entry.details == {"entries": 2, "head_hash": newest.entry_hash}
    third = look_up("/admin/players/player/3/change/", now)
    seal_logs_task()
    details = AuditEntry.objects.filter(action="core.log.sealed").latest("pk").details
    assert details == {"entries": 3, "head_hash": third.entry_hash}
    assert "staff_auditorlookup: 3 entries verified" in verify()


def test_look_ups_that_were_written_anew_contradict_the_audit_chain(now: datetime) -> None:
    for number in range(4):
        look_up(f"/admin/players/player/{number}/change/", now)
    seal_logs(now=now)
    look_up("/admin/players/player/9/change/", now)
    write_anew("/admin/", 2)

    assert verify_sealed(AuditorLookUp).holds
    with pytest.raises(CommandError, match="place 4 is not the entry that the audit chain saw"):
        verify()


def test_a_cut_tail_of_the_look_ups_contradicts_the_audit_chain(
    now: datetime, tmp_path: Path
) -> None:
    for number in range(3):
        look_up(f"/admin/players/player/{number}/change/", now)
    seal_logs(now=now)
    with pgtrigger.ignore(GUARD):
        AuditorLookUp.objects.filter(sequence=3).delete()

    assert verify_sealed(AuditorLookUp).holds
    anchor = tmp_path / "anchor.json"
    with pytest.raises(CommandError, match="the audit chain saw 3 entries, 2 are left"):
        verify(anchor)
    assert not anchor.exists()


def test_what_was_looked_up_since_the_last_seal_is_not_covered_yet(now: datetime) -> None:
    look_up("/admin/players/player/1/change/", now)
    seal_logs(now=now)
    look_up("/admin/players/player/2/change/", now)
    write_anew("/admin/", 2)

    assert "staff_auditorlookup: 2 entries verified" in verify()


def test_taking_the_seal_out_of_the_chain_is_found_by_the_anchor(
    now: datetime, tmp_path: Path
) -> None:
    anchor = tmp_path / "anchor.json"
    look_up("/admin/players/player/1/change/", now)
    seal_logs(now=now)
    verify(anchor)
    write_anew("/admin/", 1)
    with pgtrigger.ignore("core.AuditEntry:append_only"):
        AuditEntry.objects.filter(action="core.log.sealed").delete()

    with pytest.raises(CommandError, match="the anchor saw 1 entries, 0 are left"):
        verify(anchor)


def test_the_aml_compartment_leaves_no_trace_in_the_chain(now: datetime) -> None:
    look_up("/admin/", now)
    seal_logs(now=now)
    subjects = AuditEntry.objects.filter(action="core.log.sealed").values_list("subject", flat=True)
    assert list(subjects) == ["log:staff_auditorlookup"]
