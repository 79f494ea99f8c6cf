"""Which game and which session a Hub88 bet may name."""

from dataclasses import replace
from datetime import timedelta

import pytest

from apps.gateway.services.intake import reprocess_delivery
from apps.play.models import GameSession
from apps.providers.enums import Permission
from apps.providers.models import Game, ProviderPolicy
from apps.rounds.models import Delivery, RoundEvent
from apps.simulator.dialects.contract import Move, RunKey, Seat
from apps.wallet.models import Transfer
from tests.factories import make_cover, make_game
from tests.gateway.builders import TABLE, Casino, open_player
from tests.gateway.dialect_makers import HUB88, open_hub88_casino, say, sit, stake

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


def promo(seat: Seat) -> Move:
    """Return a bet with money that a promotion of the supplier placed."""
    return replace(stake(seat), fields={"is_supplier_promo": True})


def refuses(casino: Casino, key: RunKey, seat: Seat, word: str) -> None:
    before = Transfer.objects.count(), casino.pots()
    assert say(casino, key, promo(seat)).code == word
    assert (Transfer.objects.count(), casino.pots()) == before


def test_a_promotions_bet_needs_a_known_session_of_its_player(casino: Casino, key: RunKey) -> None:
    _, seat = sit(casino)
    assert say(casino, key, promo(seat)).code == ""
    assert casino.pots()["cash"] == 9_900
    refuses(casino, key, replace(seat, session_id="x" * 20), "RS_ERROR_INVALID_TOKEN")
    open_player("p-2", cash_minor=5_000)
    refuses(casino, key, replace(seat, player_ref="p-2"), "RS_ERROR_INVALID_TOKEN")
    refuses(casino, key, replace(seat, game_code=TABLE), "RS_ERROR_INVALID_GAME")
    ProviderPolicy.objects.update(game_change=Permission.REFUSE)
    refuses(casino, key, replace(seat, game_code=TABLE), "RS_ERROR_INVALID_TOKEN")


def test_a_promotions_bet_waits_for_a_reality_check_like_any_other(
    casino: Casino, key: RunKey
) -> None:
    _, seat = sit(casino)
    GameSession.objects.update(acknowledge_by=casino.now)
    refuses(casino, key, seat, "RS_ERROR_LIMIT_REACHED")


@pytest.mark.parametrize("game_change", Permission.values)
def test_a_promotions_bet_outlasts_its_session_while_the_game_may_be_launched(
    casino: Casino, key: RunKey, game_change: str
) -> None:
    ProviderPolicy.objects.update(game_change=game_change)
    _, seat = sit(casino)
    casino.now += timedelta(days=1)
    assert say(casino, key, stake(seat)).code == "RS_ERROR_TOKEN_EXPIRED"
    assert say(casino, key, promo(seat)).code == ""
    assert casino.pots()["cash"] == 9_900
    # The certificate has ended meanwhile, so nobody could launch the game any more.
    casino.now += timedelta(days=300)
    refuses(casino, key, seat, "RS_ERROR_INVALID_GAME")


def test_a_promotions_bet_does_not_outlast_a_session_that_was_ended(
    casino: Casino, key: RunKey
) -> None:
    _, seat = sit(casino)
    GameSession.objects.update(ended_at=casino.now, end_code="logout", end_reason="Logged out.")
    refuses(casino, key, seat, "RS_ERROR_TOKEN_EXPIRED")


def test_a_refused_bet_that_a_person_asks_about_again_may_still_be_sent(
    casino: Casino, key: RunKey
) -> None:
    _, seat = sit(casino)
    bet = stake(replace(seat, game_code="new-game"))
    assert say(casino, key, bet).code == "RS_ERROR_INVALID_GAME"
    make_cover(make_game(casino.provider, "new-game"))
    [outcome] = reprocess_delivery(delivery_id=Delivery.objects.get().pk, now=casino.now)
    assert (outcome.status, outcome.code) == ("rejected", "ledger_unavailable")
    assert not RoundEvent.objects.exists()
    assert casino.pots()["cash"] == 10_000
    assert say(casino, key, bet).code == ""
    assert casino.pots()["cash"] == 9_900
