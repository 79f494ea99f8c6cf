"""verify_ledger folds set-apart pots and money in transit too, and names what differs first."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from apps.gateway.services.sub_wallets import MoneyOrder, fund_sub_wallet
from apps.wallet.contracts import House, PlayerPot, TransferOrder, TransferRequest
from apps.wallet.models import Account
from apps.wallet.services.game_transfers import request_transfer
from apps.wallet.services.ledger import post_transfers
from tests.gateway.builders import NOW, Casino


def verdict() -> tuple[int, str]:
    said = StringIO()
    try:
        call_command("verify_ledger", stdout=said, no_color=True)
    except SystemExit as end:
        return int(str(end.code)), said.getvalue()
    return 0, said.getvalue()


@pytest.fixture
def playing(casino: Casino) -> Casino:
    casino.provider.wallet_model = "sub_wallet"
    casino.provider.save()
    fund_sub_wallet(MoneyOrder(casino.player.pk, "aurora", 500, "AUD", "k"), now=NOW)
    order = TransferOrder(casino.player.pk, casino.provider.pk, "aurora", "in", 700, "t")
    request_transfer(order, now=NOW)
    return casino


def test_pots_set_apart_and_money_in_transit_are_part_of_what_holds(playing: Casino) -> None:
    status, said = verdict()
    assert (status, "The ledger holds" in said) == (0, True)


def test_the_first_account_that_differs_is_named_with_both_figures(playing: Casino) -> None:
    sub = Account.objects.get(pot="sub:aurora")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE wallet_account SET balance_minor = balance_minor + 1 WHERE pot IN ('held', %s)",
            ["sub:aurora"],
        )
    status, said = verdict()
    held = Account.objects.get(player=playing.player, pot="held")
    first = said.splitlines()[1]
    assert status == 1
    assert first.strip().startswith(f"Account {min(held.pk, sub.pk)} (player {playing.player.pk}")
    assert f"Account {sub.pk} (player {playing.player.pk}, sub:aurora, AUD) says 501" in said
    assert "held says 1, the open rounds say 0" in said


def test_money_in_transit_that_no_transfer_explains_is_named(playing: Casino) -> None:
    stray = TransferRequest(
        idempotency_key="stray",
        debit=PlayerPot(playing.player.pk, "cash"),
        credit=House("in_transit:aurora"),
        amount_minor=1,
        currency="AUD",
        kind="transfer_in",
        subject="stray",
        occurred_at=NOW,
    )
    post_transfers([stray], now=NOW)
    status, said = verdict()
    assert status == 1
    assert "In transit with aurora (AUD): the ledger says 701, the open transfers say 700." in said
