"""A provider or game that is switched off takes no new stakes; money back still comes."""

from typing import Any

import pytest

from apps.gateway import tasks
from apps.gateway.admin_actions import CashOutForm
from apps.gateway.errors import ProviderNotLiveError, ProviderOffError
from apps.gateway.services.game_transfers import transfer_in, transfer_out
from apps.gateway.services.sub_wallets import MoneyOrder, cash_out_sub_wallet, fund_sub_wallet
from apps.players.contracts import REHEARSAL_JURISDICTION
from apps.players.models import Player
from apps.providers.enums import WalletModel
from apps.providers.models import Game, Provider
from apps.wallet.enums import GameTransferState
from apps.wallet.models import WalletAudit
from apps.wallet.services.game_transfers import decide_transfer
from tests.gateway.builders import (
    NOW,
    SLOT,
    Casino,
    assert_ledger_holds,
    everything,
    give_order_key,
)
from tests.gateway.operations_makers import ask_one, reward, rollback, stake, win

pytestmark = pytest.mark.django_db


def _switch_off() -> None:
    Provider.objects.update(is_active=False)


def test_a_native_stake_at_a_provider_that_is_off_is_refused_and_moves_nothing(
    casino: Casino,
) -> None:
    _switch_off()
    before = everything()
    result = casino.send_one(casino.tentative("e-1"))
    assert (result["status"], result["code"]) == ("rejected", "unknown_game")
    assert casino.stored("e-1").code == "provider_off"
    assert everything() == before


@pytest.mark.parametrize("changes", [{}, {"is_free": True, "bet_minor": 0}])
def test_a_stake_operation_at_a_provider_that_is_off_is_refused_and_moves_nothing(
    casino: Casino, changes: dict[str, Any]
) -> None:
    _switch_off()
    before = everything()
    assert ask_one(casino, stake("s-1", **changes))[:2] == ("rejected", "provider_off")
    assert everything() == before


def test_a_refused_stake_stays_refused_when_the_provider_is_on_again(casino: Casino) -> None:
    _switch_off()
    ask_one(casino, stake("s-1"))
    Provider.objects.update(is_active=True)
    assert ask_one(casino, stake("s-1"))[:2] == ("rejected", "provider_off")
    assert ask_one(casino, stake("s-2"))[:2] == ("accepted", "")


def test_a_provider_that_is_off_settles_the_round_it_took(casino: Casino) -> None:
    casino.send_one(casino.tentative("e-1"))
    _switch_off()
    final = casino.event("e-2", round_id="r-1", bet_amount="0.00", win_amount="9.00")
    assert casino.send_one(final)["status"] == "accepted"
    assert (casino.pots()["cash"], casino.pots()["held"]) == (11_050, 0)
    assert_ledger_holds()


def test_a_provider_that_is_off_pays_wins_rewards_and_refunds(casino: Casino) -> None:
    ask_one(casino, stake("s-1", 200))
    ask_one(casino, stake("s-2", 300, round_ref="r-2"))
    _switch_off()
    assert ask_one(casino, win("w-1", 900, finalized=True))[0] == "accepted"
    assert ask_one(casino, rollback("b-2", "s-2", round_ref="r-2"))[0] == "accepted"
    assert ask_one(casino, reward("p-1", 500))[0] == "accepted"
    assert casino.pots()["cash"] == 10_000 - 200 + 900 + 500
    assert casino.pots()["held"] == 0
    assert_ledger_holds()


def test_a_round_that_was_played_while_the_provider_is_off_is_recorded(casino: Casino) -> None:
    _switch_off()
    assert casino.send_one(casino.event("e-1"))["status"] == "accepted"
    assert casino.pots()["cash"] == 10_150


def test_the_nightly_sweep_and_audit_reach_a_provider_that_is_off(casino: Casino) -> None:
    Provider.objects.update(wallet_model=WalletModel.SUB_WALLET)
    order = MoneyOrder(casino.player.pk, "aurora", 400, "AUD", "k")
    fund_sub_wallet(order, now=NOW)
    _switch_off()
    tasks.audit_wallets()
    assert WalletAudit.objects.filter(provider_code="aurora").exists()
    tasks.sweep_sub_wallets()
    assert casino.pots()["cash"] == 10_000
    assert casino.pots()["sub:aurora"] == 0


