"""What the acceptance kit provokes is its own evidence and nobody's work."""

from datetime import datetime, timedelta

import pytest

from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.models import Player
from apps.providers.models import Provider
from apps.rounds.models import Conflict, RoundEvent
from apps.rounds.selectors import edge_events, newest_conflicts, parked_events
from tests.factories import make_game, make_player, make_provider
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


def test_an_event_of_a_player_nobody_knows_stays_somebodys_work(now: datetime) -> None:
    provider = make_provider()
    make_game(provider)
    stranger = Player(player_ref="p-unknown", currency="EUR")
    play(provider, [round_event(stranger, "of-nobody", now)], now)
    assert [event.event_id for event in parked_events(limit=9)] == ["of-nobody"]
