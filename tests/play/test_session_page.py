"""The page of a session says how it stands, and nothing that is over."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from apps.play import services
from apps.play.enums import SessionEnd
from apps.play.models import GameSession
from tests.factories import make_user
from tests.operator_api.builders import NOW, make_casino

pytestmark = pytest.mark.django_db

PAUSED = "No new stakes from 2026-11-22 11:20"


def page(session: GameSession, *, after: timedelta) -> str:
    client = Client()
    with time_machine.travel(NOW + after, tick=False):
        client.force_login(make_user(permissions=("play.view_gamesession",)))
        answer = client.get(reverse("admin:play_gamesession_change", args=[session.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_pause_of_a_reality_check_is_told_while_stakes_are_taken_at_all() -> None:
    make_casino()
    opened = services.open_session(
        player_ref="p-1001", provider_code="aurora", game_code="aurora-reef", now=NOW
    )
    session = GameSession.objects.get(pk=opened.session_id)
    assert PAUSED in page(session, after=timedelta(minutes=5))
    overdue = page(session, after=timedelta(minutes=70))
    assert "Overdue: no new stake has been taken since 2026-11-22 11:20" in overdue
    run_out = session.stakes_until - NOW
    over = page(session, after=run_out)
    assert "No new stakes" not in over
    assert "Overdue" not in over
    services.end_session(
        session_id=session.pk,
        code=SessionEnd.STAFF,
        reason="Asked for it.",
        now=NOW + timedelta(minutes=6),
    )
    assert "No new stakes" not in page(session, after=timedelta(minutes=7))
