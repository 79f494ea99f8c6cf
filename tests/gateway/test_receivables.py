"""What a player owes us is named, shown, and ended by two people."""

import threading
from itertools import permutations
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client

from apps.operator_api.services import withdrawal_eligibility
from apps.players.selectors import player_by_ref
from apps.staff.errors import ApprovalVoidError, SelfApprovalError
from apps.staff.models import User
from apps.staff.services.approvals import approve
from apps.wallet.contracts import House, Receivable, TransferRequest
from apps.wallet.enums import ReceivableEnd, TransferKind
from apps.wallet.errors import InsufficientFundsError, NoOpenReceivableError
from apps.wallet.home import open_receivables_card
from apps.wallet.models import ReceivableAccount, Transfer
from apps.wallet.selectors import open_receivables
from apps.wallet.services import receivables
from apps.wallet.services.ledger import post_transfers
from apps.wallet.services.proof import verify_ledger
from apps.wallet.services.receivables import request_receivable_end
from tests.factories import make_user
from tests.gateway.builders import NOW, Casino, assert_ledger_holds, later, lines
from tests.races import race

BOTH = ("wallet.request_receivable_end", "wallet.approve_receivable_end")
PAGE = "/admin/wallet/receivableaccount/"
ASK = "Settle or write off with a second person"


@pytest.fixture
def owing(casino: Casino) -> Casino:
    """The player staked 150.00 of 100.00 in a played round, and won 20.00 since."""
    casino.send(casino.event("e-1", bet_amount="150.00", win_amount="0.00"))
    casino.send(casino.event("e-2", bet_amount="0.00", win_amount="20.00"))
    return casino


@pytest.fixture
def asker(db: None) -> User:
    return make_user("asker", permissions=BOTH)


@pytest.fixture
def agreer(db: None) -> User:
    return make_user("agreer", permissions=BOTH)


def account_id() -> int:
    return ReceivableAccount.objects.get(house="receivable:p-1001").pk


def ask(asker: User, end: ReceivableEnd) -> int:
    return request_receivable_end(
        account_id=account_id(), end=end, acting_user=asker, reason="It is due.", now=NOW
    )


def agree(approval_id: int, person: User) -> None:
    approve(approval_id=approval_id, user=person, reason="I compared it.", now=later(9))


def owed() -> int:
    return sum(one.open_minor for one in open_receivables("p-1001"))


def reasons() -> dict[str, tuple[bool, str, str]]:
    found = withdrawal_eligibility(player_by_ref("p-1001"), now=NOW).reasons
    return {one.code: (one.blocks, one.value, one.resolve_at) for one in found}


def test_it_blocks_a_withdrawal_with_its_value_and_where_it_ends(owing: Casino) -> None:
    assert open_receivables() == [Receivable(account_id(), "p-1001", "AUD", 5_000)]
    assert reasons()["receivable"] == (True, "50.00 AUD", "Back office: Receivables, p-1001")


def test_who_owes_nothing_hears_of_nothing(casino: Casino) -> None:
    casino.send(casino.event("e-1"))
    assert open_receivables() == []
    assert "receivable" not in reasons()


def test_a_rollback_of_the_stake_returns_it(owing: Casino) -> None:
    owing.send(owing.rollback("b-1", "e-1"))
    assert open_receivables() == []
    assert "receivable" not in reasons()


def test_two_people_settle_what_the_cash_covers_and_write_off_the_rest(
    owing: Casino, asker: User, agreer: User
) -> None:
    settling = ask(asker, ReceivableEnd.SETTLE)
    assert owed() == 5_000
    with pytest.raises(SelfApprovalError):
        agree(settling, asker)
    agree(settling, agreer)
    assert (owing.pots()["cash"], owed()) == (0, 3_000)
    assert lines(f"approval:{settling}") == [
        ("receivable_settled", "p-1001 cash", "receivable:p-1001", 2_000)
    ]
    with pytest.raises(InsufficientFundsError, match="no cash"):
        ask(asker, ReceivableEnd.SETTLE)
    writing_off = ask(asker, ReceivableEnd.WRITE_OFF)
    agree(writing_off, agreer)
    assert lines(f"approval:{writing_off}") == [
        ("receivable_written_off", "written_off", "receivable:p-1001", 3_000)
    ]
    assert (owing.pots()["cash"], owed()) == (0, 0)
    assert "receivable" not in reasons()
    with pytest.raises(NoOpenReceivableError, match="owes nothing"):
        ask(asker, ReceivableEnd.WRITE_OFF)
    assert_ledger_holds()


