"""Everything recorded for protection, searched and exported in one place."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.core.models import AuditEntry
from apps.players import services
from apps.players.contracts import ExclusionRequest, LimitRequest
from apps.players.enums import RecordKind
from apps.players.models import Player, ProtectionCheck, RealityCheck
from apps.players.selectors.records import RecordFilter, protection_records
from apps.staff.enums import Role
from tests.factories import make_player, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def player() -> Player:
    """Make a player of whom one record of every kind was kept, in this order."""
    call_command("seed_roles", verbosity=0)
    officer, player = make_user("carla", roles=(Role.COMPLIANCE_OFFICER,)), make_player("p-1")
    start = timezone.now() - timedelta(hours=1)
    ProtectionCheck.objects.create(
        player=player,
        kind="launch",
        jurisdiction="MT",
        checked_at=start,
        is_allowed=False,
        codes=["self_excluded"],
        basis={"looked_at": ["standing", "exclusions"], "status": "active"},
    )
    RealityCheck.objects.create(
        player=player,
        session_ref="s-1",
        shown_at=start + timedelta(minutes=1),
        step="shown",
        happened_at=start + timedelta(minutes=1),
        minutes_played=60,
        staked_minor=100,
        won_minor=0,
    )
    limit = LimitRequest(
        player_id=player.pk,
        kind="deposit_24h",
        source="player",
        asked_by="=cmd|' /C calc'!A0",
        reason="Wants less.",
        amount_minor=5000,
    )
    services.set_limit(limit, actor=officer, now=start + timedelta(minutes=2))
    exclusion = ExclusionRequest(
        player_id=player.pk,
        kind="time_out",
        source="player",
        asked_by="player",
        reason="A break.",
        ends_at=start + timedelta(days=2),
    )
    services.exclude(exclusion, actor=officer, now=start + timedelta(minutes=3))
    services.close_account(
        player.pk,
        source="player",
        asked_by="player",
        reason="Enough.",
        actor=officer,
        now=start + timedelta(minutes=4),
    )
    make_player("p-2")
    return player


def client_of(role: Role) -> Client:
    client = Client()
    client.force_login(make_user(roles=(role,)))
    return client


URL = "/admin/players/protectionrecord/"


def test_one_page_shows_every_kind_of_record(player: Player) -> None:
    assert reverse("admin:players_protectionrecord_changelist") == URL
    page = client_of(Role.COMPLIANCE_OFFICER).get(URL + "?player=p-1").content.decode()

    for kind in (RecordKind.CHECK, RecordKind.LIMIT, RecordKind.EXCLUSION, RecordKind.CLOSURE):
        assert str(kind.label) in page
    assert "refused: self_excluded" in page
    assert "Shown after 60 minutes" in page
    assert "A break." in page


def test_the_filter_narrows_by_kind_player_and_days(player: Player) -> None:
    client = client_of(Role.COMPLIANCE_OFFICER)

    closures = client.get(URL + "?kind=closure").content.decode()
    assert "Enough." in closures
    assert "A break." not in closures
    assert "Nothing was recorded" in client.get(URL + "?player=p-2").content.decode()
    old = client.get(URL + "?since=2020-01-01&until=2020-02-01").content.decode()
    assert "Nothing was recorded" in old
    assert client.get(URL + "?since=nonsense&kind=odd").status_code == 200


def test_the_export_is_audited_and_runs_nothing_in_a_spreadsheet(player: Player) -> None:
    answer = client_of(Role.COMPLIANCE_OFFICER).get(URL + "?player=p-1&format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    assert len(rows) == 5
    assert sorted(row["kind"] for row in rows) == [
        "check",
        "closure",
        "exclusion",
        "limit",
        "reality_check",
    ]
    assert rows == sorted(rows, key=lambda row: row["at"], reverse=True)
    assert {row["player"] for row in rows} == {"p-1"}
    assert next(row["who"] for row in rows if row["kind"] == "limit").startswith("'=cmd")
    entry = AuditEntry.objects.get(action="players.protection_records.exported")
    assert entry.details["rows"] == len(rows)


def test_who_may_not_see_records_gets_none(player: Player) -> None:
    for role in (Role.CS_AGENT, Role.PROMO_MANAGER, Role.FINANCE_ANALYST):
        assert client_of(role).get(URL + "?format=csv").status_code == 403
    assert not AuditEntry.objects.filter(action="players.protection_records.exported").exists()


def test_a_rehearsals_records_are_found_by_its_own_reference_only(player: Player) -> None:
    kit = make_player("acceptance-1", jurisdiction="ZZ")
    now = timezone.now()
    request = ExclusionRequest(kit.pk, "closure", "player", "kit", "Acceptance kit")
    services.exclude(request, now=now)
    day = timedelta(days=1)
    everybody = protection_records(RecordFilter(now - day, now + day), limit=50)
    assert {row.player_ref for row in everybody} == {player.player_ref}
    named = protection_records(RecordFilter(now - day, now + day, kit.player_ref), limit=50)
    assert [(row.player_ref, row.kind) for row in named] == [(kit.player_ref, RecordKind.CLOSURE)]
