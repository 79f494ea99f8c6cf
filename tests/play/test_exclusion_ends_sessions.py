"""An exclusion ends the player's sessions, wherever it came from."""

from datetime import datetime, timedelta

import pytest
import time_machine

from apps.core.models import OutboxMessage
from apps.play import services
from apps.play.models import GameSession
from apps.play.tasks import end_sessions
from apps.players.contracts import ExclusionRequest
from apps.players.services import exclude
from tests.factories import make_cover, make_game, make_player, make_provider

pytestmark = pytest.mark.django_db


def test_a_time_out_given_by_staff_ends_the_session_once(now: datetime) -> None:
    make_cover(make_game(make_provider()))
    player = make_player("p-1001")
    opened = services.open_session(
        player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=now
    )
    request = ExclusionRequest(
        player_id=player.pk,
        kind="time_out",
        source="staff",
        asked_by="officer",
        reason="Asked for a pause.",
        ends_at=now + timedelta(days=1),
    )
    exclude(request, now=now)
    message = OutboxMessage.objects.get(task="play.end_sessions")
    with time_machine.travel(now, tick=False):
        for _ in range(2):
            end_sessions(outbox_id=message.pk, **message.payload)
    session = GameSession.objects.get(pk=opened.session_id)
    assert (session.end_code, session.end_reason) == (
        "protection",
        "The player is excluded: time_out.",
    )
