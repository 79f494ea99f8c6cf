"""Another wallet model for a provider: two people, and no money left in the old one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.db import connection

from apps.gateway.contracts import ToJudge
from apps.gateway.errors import OpenMoneyError, SameWalletModelError
from apps.gateway.selectors import open_money
from apps.gateway.services.apply import apply_deliveries
from apps.gateway.services.sub_wallets import MoneyOrder, fund_sub_wallet, sweep_sub_wallets
from apps.gateway.services.wallet_model import request_wallet_model
from apps.providers.contracts import Outcome, ProviderProfile
from apps.providers.enums import StakeSettles, WalletModel
from apps.providers.models import Provider
from apps.providers.services import wallet_model
from apps.staff.errors import ApprovalVoidError, NotAllowedToDecideError, SelfApprovalError
from apps.staff.models import User
from apps.staff.services.approvals import approve
from apps.wallet.enums import PlayModelName
from tests.factories import make_user
from tests.gateway.builders import NOW, Casino, assert_ledger_holds, later, open_casino
from tests.gateway.operations_makers import ask_one, sealed, speak_iplaygames, stake, win
from tests.races import race

APPROVE = "wallet.approve_play_model"


@pytest.fixture
def asker(db: None) -> User:
    return make_user("asker", permissions=("wallet.request_play_model", APPROVE))


@pytest.fixture
def agreer(db: None) -> User:
    return make_user("agreer", permissions=(APPROVE,))


def ask(asker: User, model: WalletModel = WalletModel.SUB_WALLET) -> int:
    return request_wallet_model(
        provider_code="aurora", model=model, acting_user=asker, reason="faster stakes", now=NOW
    )


def agree(approval_id: int, person: User) -> None:
    approve(approval_id=approval_id, user=person, reason="agreed with the provider", now=later(9))


def model_now() -> str:
    return Provider.objects.get(code="aurora").wallet_model


def test_the_two_lists_of_models_are_one() -> None:
    assert WalletModel.choices == PlayModelName.choices


def test_two_people_change_it_and_the_history_says_why(
    casino: Casino, asker: User, agreer: User
) -> None:
    agree(ask(asker), agreer)
    assert model_now() == "sub_wallet"
    newest = Provider.objects.get(code="aurora").history.latest("history_id")
    assert "wallet model hold to sub_wallet" in newest.history_change_reason
    assert newest.history_date == later(9)
    fund_sub_wallet(MoneyOrder(casino.player.pk, "aurora", 500, "AUD", "k"), now=later(10))
    assert casino.send_one(casino.event("e-1", bet_amount="5.00"))["status"] == "accepted"
    assert casino.pots()["sub:aurora"] == 350


def test_one_person_is_not_two_and_a_stranger_is_none(casino: Casino, asker: User) -> None:
    approval_id = ask(asker)
    with pytest.raises(SelfApprovalError):
        agree(approval_id, asker)
    with pytest.raises(NotAllowedToDecideError):
        agree(approval_id, make_user("stranger"))
    assert model_now() == "hold"


def test_the_same_model_is_no_change(casino: Casino, asker: User) -> None:
    with pytest.raises(SameWalletModelError):
        ask(asker, WalletModel.HOLD)


def test_open_money_speaks_against_asking_and_says_how_much(casino: Casino, asker: User) -> None:
    casino.send(casino.tentative("e-1", bet_amount="2.00", win_amount="3.50"))
    with pytest.raises(OpenMoneyError, match=r"2\.00.*held.*3\.50.*pending"):
        ask(asker)
    assert [(one.held_in, one.amount_minor) for one in open_money("aurora")] == [
        ("held", 200),
        ("pending", 350),
    ]


def test_money_that_came_in_since_speaks_against_agreeing_and_leaves_the_approval_pending(
    casino: Casino, asker: User, agreer: User
) -> None:
    approval_id = ask(asker)
    casino.send(casino.tentative("e-1", bet_amount="2.00", win_amount="0.00"))
    with pytest.raises(OpenMoneyError):
        agree(approval_id, agreer)
    assert model_now() == "hold"
    casino.send(casino.event("f-1", round_id="r-1", bet_amount="0.00", win_amount="0.00"))
    agree(approval_id, agreer)
    assert model_now() == "sub_wallet"


def test_a_filled_sub_wallet_must_be_swept_before_it_is_left(
    casino: Casino, asker: User, agreer: User
) -> None:
    agree(ask(asker), agreer)
    fund_sub_wallet(MoneyOrder(casino.player.pk, "aurora", 500, "AUD", "k"), now=later(10))
    with pytest.raises(OpenMoneyError, match="sub"):
        ask(asker, WalletModel.TRANSFER)
    sweep_sub_wallets("aurora", now=later(11))
    agree(ask(asker, WalletModel.TRANSFER), agreer)
    assert model_now() == "transfer"


def test_a_round_whose_stake_is_taken_speaks_against_it_until_it_closes(
    casino: Casino, asker: User, agreer: User
) -> None:
    agree(ask(asker), agreer)
    approval_id = ask(asker, WalletModel.HOLD)
    fund_sub_wallet(MoneyOrder(casino.player.pk, "aurora", 400, "AUD", "k"), now=later(10))
    assert ask_one(casino, stake("s-1", 400))[0] == "accepted"
    assert casino.pots()["sub:aurora"] == 0
    with pytest.raises(OpenMoneyError, match=r"^Open at aurora: 1 open round\. "):
        agree(approval_id, agreer)
    assert ask_one(casino, win("w-1", 5_000, finalized=True))[0] == "accepted"
    assert casino.pots()["sub:aurora"] == 5_000
    sweep_sub_wallets("aurora", now=later(11))
    agree(approval_id, agreer)
    assert model_now() == "hold"


def test_where_messages_never_close_rounds_none_speaks_against_it(
    casino: Casino, asker: User, agreer: User
) -> None:
    speak_iplaygames(casino)
    assert ask_one(casino, stake("s-1", 400), stake_settles=StakeSettles.AT_ONCE)[0] == "accepted"
    agree(ask(asker), agreer)
    assert model_now() == "sub_wallet"


@pytest.mark.django_db(transaction=True)
def test_an_approval_about_a_model_that_has_changed_since_is_void() -> None:
    open_casino()
    approval_id = ask(make_user("asker", permissions=("wallet.request_play_model",)))
    Provider.objects.update(wallet_model="transfer")
    with pytest.raises(ApprovalVoidError):
        agree(approval_id, make_user("agreer", permissions=(APPROVE,)))
    assert model_now() == "transfer"


def test_a_bet_of_the_old_model_is_rolled_back_into_the_old_pot(
    casino: Casino, asker: User, agreer: User
) -> None:
    casino.send(casino.event("e-1", bet_amount="10.00", win_amount="4.00"))
    agree(ask(asker), agreer)
    casino.send(casino.rollback("b-1", "e-1"))
    assert casino.pots() == {"cash": 10_000, "bonus": 0, "held": 0, "pending": 0}


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_filling_and_leaving_a_sub_wallet_at_once_never_leave_money_behind() -> None:
    casino = open_casino()
    Provider.objects.update(wallet_model="sub_wallet")
    asker = make_user("asker", permissions=("wallet.request_play_model",))
    agreer = make_user("agreer", permissions=(APPROVE,))
    approval_id = ask(asker, WalletModel.TRANSFER)
    order = MoneyOrder(casino.player.pk, "aurora", 500, "AUD", "k")
    outcomes = race([lambda: fund_sub_wallet(order, now=NOW), lambda: agree(approval_id, agreer)])
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert len(refused) == 1
    assert (model_now(), casino.pots().get("sub:aurora", 0)) in {
        ("transfer", 0),
        ("sub_wallet", 500),
    }


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_control_filling_by_a_model_that_is_read_and_not_pinned_leaves_money_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    casino = open_casino()
    Provider.objects.update(wallet_model="sub_wallet")
    asker = make_user("asker", permissions=("wallet.request_play_model",))
    approval_id = ask(asker, WalletModel.TRANSFER)
    agreer = make_user("agreer", permissions=(APPROVE,))
    order = MoneyOrder(casino.player.pk, "aurora", 500, "AUD", "k")
    with changed_once_it_was_read(monkeypatch, "_SHARE", partial(agree, approval_id, agreer)):
        assert fund_sub_wallet(order, now=NOW)
    assert (model_now(), casino.pots()["sub:aurora"]) == ("transfer", 500)


@pytest.mark.parametrize(
    ("before", "after", "told", "pots"),
    [
        ("transfer", "hold", ("accepted", "", 9_800), {"cash": 9_800, "held": 200}),
        ("hold", "sub_wallet", ("rejected", "insufficient_funds", 0), {"cash": 10_000, "held": 0}),
    ],
)
def test_a_stake_read_by_the_model_of_a_moment_before_is_judged_by_the_one_in_force(
    casino: Casino,
    before: str,
    after: str,
    told: tuple[str, str, int],
    pots: dict[str, int],
) -> None:
    Provider.objects.update(wallet_model=before)
    stale = casino.profile
    Provider.objects.update(wallet_model=after)
    [outcome] = judge_by(stale, casino)
    assert (outcome.status, outcome.code, outcome.balance_minor) == told
    assert casino.pots().items() >= pots.items()
    assert casino.stored("b-1").overdrawn_minor == 0
    assert_ledger_holds()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_stake_and_a_change_at_once_never_leave_money_in_the_model_of_before() -> None:
    casino = open_casino()
    stale = casino.profile
    approval_id = ask(make_user("asker", permissions=("wallet.request_play_model",)))
    agreer = make_user("agreer", permissions=(APPROVE,))
    refusal: list[object] = race(
        [lambda: agree(approval_id, agreer), lambda: judge_by(stale, casino)]
    )
    left = (model_now(), casino.pots()["held"], casino.stored("b-1").status)
    assert left in {("hold", 200, "accepted"), ("sub_wallet", 0, "rejected")}, refusal
    assert_ledger_holds()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_control_a_stake_by_a_model_that_is_read_and_not_pinned_is_held_in_the_one_of_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    casino = open_casino()
    profile = casino.profile
    approval_id = ask(make_user("asker", permissions=("wallet.request_play_model",)))
    agreer = make_user("agreer", permissions=(APPROVE,))
    change = partial(agree, approval_id, agreer)
    with changed_once_it_was_read(monkeypatch, "_PIN_OF_SEVERAL", change):
        judge_by(profile, casino)
    left = (model_now(), casino.pots()["held"], casino.stored("b-1").status)
    assert left == ("sub_wallet", 200, "accepted")


@contextmanager
def changed_once_it_was_read(
    monkeypatch: pytest.MonkeyPatch, pin: str, change: Callable[[], None]
) -> Iterator[None]:
    """Take the lock off a statement that pins the model, and change the model right after it."""
    statement, _, lock = getattr(wallet_model, pin).rpartition(" FOR ")
    assert lock.strip() in {"SHARE", "KEY SHARE"}
    monkeypatch.setattr(wallet_model, pin, statement)

    def run(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        result = execute(sql, *rest)
        if sql == statement:
            assert race([change]) == [None]
        return result

    with connection.execute_wrapper(run):
        yield


def judge_by(profile: ProviderProfile, casino: Casino) -> tuple[Outcome, ...]:
    """Judge a stake of 2.00 with this profile, however old."""
    delivery = ToJudge(profile, casino.now, None, (sealed(stake("b-1")),))
    [judged] = apply_deliveries([delivery], casino.games, now=casino.now)
    return judged.outcomes
