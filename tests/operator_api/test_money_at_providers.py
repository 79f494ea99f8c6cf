"""Money at a provider over the API and on the player's page: asked for, followed, fetched back."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from apps.core.models import AuditEntry
from apps.gateway.services.game_transfers import pursue_due_transfers
from apps.gateway.services.sub_wallets import MoneyOrder, fund_sub_wallet
from apps.operator_api.enums import Scope
from apps.players.models import Player
from apps.providers.models import Provider
from tests.factories import make_provider, make_user
from tests.gateway.builders import give_order_key
from tests.gateway.game_wallet import GameWallet, served
from tests.operator_api.builders import NOW, Api, cash_of, make_api, make_casino

pytestmark = pytest.mark.django_db

TO_GAME = {"kind": "to_game", "provider": "aurora", "amount": "30.00"}
CASH_OUT = {"player_id": "p-1001", "provider": "aurora"}


@pytest.fixture(autouse=True)
def stopped_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def game_wallet(settings: Any) -> Iterator[GameWallet]:
    settings.PITBOSS_HTTP_ALLOWED_HOSTS = ["127.0.0.1"]
    with served(GameWallet()) as wallet:
        yield wallet


@pytest.fixture
def player(game_wallet: GameWallet) -> Player:
    found = make_casino(cash_minor=10_000)
    provider = Provider.objects.get(code="aurora")
    provider.wallet_model, provider.transfer_url = "transfer", game_wallet.url
    provider.save()
    give_order_key(provider)
    return found


@pytest.fixture
def api() -> Api:
    return make_api()


def cash_out(api: Api, key: str = "out-1") -> tuple[int, Any]:
    return api.post("cash-outs", CASH_OUT, **{"Idempotency-Key": key})


def test_a_transfer_is_followed_to_its_fate_while_its_first_answer_stays(
    player: Player, api: Api
) -> None:
    _, asked = api.pay("k-1", **TO_GAME)
    assert asked["state"] == "requested"
    path = f"transfers/{asked['transfer_id']}"
    assert api.get(path)[1]["state"] == "requested"
    assert pursue_due_transfers(now=NOW) == 1
    status, found = api.get(path)
    assert (status, found["state"], found["decided_at"]) == (
        200,
        "confirmed",
        "2026-11-22T10:15:30Z",
    )
    assert (found["kind"], found["amount"], found["provider"]) == ("to_game", "30.00", "aurora")
    assert api.pay("k-1", **TO_GAME)[1]["state"] == "requested"


@pytest.mark.parametrize("path", ["transfers/17", "transfers/" + "0" * 32, "transfers/%00"])
def test_a_transfer_that_nobody_made_is_unknown(player: Player, api: Api, path: str) -> None:
    assert api.get(path)[0] == 404


def test_all_that_is_at_the_provider_comes_back_once_per_key(
    player: Player, api: Api, game_wallet: GameWallet
) -> None:
    assert cash_out(api)[1]["code"] == "nothing_at_provider"
    api.pay("k-1", **TO_GAME)
    pursue_due_transfers(now=NOW)
    status, back = cash_out(api, "out-2")
    assert (status, back["kind"], back["amount"], back["state"]) == (
        201,
        "from_game",
        "30.00",
        "requested",
    )
    assert pursue_due_transfers(now=NOW) == 1
    assert (cash_of(player), game_wallet.held_minor) == (10_000, {"p-1001": 0})
    assert cash_out(api, "out-2") == (201, back)
    assert cash_out(api, "out-3")[1]["code"] == "nothing_at_provider"


def test_a_sub_wallet_comes_back_at_once(player: Player, api: Api) -> None:
    Provider.objects.update(wallet_model="sub_wallet")
    fund_sub_wallet(MoneyOrder(player.pk, "aurora", 700, "EUR", "k"), now=NOW)
    status, back = cash_out(api)
    assert (status, back["state"], back["amount"]) == (201, "posted", "7.00")
    assert cash_of(player) == 10_000


def test_the_provider_is_asked_what_the_player_has_there(
    player: Player, api: Api, game_wallet: GameWallet
) -> None:
    path = "players/p-1001/balance-at-provider?provider=aurora"
    api.pay("k-1", **TO_GAME)
    pursue_due_transfers(now=NOW)
    game_wallet.held_minor["p-1001"] = 2_950
    status, found = api.get(path)
    assert (status, found["theirs"], found["ours"], found["difference"]) == (
        200,
        "29.50",
        "30.00",
        "-0.50",
    )
    Provider.objects.update(transfer_url="http://127.0.0.1:9")
    status, problem = api.get(path)
    assert (status, problem["code"]) == (502, "connection_failed")
    Provider.objects.update(transfer_url="")
    assert api.get(path)[1]["code"] == "no_transfer_address"


def test_each_door_needs_its_scope(player: Player) -> None:
    reader = make_api((Scope.PLAYERS_READ.value,), name="Reader")
    assert reader.post("cash-outs", CASH_OUT, **{"Idempotency-Key": "k"})[0] == 403
    assert reader.get("transfers/" + "0" * 32)[0] == 403
    mover = make_api((Scope.TRANSFERS_WRITE.value,), name="Mover")
    assert mover.get("players/p-1001/balance-at-provider?provider=aurora")[0] == 403


def test_staff_fetch_it_back_with_a_reason(player: Player) -> None:
    Provider.objects.update(wallet_model="sub_wallet")
    fund_sub_wallet(MoneyOrder(player.pk, "aurora", 700, "EUR", "k"), now=NOW)
    client = Client()
    client.force_login(make_user(permissions=("players.view_player", "wallet.cash_out_player")))
    page = f"/admin/players/player/{player.pk}/"
    assert "Fetch money back from a provider" in client.get(f"{page}change/").content.decode()
    make_provider("borealis")
    offered = client.get(f"{page}do/cash_out/").context["form"].fields["provider"].choices
    assert [code for code, _ in offered] == ["", "aurora"]
    elsewhere = {"provider": "borealis", "reason": "The player asked support for it."}
    assert "provider" in client.post(f"{page}do/cash_out/", elsewhere).context["form"].errors
    assert cash_of(player) == 9_300
    form = {"provider": "aurora", "reason": "The player asked support for it."}
    client.post(f"{page}do/cash_out/", form)
    assert cash_of(player) == 10_000
    entry = AuditEntry.objects.get(action="gateway.player.cashed_out")
    assert entry.details == {"provider": "aurora", "amount_minor": 700}
    assert "Fetch money back from a provider" not in client.get(f"{page}change/").content.decode()