def written_off() -> int:
    """Return what the house bears: what was written off, less what came back of it."""
    name = House("written_off").name
    borne = Transfer.objects.filter(debit_account__house=name).values_list("amount_minor")
    back = Transfer.objects.filter(credit_account__house=name).values_list("amount_minor")
    return sum(one for (one,) in borne) - sum(one for (one,) in back)


def test_a_stake_rolled_back_after_a_settlement_gives_the_settled_cash_back(
    owing: Casino, asker: User, agreer: User
) -> None:
    settling = ask(asker, ReceivableEnd.SETTLE)
    agree(settling, agreer)
    owing.send(owing.rollback("b-1", "e-1"))
    assert (owing.pots()["cash"], owed()) == (12_000, 0)
    assert lines("aurora:e-1")[-3:] == [
        ("rollback_stake", "gaming:aurora", "p-1001 cash", 10_000),
        ("rollback_stake", "gaming:aurora", "receivable:p-1001", 3_000),
        ("rollback_stake", "gaming:aurora", "p-1001 cash", 2_000),
    ]
    back = Transfer.objects.get(idempotency_key=f"aurora:e-1:rollback_stake:approval:{settling}")
    assert back.reverses == Transfer.objects.get(subject=f"approval:{settling}")
    assert verify_ledger().problems == ()


def test_a_stake_rolled_back_after_a_write_off_gives_the_house_its_part_back(
    owing: Casino, asker: User, agreer: User
) -> None:
    agree(ask(asker, ReceivableEnd.WRITE_OFF), agreer)
    assert (written_off(), owed()) == (5_000, 0)
    owing.send(owing.rollback("b-1", "e-1"))
    assert (owing.pots()["cash"], written_off(), owed()) == (12_000, 0, 0)
    owing.send(owing.event("e-9", bet_amount="500.00", win_amount="0.00"))
    assert owed() == 38_000
    assert verify_ledger().problems == ()


STEPS = ("settle", "write_off", "b-1", "b-2")


@pytest.mark.parametrize("steps", list(permutations(STEPS)))
def test_in_every_order_each_gets_back_what_it_bore_and_nobody_more(
    owing: Casino, asker: User, agreer: User, steps: tuple[str, ...]
) -> None:
    """Two stakes are owed for, 50.00 and 10.00; once both are returned it is as if none was."""
    owing.send(owing.event("e-0", bet_amount="30.00", win_amount="20.00"))
    assert (owing.pots()["cash"], owed()) == (2_000, 6_000)
    for step in steps:
        if step in {"b-1", "b-2"}:
            owing.send(owing.rollback(step, {"b-1": "e-1", "b-2": "e-0"}[step]))
        elif owed():
            agree(ask(asker, ReceivableEnd(step)), agreer)
        assert min(owing.pots().values()) >= 0
        assert verify_ledger().problems == ()
    assert (owing.pots()["cash"], written_off(), owed()) == (12_000, 0, 0)


def test_two_stakes_that_go_back_in_one_delivery_return_no_more_than_is_owed(
    owing: Casino, asker: User, agreer: User
) -> None:
    owing.send(owing.event("e-0", bet_amount="30.00", win_amount="20.00"))
    agree(ask(asker, ReceivableEnd.SETTLE), agreer)
    assert (owing.pots()["cash"], owed()) == (0, 4_000)
    owing.send(owing.rollback("b-1", "e-1"), owing.rollback("b-2", "e-0"))
    assert (owing.pots()["cash"], owed()) == (12_000, 0)
    assert verify_ledger().problems == ()


def test_two_rollbacks_of_one_batch_give_an_end_back_once(
    owing: Casino, asker: User, agreer: User
) -> None:
    owing.send(owing.event("e-0", bet_amount="30.00", win_amount="20.00"))
    agree(ask(asker, ReceivableEnd.SETTLE), agreer)
    agree(ask(asker, ReceivableEnd.WRITE_OFF), agreer)
    owing.send(owing.rollback("b-1", "e-1"), owing.rollback("b-2", "e-0"))
    assert (owing.pots()["cash"], written_off(), owed()) == (12_000, 0, 0)
    assert verify_ledger().problems == ()