def _order(casino: Casino, amount_minor: int, key: str) -> MoneyOrder:
    return MoneyOrder(casino.player.pk, "aurora", amount_minor, "AUD", key)


def _played_from_its_own_wallet(casino: Casino) -> None:
    Provider.objects.update(wallet_model=WalletModel.TRANSFER, transfer_url="https://a.example")
    give_order_key(casino.provider)


def test_no_money_goes_into_a_sub_wallet_of_a_provider_that_is_off_and_all_comes_back(
    casino: Casino,
) -> None:
    Provider.objects.update(wallet_model=WalletModel.SUB_WALLET)
    assert fund_sub_wallet(_order(casino, 400, "k-1"), now=NOW)
    _switch_off()
    before = everything()
    with pytest.raises(ProviderOffError):
        fund_sub_wallet(_order(casino, 100, "k-2"), now=NOW)
    assert not fund_sub_wallet(_order(casino, 400, "k-1"), now=NOW)
    assert everything() == before
    assert cash_out_sub_wallet(_order(casino, 400, "k-3"), now=NOW)
    assert (casino.pots()["cash"], casino.pots()["sub:aurora"]) == (10_000, 0)


def test_no_money_goes_to_the_wallet_of_a_provider_that_is_off_and_all_may_be_asked_back(
    casino: Casino,
) -> None:
    _played_from_its_own_wallet(casino)
    first = transfer_in(_order(casino, 400, "k-1"), now=NOW)
    decide_transfer(first.id, GameTransferState.CONFIRMED, code="", now=NOW)
    _switch_off()
    before = everything()
    with pytest.raises(ProviderOffError):
        transfer_in(_order(casino, 100, "k-2"), now=NOW)
    assert transfer_in(_order(casino, 400, "k-1"), now=NOW).id == first.id
    assert everything() == before
    assert transfer_out(_order(casino, 400, "k-3"), now=NOW).state == "requested"


def test_before_go_live_only_a_test_players_money_is_set_apart(casino: Casino) -> None:
    Provider.objects.update(stage="onboarding", wallet_model=WalletModel.SUB_WALLET)
    before = everything()
    with pytest.raises(ProviderNotLiveError):
        fund_sub_wallet(_order(casino, 400, "k-1"), now=NOW)
    _played_from_its_own_wallet(casino)
    with pytest.raises(ProviderNotLiveError):
        transfer_in(_order(casino, 400, "k-2"), now=NOW)
    assert everything() == before
    Player.objects.update(jurisdiction=REHEARSAL_JURISDICTION)
    assert transfer_in(_order(casino, 400, "k-3"), now=NOW).state == "requested"


def test_staff_may_choose_a_provider_that_is_off_to_fetch_money_back_from(casino: Casino) -> None:
    Provider.objects.update(wallet_model=WalletModel.SUB_WALLET)
    fund_sub_wallet(_order(casino, 400, "k-1"), now=NOW)
    _switch_off()
    form = CashOutForm({"provider": "aurora", "reason": "Bring it back."})
    form.fit(casino.player)
    assert form.is_valid()


def _switch_game_off() -> None:
    Game.objects.filter(game_code=SLOT).update(is_active=False)


def test_a_native_stake_on_a_game_that_is_off_is_refused_and_moves_nothing(casino: Casino) -> None:
    _switch_game_off()
    before = everything()
    result = casino.send_one(casino.tentative("e-1"))
    assert (result["status"], result["code"]) == ("rejected", "unknown_game")
    assert everything() == before


def test_a_stake_operation_on_a_game_that_is_off_is_refused_and_its_win_is_paid(
    casino: Casino,
) -> None:
    ask_one(casino, stake("s-1", 200))
    _switch_game_off()
    assert ask_one(casino, stake("s-2", 200))[:2] == ("rejected", "unknown_game")
    assert ask_one(casino, win("w-1", 900, finalized=True))[0] == "accepted"
    assert casino.pots()["cash"] == 10_000 - 200 + 900


def test_a_round_already_played_on_a_game_that_is_off_is_recorded(casino: Casino) -> None:
    _switch_game_off()
    assert casino.send_one(casino.tentative("e-1"))["status"] == "rejected"
    final = casino.event("e-1", round_id="r-1")
    assert casino.send_one(final)["status"] == "accepted"
    assert casino.send_one(casino.event("e-2"))["status"] == "accepted"
    assert casino.pots()["cash"] == 10_000 + 2 * 150
