"""Who asks for exports, and what there is to export."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from apps.players.models import Player
from apps.staff.enums import Role
from apps.staff.models import User
from tests.factories import make_cover, make_game, make_player, make_provider, make_user
from tests.rounds_makers import fund, play, round_event


@pytest.fixture(autouse=True)
def _in_the_morning() -> Iterator[None]:
    """What was played a while ago was played today, here and where the players are."""
    with time_machine.travel(datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)):
        yield


@pytest.fixture
def roles(db: None) -> None:
    call_command("seed_roles", verbosity=0)


@pytest.fixture
def moment() -> datetime:
    return timezone.now()


@pytest.fixture
def auditor(roles: None) -> User:
    return make_user("aud", roles=(Role.AUDITOR,))


@pytest.fixture
def player(moment: datetime) -> Player:
    """Somebody who played three rounds: 2.00 staked and 3.50 won in each."""
    provider = make_provider()
    make_cover(make_game(provider))
    player = make_player("p-1")
    Player.objects.filter(pk=player.pk).update(date_of_birth=date(1988, 4, 17))
    fund(player, 10_000, moment)
    for number in range(3):
        played_at = moment - timedelta(minutes=10 - number)
        play(provider, [round_event(player, f"a-{number}", played_at)], moment)
    return player
