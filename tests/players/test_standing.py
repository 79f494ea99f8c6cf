"""Staff block a player and end the block, with a reason; everything else has its own way."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.errors import ReasonRequiredError
from apps.core.models import AuditEntry, OutboxMessage
from apps.players import services
from apps.players.contracts import ExclusionRequest
from apps.players.errors import ProtectedStandingError, StandingUnchangedError
from apps.players.models import Player
from apps.staff.enums import Role
from apps.staff.services import sync_roles
from tests.factories import make_player, make_user

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def by(**changes: Any) -> dict[str, Any]:
    return {"acting_user": make_user(), "reason": "Fraud suspected.", "now": NOW, **changes}


def status(player: Player) -> str:
    player.refresh_from_db()
    return player.status


def test_a_block_ends_sessions_is_in_the_chain_and_ends_by_a_person() -> None:
    player = make_player()
    services.block_player(player.pk, **by())
    assert status(player) == "blocked"
    message = OutboxMessage.objects.get()
    assert (message.topic, message.payload["kind"]) == ("players.excluded", "block")
    with pytest.raises(StandingUnchangedError):
        services.block_player(player.pk, **by())
    services.unblock_player(player.pk, **by(reason="Cleared."))
    assert status(player) == "active"
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "details")) == [
        ("players.standing.changed", {"before": "active", "status": "blocked"}),
        ("players.standing.changed", {"before": "blocked", "status": "active"}),
    ]
    with pytest.raises(StandingUnchangedError):
        services.unblock_player(player.pk, **by())


def test_an_exclusion_outlives_a_block_and_a_closed_account_is_not_blocked() -> None:
    player = make_player()
    wish = ExclusionRequest(player.pk, "self_exclusion", "player", "p", "Asked.")
    services.exclude(wish, now=NOW - timedelta(days=1))
    services.block_player(player.pk, **by())
    services.unblock_player(player.pk, **by())
    assert status(player) == "self_excluded"
    services.close_account(player.pk, source="player", asked_by="p", reason="Asked.", now=NOW)
    with pytest.raises(ProtectedStandingError):
        services.block_player(player.pk, **by())
    assert status(player) == "closed"


def test_without_a_reason_nothing_changes() -> None:
    player = make_player()
    with pytest.raises(ReasonRequiredError):
        services.block_player(player.pk, **by(reason=" "))
    assert status(player) == "active"
    assert not AuditEntry.objects.exists()


def test_the_buttons_are_for_those_who_may(client: Client) -> None:
    sync_roles(now=NOW)
    player = make_player()
    for role, code in ((Role.CS_AGENT, 403), (Role.AUDITOR, 403), (Role.CS_SUPERVISOR, 302)):
        client.force_login(make_user(roles=(role,)))
        url = reverse("admin:players_player_do", args=[player.pk, "block"])
        assert client.post(url, {"reason": "Fraud suspected."}).status_code == code
    assert status(player) == "blocked"
    page = client.get(reverse("admin:players_player_change", args=[player.pk]))
    assert "End the block" in page.content.decode()
    assert 'name="status"' not in page.content.decode()
