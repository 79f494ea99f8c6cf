"""A limit under stakes that come at the same moment, with the control that passes it."""

from datetime import timedelta

import pytest
from django.db import transaction

from apps.players import services
from apps.players.contracts import LimitRequest
from apps.players.models import HourTally, RefusalTally
from apps.wallet import statements
from tests.gateway.builders import NOW, Casino, assert_ledger_holds, open_casino
from tests.gateway.test_races import answers, delivery
from tests.races import race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def limited(amount_minor: int) -> Casino:
    casino = open_casino()
    request = LimitRequest(
        casino.player.pk, "loss_24h", "player", "p", "Asked.", amount_minor=amount_minor
    )
    services.set_limit(request, now=NOW - timedelta(days=1))
    return casino


def twenty(casino: Casino) -> list[str]:
    contenders = [
        delivery(casino, casino.tentative(f"e-{n}", f"r-{n}", bet_amount="1.00", win_amount="0.00"))
        for n in range(20)
    ]
    return [result["status"] for result in answers(contenders)]


def test_twenty_stakes_at_once_never_pass_a_limit_of_five() -> None:
    casino = limited(500)
    statuses = twenty(casino)
    assert (statuses.count("tentative"), statuses.count("rejected")) == (5, 15)
    assert HourTally.objects.get().staked_minor == 500
    assert RefusalTally.objects.get().refused == 15
    assert_ledger_holds()


def test_control_without_the_lock_the_same_stakes_pass_it(monkeypatch: pytest.MonkeyPatch) -> None:
    casino = limited(500)
    unlocked = statements.LOCK_WALLETS.replace("FOR UPDATE OF a", "")
    assert unlocked != statements.LOCK_WALLETS
    monkeypatch.setattr(statements, "LOCK_WALLETS", unlocked)
    assert twenty(casino).count("tentative") > 5, "the race did not happen"


def test_twenty_deposits_at_once_never_pass_a_limit_of_five() -> None:
    casino = open_casino()
    player_id = casino.player.pk
    request = LimitRequest(player_id, "deposit_24h", "player", "p", "Asked.", amount_minor=500)
    services.set_limit(request, now=NOW)

    def pay_in() -> str:
        with transaction.atomic():
            refused = services.deposit_refusal(player_id, 100, NOW)
            if not refused:
                services.count_deposit(player_id, 100, NOW)
        return ",".join(reason.code for reason in refused)

    codes = race([pay_in] * 20)
    assert sorted(map(str, codes)) == [""] * 5 + ["deposit_limit"] * 15
    assert HourTally.objects.get().deposited_minor == 500
