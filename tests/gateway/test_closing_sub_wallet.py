"""What one message won together with its stake goes back with it, and the request says so."""

import pytest

from apps.core.models import OutboxMessage
from apps.gateway.services.closing import Closing
from apps.gateway.services.sub_wallets import MoneyOrder, fund_sub_wallet
from apps.providers.models import Provider
from apps.rounds.models import Round
from apps.staff.errors import ApprovalVoidError
from apps.staff.models import Approval, User
from apps.wallet.selectors import open_receivables
from tests.factories import make_user
from tests.gateway.builders import Casino, assert_ledger_holds
from tests.gateway.closing_makers import APPROVE, agree, make_stuck, request

OVERDRAWN = "rounds.player_overdrawn"


@pytest.fixture
def asker(db: None) -> User:
    return make_user("asker", permissions=("rounds.request_closing", APPROVE))


@pytest.fixture
def agreer(db: None) -> User:
    return make_user("agreer", permissions=(APPROVE,))


@pytest.fixture
def played(casino: Casino) -> Casino:
    """All cash is in the sub-wallet, where one unclosed message staked 2.00 and won 3.50."""
    Provider.objects.update(wallet_model="sub_wallet")
    casino.provider.refresh_from_db()
    fund_sub_wallet(MoneyOrder(casino.player.pk, "aurora", 10_000, "AUD", "k"), now=casino.now)
    casino.send_one(casino.tentative("e-1", bet_amount="2.00", win_amount="3.50"))
    assert casino.pots()["sub:aurora"] == 10_150
    return casino


@pytest.mark.parametrize(
    ("closing", "said", "left"),
    [
        (Closing.RETURN, "Return 2.00 AUD taken and 0.00 AUD held, take back 3.50 AUD won", 10_000),
        (Closing.SETTLE, "Take 0.00 AUD held, pay 0.00 AUD, leave 3.50 AUD paid", 10_150),
    ],
)
def test_what_one_message_staked_and_won_goes_back_or_stays_as_the_request_says(
    played: Casino, asker: User, agreer: User, closing: Closing, said: str, left: int
) -> None:
    approval = Approval.objects.get(pk=request(played, make_stuck(played), asker, closing))
    assert approval.title == f"{said}, in round r-1 (aurora, p-1001)"
    assert {name: approval.payload[name] for name in ("taken_minor", "won_with_stake_minor")} == {
        "taken_minor": 200,
        "won_with_stake_minor": 350,
    }
    agree(played, approval.pk, agreer)
    assert (played.pots()["sub:aurora"], played.pots()["cash"]) == (left, 0)
    assert not OutboxMessage.objects.filter(topic=OVERDRAWN).exists()
    assert_ledger_holds()


def test_a_win_that_goes_back_and_was_spent_is_owed_and_told_of(
    played: Casino, asker: User, agreer: User
) -> None:
    spent = played.event("e-2", round_id="r-2", bet_amount="101.00", win_amount="0.00")
    played.send_one(spent)
    assert played.pots()["sub:aurora"] == 50
    approval_id = request(played, make_stuck(played), asker, Closing.RETURN)
    assert not OutboxMessage.objects.filter(topic=OVERDRAWN).exists()
    agree(played, approval_id, agreer)
    assert played.pots()["sub:aurora"] == 0
    assert [owed.open_minor for owed in open_receivables("p-1001")] == [100]
    message = OutboxMessage.objects.get(topic=OVERDRAWN)
    assert message.payload["event_id"] == f"closing@{approval_id}"
    assert_ledger_holds()


def test_another_message_with_stake_and_win_voids_what_was_asked_before_it(
    played: Casino, asker: User, agreer: User
) -> None:
    approval_id = request(played, make_stuck(played), asker, Closing.RETURN)
    played.send_one(played.tentative("e-2", bet_amount="1.00", win_amount="9.00"))
    Round.objects.update(state="stuck")  # flagged again within the hour
    with pytest.raises(ApprovalVoidError, match="other money or other messages"):
        agree(played, approval_id, agreer)
    assert played.pots()["sub:aurora"] == 10_950
    assert_ledger_holds()
