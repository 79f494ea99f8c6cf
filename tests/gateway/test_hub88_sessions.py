"""Which game and which session a Hub88 bet may name."""

from dataclasses import replace

import pytest

from apps.providers.enums import Permission
from apps.providers.models import Game, ProviderPolicy
from apps.simulator.dialects.contract import RunKey
from apps.wallet.models import Transfer
from tests.factories import make_cover
from tests.gateway.builders import TABLE, Casino
from tests.gateway.hub88_makers import HUB88, open_hub88_casino, say, sit, stake

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def key() -> RunKey:
    return HUB88.new_key()


@pytest.fixture
def casino(key: RunKey) -> Casino:
    return open_hub88_casino(key)


def test_a_new_provider_may_change_the_game_where_that_could_be_launched(
    casino: Casino, key: RunKey
) -> None:
    _, seat = sit(casino)
    there = stake(replace(seat, game_code=TABLE))
    assert say(casino, key, there).code == "RS_ERROR_INVALID_GAME"
    make_cover(Game.objects.get(game_code=TABLE))
    assert say(casino, key, stake(there.seat)).code == ""
    assert casino.pots()["cash"] == 9_900


@pytest.mark.parametrize("game_change", Permission.values)
def test_a_bet_in_a_game_nobody_knows_is_told_so_whatever_the_policy(
    casino: Casino, key: RunKey, game_change: str
) -> None:
    ProviderPolicy.objects.update(game_change=game_change)
    _, seat = sit(casino)
    before = Transfer.objects.count()
    assert say(casino, key, stake(replace(seat, game_code="nope"))).code == "RS_ERROR_INVALID_GAME"
    assert Transfer.objects.count() == before
