"""A stuck round is closed by two people, once, and money back is never refused for it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from apps.bonuses.models import Grant, WageringReceipt
from apps.bonuses.services.grants import grant_bonus
from apps.core.errors import ReasonRequiredError
from apps.core.models import AuditEntry
from apps.gateway.errors import RoundMovedError, RoundNotStuckError
from apps.gateway.services.closing import (
    Closing,
    ClosingOrder,
    execute_closing,
    recheck_closing,
    request_closing,
)
from apps.rounds.models import Round
from apps.rounds.services.stuck import sort_out_open_rounds
from apps.staff.errors import (
    AlreadyPendingError,
    ApprovalVoidError,
    NotAllowedToDecideError,
    SelfApprovalError,
)
from apps.staff.models import Approval, User
from tests.bonuses.makers import make_rule
from tests.factories import make_user
from tests.gateway.builders import Casino, assert_ledger_holds, everything, lines, open_casino
from tests.gateway.closing_makers import (
    APPROVE,
    EVIDENCE,
    agree,
    granted,
    make_stuck,
    request,
)
from tests.gateway.operations_makers import ask, ask_one, rollback, stake, win
from tests.races import race


@pytest.fixture
def asker(db: None) -> User:
    return make_user("asker", permissions=("rounds.request_closing", APPROVE))


@pytest.fixture
def agreer(db: None) -> User:
    return make_user("agreer", permissions=(APPROVE,))


def give_bonus(casino: Casino, *, requirement_multiple: Decimal) -> Grant:
    rule = make_rule(
        percent_bp=10_000, requirement_multiple=requirement_multiple, max_bet_minor=20_000
    )
    return grant_bonus(
        player_id=casino.player.pk,
        rule_code=rule.code,
        deposit_minor=2_000,
        acting_user=None,
        idempotency_key="g-1",
        now=casino.now,
    )


def test_a_returned_stake_goes_back_once_and_later_messages_move_nothing(
    casino: Casino, asker: User, agreer: User
) -> None:
    ask(casino, stake("b-1", 200), stake("b-2", 300))
    found = make_stuck(casino)
    approval_id = request(casino, found, asker, Closing.RETURN)
    assert casino.pots()["held"] == 500
    agree(casino, approval_id, agreer)
    found.refresh_from_db()
    assert (found.state, found.settled_at) == ("rolled_back", casino.now)
    assert casino.pots() == {"cash": 10_000, "bonus": 0, "held": 0, "pending": 0}
    assert lines("aurora:b-1")[-1] == ("release", "p-1001 held", "p-1001 cash", 200)
    closing = casino.stored(f"closing@{approval_id}")
    assert (closing.round_id, closing.code, closing.origin) == (
        found.pk,
        "closed_return",
        "correction",
    )
    [entry] = AuditEntry.objects.filter(action="gateway.round.closed_by_people")
    assert entry.details["evidence"] == EVIDENCE
    assert_ledger_holds()

    before = casino.pots()
    assert ask_one(casino, rollback("x-1", "b-1"))[:2] == ("accepted", "")
    assert ask_one(casino, win("w-1", finalized=True))[:2] == ("rejected", "stake_rolled_back")
    assert ask_one(casino, stake("b-3"))[:2] == ("rejected", "round_closed")
    assert casino.pots() == before


def test_a_played_round_is_settled_and_its_rollback_is_never_refused(
    casino: Casino, asker: User, agreer: User
) -> None:
    casino.send(casino.tentative("e-1", bet_amount="2.00", win_amount="3.50"))
    found = make_stuck(casino)
    agree(casino, request(casino, found, asker, Closing.SETTLE), agreer)
    found.refresh_from_db()
    assert found.state == "settled"
    assert casino.pots() == {"cash": 10_150, "bonus": 0, "held": 0, "pending": 0}
    assert casino.send_one(casino.rollback("x-1", "e-1"))["status"] == "accepted"
    assert casino.pots()["cash"] == 10_000
    assert_ledger_holds()


def test_wins_already_paid_stay_paid_when_the_rest_goes_back(
    casino: Casino, asker: User, agreer: User
) -> None:
    ask(casino, stake("b-1", 200), win("w-1", 350))
    found = make_stuck(casino)
    agree(casino, request(casino, found, asker, Closing.RETURN), agreer)
    found.refresh_from_db()
    assert (found.state, casino.pots()["cash"]) == ("settled", 10_350)
    assert_ledger_holds()


@pytest.mark.parametrize(
    ("closing", "cash", "state"),
    [(Closing.RETURN, 10_000, "rolled_back"), (Closing.SETTLE, 9_500, "settled")],
)
def test_stakes_taken_at_once_go_back_or_stay_by_two_people(
    casino: Casino, asker: User, agreer: User, closing: Closing, cash: int, state: str
) -> None:
    ask(casino, stake("b-1", 200), stake("b-2", 300), stake_settles="at_once")
    found = make_stuck(casino)
    approval_id = request(casino, found, asker, closing)
    assert Approval.objects.get(pk=approval_id).payload["taken_minor"] == 500
    assert casino.pots()["cash"] == 9_500
    agree(casino, approval_id, agreer)
    found.refresh_from_db()
    assert (found.state, found.settled_at) == (state, casino.now)
    assert casino.pots() == {"cash": cash, "bonus": 0, "held": 0, "pending": 0}
    if closing == Closing.RETURN:
        assert ask_one(casino, rollback("x-1", "b-1"))[:2] == ("accepted", "")
        assert casino.pots()["cash"] == cash
    assert_ledger_holds()


def test_a_message_between_the_two_people_voids_what_would_return_a_taken_stake(
    casino: Casino, asker: User, agreer: User
) -> None:
    ask(casino, stake("b-1", 200), stake_settles="at_once")
    found = make_stuck(casino)
    returned = request(casino, found, asker, Closing.RETURN)
    ask(casino, stake("b-2", 300), stake_settles="at_once")
    Round.objects.update(state="stuck")  # flagged again within the hour
    with pytest.raises(ApprovalVoidError, match="other money or other messages"):
        agree(casino, returned, agreer)
    again = request(casino, found, asker, Closing.RETURN)
    ask(casino, win("w-1", 350, finalized=True))
    with pytest.raises(ApprovalVoidError, match="not stuck"):
        agree(casino, again, agreer)
    assert casino.pots()["cash"] == 9_850
    assert_ledger_holds()


@pytest.mark.parametrize("settles", ["at_once", "at_close"])
@pytest.mark.parametrize("won", [5_000, 0])
def test_a_win_between_the_two_people_voids_what_would_return_its_stake(
    casino: Casino, asker: User, agreer: User, settles: str, won: int
) -> None:
    ask(casino, stake("b-1", 500), stake_settles=settles)
    found = make_stuck(casino)
    approval_id = request(casino, found, asker, Closing.RETURN)
    ask(casino, win("w-1", won))
    found.refresh_from_db()
    assert found.state == "stuck"
    before = everything()
    with pytest.raises(RoundMovedError, match="other messages"), transaction.atomic():
        execute_closing(granted(casino, approval_id, asker, agreer))
    assert everything() == before
    with pytest.raises(ApprovalVoidError, match="other messages"):
        agree(casino, approval_id, agreer)
    assert casino.pots()["cash"] == 9_500 + won
    assert_ledger_holds()


def test_a_request_says_what_was_paid_and_stays_paid(casino: Casino, asker: User) -> None:
    ask(casino, stake("b-1", 200), win("w-1", 350))
    found = make_stuck(casino)
    approval = Approval.objects.get(pk=request(casino, found, asker, Closing.RETURN))
    said = "Return 2.00 AUD held, leave 3.50 AUD paid, in round r-1 (aurora, p-1001)"
    assert approval.title == said
    assert (approval.payload["paid_minor"], approval.payload["standing_events"]) == (350, 2)


def test_a_request_of_before_it_said_what_was_paid_is_void(casino: Casino, asker: User) -> None:
    ask(casino, stake("b-1", 200))
    approval_id = request(casino, make_stuck(casino), asker, Closing.RETURN)
    old = dict(Approval.objects.get(pk=approval_id).payload)
    for name in ("taken_minor", "paid_minor", "standing_events"):
        del old[name]
    with pytest.raises(RoundMovedError):
        recheck_closing(old)


def test_what_a_closed_round_took_was_played_and_does_not_go_back(
    casino: Casino, asker: User, agreer: User
) -> None:
    ask(casino, stake("b-1", 300), stake_settles="at_once")
    ask(casino, stake("b-2", 200))
    Round.objects.update(state="settled", settled_at=casino.now)
    found = make_stuck(casino)
    agree(casino, request(casino, found, asker, Closing.RETURN), agreer)
    assert casino.pots() == {"cash": 9_700, "bonus": 0, "held": 0, "pending": 0}
    assert_ledger_holds()


def test_a_stake_from_bonus_funds_returns_to_the_bonus(
    casino: Casino, asker: User, agreer: User
) -> None:
    give_bonus(casino, requirement_multiple=Decimal("1.00"))
    ask(casino, stake("b-1", 10_500))
    assert casino.pots() == {"cash": 0, "bonus": 1_500, "held": 10_500, "pending": 0}
    found = make_stuck(casino)
    agree(casino, request(casino, found, asker, Closing.RETURN), agreer)
    assert casino.pots() == {"cash": 10_000, "bonus": 2_000, "held": 0, "pending": 0}
    assert_ledger_holds()


@pytest.mark.parametrize("undone_by", ["rollback", "two people"])
def test_a_stake_taken_at_once_that_goes_back_takes_back_what_it_counted(
    casino: Casino, asker: User, agreer: User, undone_by: str
) -> None:
    grant = give_bonus(casino, requirement_multiple=Decimal(30))
    ask(casino, stake("b-1", 500), stake_settles="at_once")
    grant.refresh_from_db()
    assert grant.remaining_minor == 119_500
    if undone_by == "rollback":
        ask(casino, rollback("x-1", "b-1"))
    else:
        agree(casino, request(casino, make_stuck(casino), asker, Closing.RETURN), agreer)
    grant.refresh_from_db()
    assert (grant.remaining_minor, casino.pots()["cash"]) == (120_000, 10_000)
    receipts = WageringReceipt.objects.filter(subject="aurora:b-1").order_by("pk")
    assert [receipt.counted_minor for receipt in receipts] == [500, -500]
    assert_ledger_holds()


def test_one_person_is_not_two_and_nothing_moves(casino: Casino, asker: User) -> None:
    ask(casino, stake("b-1"))
    found = make_stuck(casino)
    approval_id = request(casino, found, asker, Closing.RETURN)
    before = everything()
    with pytest.raises(SelfApprovalError):
        agree(casino, approval_id, asker)
    with pytest.raises(NotAllowedToDecideError):
        agree(casino, approval_id, make_user("stranger"))
    with pytest.raises(AlreadyPendingError):
        request(casino, found, asker, Closing.SETTLE)
    assert everything() == before


def test_an_open_or_closed_round_is_its_providers_to_close(casino: Casino, asker: User) -> None:
    ask(casino, stake("b-1"))
    with pytest.raises(RoundNotStuckError):
        request(casino, Round.objects.get(), asker, Closing.RETURN)
    found = make_stuck(casino)
    with pytest.raises(ReasonRequiredError):
        request_closing(
            ClosingOrder(found.pk, Closing.RETURN, " "),
            acting_user=asker,
            reason="because",
            now=casino.now,
        )


def test_the_providers_own_message_comes_first_and_voids_the_request(
    casino: Casino, asker: User, agreer: User
) -> None:
    ask(casino, stake("b-1"), stake("b-2", 300))
    found = make_stuck(casino)
    approval_id = request(casino, found, asker, Closing.RETURN)
    ask(casino, rollback("x-1", "b-2"))
    with pytest.raises(ApprovalVoidError, match="other money or other messages"):
        agree(casino, approval_id, agreer)
    again = request(casino, found, asker, Closing.RETURN)
    ask(casino, win("w-1", 350, finalized=True))
    with pytest.raises(ApprovalVoidError, match="not stuck"):
        agree(casino, again, agreer)
    assert casino.pots() == {"cash": 10_150, "bonus": 0, "held": 0, "pending": 0}
    assert_ledger_holds()


@pytest.mark.django_db(transaction=True)
def test_a_rollback_and_a_closing_at_once_return_the_stake_once() -> None:
    casino = open_casino()
    asker = make_user("asker", permissions=("rounds.request_closing", APPROVE))
    agreer = make_user("agreer", permissions=(APPROVE,))
    ask(casino, stake("b-1"))
    found = make_stuck(casino)
    approval_id = request(casino, found, asker, Closing.RETURN)
    race(
        [
            lambda: agree(casino, approval_id, agreer),
            lambda: ask(casino, rollback("x-1", "b-1")),
        ]
    )
    assert casino.pots() == {"cash": 10_000, "bonus": 0, "held": 0, "pending": 0}
    assert_ledger_holds()


def hold_in_a_closed_round(casino: Casino) -> Round:
    """Leave a round as only an old row can be: closed, with a stake that is still held."""
    ask(casino, stake("b-1", 200))
    Round.objects.update(state="settled", settled_at=casino.now)
    return Round.objects.get(round_ref="r-1")


@pytest.mark.parametrize(
    ("closing", "cash", "state"),
    [(Closing.RETURN, 10_000, "rolled_back"), (Closing.SETTLE, 9_800, "settled")],
)
def test_a_stake_held_in_a_closed_round_is_flagged_and_ended_by_two_people(
    casino: Casino, asker: User, agreer: User, closing: Closing, cash: int, state: str
) -> None:
    found = hold_in_a_closed_round(casino)
    assert sort_out_open_rounds(now=casino.now + timedelta(hours=24)) == (0, 0)
    assert make_stuck(casino) == found
    agree(casino, request(casino, found, asker, closing), agreer)
    found.refresh_from_db()
    assert (found.state, found.settled_at) == (state, casino.now)
    assert casino.pots() == {"cash": cash, "bonus": 0, "held": 0, "pending": 0}
    assert sort_out_open_rounds(now=casino.now + timedelta(days=9)) == (0, 0)
    assert_ledger_holds()


def test_a_closed_round_that_is_flagged_takes_no_new_stake(casino: Casino) -> None:
    closed_at = hold_in_a_closed_round(casino).settled_at
    found = make_stuck(casino)
    assert (found.state, found.settled_at) == ("stuck", closed_at)
    before = everything()
    late = stake("b-2", occurred_at=casino.now)
    assert ask_one(casino, late) == ("rejected", "round_closed", 9_800)
    found.refresh_from_db()
    assert (found.state, found.settled_at) == ("stuck", closed_at)
    assert everything() == before
    allowed = stake("b-3", occurred_at=casino.now)
    assert ask_one(casino, allowed, stake_after_close="allow")[:2] == ("accepted", "late")


def test_a_round_left_open_and_flagged_still_takes_its_stakes(casino: Casino) -> None:
    ask(casino, stake("b-1"))
    make_stuck(casino)
    late = stake("b-2", occurred_at=casino.now)
    assert ask_one(casino, late) == ("accepted", "", 9_600)
    assert Round.objects.get(round_ref="r-1").state == "open"


def test_a_closed_round_that_holds_nothing_stays_closed(casino: Casino) -> None:
    ask(casino, stake("b-1"), win("w-1", finalized=True))
    assert sort_out_open_rounds(now=casino.now + timedelta(days=9)) == (0, 0)
    assert Round.objects.get(round_ref="r-1").state == "settled"
