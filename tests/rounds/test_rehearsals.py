"""What the acceptance kit provokes is its own evidence and nobody's work."""

from datetime import datetime, timedelta

import pytest
from django.test import Client

from apps.core.models import OutboxMessage
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.models import Player
from apps.providers.models import Provider
from apps.rounds.models import Conflict, RoundEvent
from apps.rounds.selectors import edge_events, newest_conflicts, parked_events
from tests.factories import make_game, make_player, make_provider, make_user
from tests.rounds_makers import fund, play, round_event

pytestmark = pytest.mark.django_db


def contradict(provider: Provider, player: Player, event_id: str, now: datetime) -> None:
    """Send one event id twice, with other content the second time."""
    event = round_event(player, event_id, now)
    play(provider, [event], now)
    other = round_event(player, event_id, now, win_minor=1, fingerprint="f" * 64)
    play(provider, [other], now + timedelta(seconds=1))


def test_conflicts_and_parked_events_of_a_rehearsal_ask_nobody_to_act(now: datetime) -> None:
    provider = make_provider()
    make_game(provider)
    real, pretended = make_player(), make_player(jurisdiction=REHEARSAL_JURISDICTION)
    late = now - timedelta(hours=72)
    for player, name in ((real, "real"), (pretended, "pretended")):
        fund(player, 100_000, now)
        contradict(provider, player, name, now)
        play(provider, [round_event(player, f"{name}-late", late)], now)
    assert Conflict.objects.count() == 2
    assert RoundEvent.objects.filter(status="parked").count() == 2
    assert [conflict.event_id for conflict in newest_conflicts(limit=9)] == ["real"]
    assert [event.event_id for event in parked_events(limit=9)] == ["real-late"]
    assert edge_events(provider.pk, since=now) == (("real", now), ("real", now))
    alerts = OutboxMessage.objects.filter(topic="rounds.conflict_seen")
    assert [alert.payload["event_id"] for alert in alerts] == ["real"]


def test_the_list_of_conflicts_begins_with_real_people_and_finds_a_rehearsal_when_asked(
    now: datetime,
) -> None:
    provider = make_provider()
    make_game(provider)
    real, pretended = make_player(), make_player(jurisdiction=REHEARSAL_JURISDICTION)
    for player, name in ((real, "real"), (pretended, "pretended")):
        fund(player, 100_000, now)
        contradict(provider, player, name, now)
    client = Client()
    client.force_login(make_user(permissions=("rounds.view_conflict",)))

    def listed(**asked: str) -> set[str]:
        rows = client.get("/admin/rounds/conflict/", asked).context["cl"].result_list
        return {row.event_id for row in rows}

    assert listed() == {"real"}
    assert listed(who="only") == {"pretended"}
    assert listed(who="all") == {"real", "pretended"}
    assert listed(q="pretended") == {"pretended"}


def test_an_id_of_a_test_player_that_names_a_real_one_is_somebodys_work(now: datetime) -> None:
    provider = make_provider()
    make_game(provider)
    real, pretended = make_player(), make_player(jurisdiction=REHEARSAL_JURISDICTION)
    for player in (real, pretended):
        fund(player, 100_000, now)
    play(provider, [round_event(pretended, "one", now)], now)
    theirs = round_event(real, "one", now, fingerprint="f" * 64)
    play(provider, [theirs], now + timedelta(seconds=1))
    assert OutboxMessage.objects.filter(topic="rounds.conflict_seen").count() == 1


def test_an_event_of_a_player_nobody_knows_stays_somebodys_work(now: datetime) -> None:
    provider = make_provider()
    make_game(provider)
    stranger = Player(player_ref="p-unknown", currency="EUR")
    play(provider, [round_event(stranger, "of-nobody", now)], now)
    assert [event.event_id for event in parked_events(limit=9)] == ["of-nobody"]