def test_a_receivable_below_zero_is_a_problem_of_the_ledger(owing: Casino) -> None:
    too_much = TransferRequest(
        idempotency_key="too-much",
        debit=House("gaming:aurora"),
        credit=House("receivable:p-1001"),
        amount_minor=5_001,
        currency="AUD",
        kind=TransferKind.ROLLBACK_STAKE,
        subject="aurora:e-1",
        occurred_at=NOW,
    )
    post_transfers([too_much], now=NOW)
    assert verify_ledger().problems == (
        "Account receivable:p-1001 (AUD) stands at -1: more was returned than is owed.",
    )


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_an_end_and_a_rollback_at_once_leave_a_receivable_at_nothing_and_not_below(
    owing: Casino, asker: User, agreer: User
) -> None:
    approval_id = ask(asker, ReceivableEnd.WRITE_OFF)
    ended, _ = race(
        [
            lambda: agree(approval_id, agreer),
            lambda: owing.send(owing.rollback("b-1", "e-1")),
        ]
    )
    assert ended is None or isinstance(ended, ApprovalVoidError | NoOpenReceivableError)
    # Whoever came first: written off and given back, or returned and nothing left to write off.
    assert (owing.pots()["cash"], written_off(), owed()) == (12_000, 0, 0)
    assert verify_ledger().problems == ()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_the_same_at_once_without_the_players_lock_returns_more_than_is_owed(
    owing: Casino, asker: User, agreer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what keeps it from going below zero is the lock and the look under it."""
    approval_id = ask(asker, ReceivableEnd.WRITE_OFF)
    looked, returned = threading.Event(), threading.Event()
    look = receivables._require_owed

    def look_and_wait(payload: dict[str, Any]) -> None:
        look(payload)
        if not looked.is_set():
            return
        returned.wait(timeout=30)

    def do_not_lock(*_: Any, **__: Any) -> list[Any]:
        looked.set()
        return []

    def return_meanwhile() -> None:
        looked.wait(timeout=30)
        owing.send(owing.rollback("b-1", "e-1"))
        returned.set()

    monkeypatch.setattr(receivables, "lock_wallets", do_not_lock)
    monkeypatch.setattr(receivables, "_require_owed", look_and_wait)
    race([lambda: agree(approval_id, agreer), return_meanwhile])
    [problem] = verify_ledger().problems
    assert problem == (
        "Account receivable:p-1001 (AUD) stands at -5000: more was returned than is owed."
    )


@pytest.mark.django_db(transaction=True)
def test_an_approval_about_more_than_is_owed_by_now_is_void(
    owing: Casino, asker: User, agreer: User
) -> None:
    writing_off = ask(asker, ReceivableEnd.WRITE_OFF)
    owing.send(owing.rollback("b-1", "e-1"))
    before = owing.pots()
    with pytest.raises(ApprovalVoidError):
        agree(writing_off, agreer)
    assert (owing.pots(), owed()) == (before, 0)


def test_finance_sees_the_sum_and_the_rows_and_asks_there(owing: Casino) -> None:
    client = Client()
    seen = ("wallet.view_receivableaccount", "players.view_player")
    client.force_login(make_user(permissions=(*seen, "wallet.request_receivable_end")))
    listed = client.get(f"{PAGE}?standing=open").content.decode()
    assert "p-1001" in listed
    assert "50.00 AUD" in listed
    assert "p-1001" not in client.get(f"{PAGE}?standing=ended").content.decode()
    assert "50.00 AUD" in client.get(f"{PAGE}?q=p-1001").content.decode()
    assert "50.00 AUD" not in client.get(f"{PAGE}?q=p-10").content.decode()
    page = client.get(f"{PAGE}{account_id()}/change/").content.decode()
    assert "aurora:e-1" in page
    assert f"/admin/players/player/{owing.player.pk}/change/" in page
    assert "The player has 20.00 AUD in cash: settling takes 20.00 AUD of it" in page
    assert ASK in page


def test_the_page_offers_no_second_request_and_leads_to_the_first(
    owing: Casino, asker: User, agreer: User
) -> None:
    client = Client()
    client.force_login(
        make_user(permissions=("wallet.view_receivableaccount", *BOTH, "staff.view_approval"))
    )
    approval_id = ask(asker, ReceivableEnd.WRITE_OFF)
    page = client.get(f"{PAGE}{account_id()}/change/").content.decode()
    assert ASK not in page
    assert "asked: 50.00 AUD that p-1001 owes: write off." in page
    request = f"/admin/staff/approval/{approval_id}/change/"
    assert request in page
    assert "The house bears 50.00 AUD." in client.get(request).content.decode()
    agree(approval_id, agreer)
    page = client.get(f"{PAGE}{account_id()}/change/").content.decode()
    assert ASK not in page
    assert "Nothing is owed any more." in page


def test_the_home_figure_counts_them_with_the_sum_and_opens_to_the_rows(owing: Casino) -> None:
    card = open_receivables_card(HttpRequest())
    assert (card.value, card.note, card.link) == ("1", "in all 50.00 AUD", f"{PAGE}?standing=open")
    assert [(row.title, row.meta) for row in card.rows] == [("p-1001", "50.00 AUD")]
