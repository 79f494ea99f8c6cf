"""A transfer that its provider never decides is decided by two people, once."""

import uuid

import pytest

from apps.core.errors import ReasonRequiredError
from apps.core.models import AuditEntry
from apps.gateway.services.holds import transit_out_of_step
from apps.staff.errors import ApprovalVoidError, NotAllowedToDecideError, SelfApprovalError
from apps.staff.models import User
from apps.staff.services.approvals import approve
from apps.wallet.contracts import TransferOrder
from apps.wallet.enums import Direction, GameTransferState
from apps.wallet.errors import TransferDecidedError, TransferNotAskedError
from apps.wallet.models import GameTransfer
from apps.wallet.services.game_transfers import (
    begin_attempt,
    decide_transfer,
    request_transfer,
)
from apps.wallet.services.transfer_fates import request_fate
from tests.factories import make_user
from tests.gateway.builders import NOW, Casino, assert_ledger_holds, everything, later
from tests.races import race

APPROVE = "wallet.approve_transfer_fate"
EVIDENCE = "Their statement of 19 Nov has no such transaction id."


@pytest.fixture
def asker(db: None) -> User:
    return make_user("asker", permissions=("wallet.request_transfer_fate", APPROVE))


@pytest.fixture
def agreer(db: None) -> User:
    return make_user("agreer", permissions=(APPROVE,))


@pytest.fixture
def stuck(casino: Casino) -> GameTransfer:
    """3.00 AUD on its way to aurora, asked about once, without an answer."""
    order = TransferOrder(
        casino.player.pk, casino.provider.pk, "aurora", Direction.IN, 300, str(uuid.uuid4())
    )
    found = request_transfer(order, now=NOW)
    begin_attempt(found.id, now=NOW)
    return GameTransfer.objects.get(pk=found.id)


def request(stuck: GameTransfer, asker: User, fate: GameTransferState) -> int:
    return request_fate(
        transfer_id=stuck.pk,
        fate=fate,
        evidence=EVIDENCE,
        acting_user=asker,
        reason="no answer for a week",
        now=later(60),
    )


def agree(approval_id: int, person: User) -> None:
    approve(approval_id=approval_id, user=person, reason="statement compared", now=later(90))


@pytest.mark.parametrize(
    ("fate", "pots"),
    [
        (GameTransferState.CONFIRMED, {"cash": 9_700, "transferred:aurora": 300}),
        (GameTransferState.FAILED, {"cash": 10_000}),
    ],
)
def test_two_people_book_its_fate_once_and_a_later_word_changes_nothing(
    casino: Casino,
    asker: User,
    agreer: User,
    stuck: GameTransfer,
    fate: GameTransferState,
    pots: dict[str, int],
) -> None:
    assert casino.pots()["cash"] == 9_700
    approval_id = request(stuck, asker, fate)
    agree(approval_id, agreer)
    stuck.refresh_from_db()
    assert (stuck.state, stuck.code, stuck.decided_at) == (
        fate,
        f"approval-{approval_id}",
        later(90),
    )
    assert casino.pots() == {"bonus": 0, "held": 0, "pending": 0} | pots
    assert transit_out_of_step() == []
    [entry] = AuditEntry.objects.filter(action="wallet.transfer.decided_by_people")
    assert entry.details["evidence"] == EVIDENCE
    before = everything()
    decide_transfer(stuck.pk, GameTransferState.CONFIRMED, code="", now=later(99))
    assert everything() == before
    # It was asked a moment before: what it says against it is for people to see.
    said = AuditEntry.objects.filter(action="wallet.transfer.contradicted")
    assert [entry.details for entry in said] == (
        []
        if fate == GameTransferState.CONFIRMED
        else [{"booked": "failed", "provider_says": "confirmed", "code": ""}]
    )
    assert begin_attempt(stuck.pk, now=later(9_999)) is None
    assert_ledger_holds()


def test_one_person_is_not_two_and_nothing_moves(asker: User, stuck: GameTransfer) -> None:
    before = everything()
    approval_id = request(stuck, asker, GameTransferState.FAILED)
    with pytest.raises(SelfApprovalError):
        agree(approval_id, asker)
    with pytest.raises(NotAllowedToDecideError):
        agree(approval_id, make_user("stranger"))
    assert everything() == before
    stuck.refresh_from_db()
    assert stuck.state == "unresolved"


def test_the_providers_word_comes_first_and_voids_the_request(
    casino: Casino, asker: User, agreer: User, stuck: GameTransfer
) -> None:
    approval_id = request(stuck, asker, GameTransferState.FAILED)
    decide_transfer(stuck.pk, GameTransferState.CONFIRMED, code="", now=later(70))
    with pytest.raises(ApprovalVoidError):
        agree(approval_id, agreer)
    assert casino.pots()["transferred:aurora"] == 300
    with pytest.raises(TransferDecidedError):
        request(stuck, asker, GameTransferState.FAILED)


def test_it_rests_on_evidence_and_on_having_asked(
    casino: Casino, asker: User, stuck: GameTransfer
) -> None:
    with pytest.raises(ReasonRequiredError):
        request_fate(
            transfer_id=stuck.pk,
            fate=GameTransferState.FAILED,
            evidence="  ",
            acting_user=asker,
            reason="no answer",
            now=NOW,
        )
    decide_transfer(stuck.pk, GameTransferState.FAILED, code="", now=NOW)
    order = TransferOrder(casino.player.pk, casino.provider.pk, "aurora", Direction.IN, 300, "new")
    unasked = GameTransfer.objects.get(pk=request_transfer(order, now=NOW).id)
    with pytest.raises(TransferNotAskedError):
        request(unasked, asker, GameTransferState.FAILED)


@pytest.mark.django_db(transaction=True)
def test_the_providers_word_and_the_peoples_at_once_move_it_once(
    transactional_db: None, casino: Casino, stuck: GameTransfer
) -> None:
    asker = make_user("asker2", permissions=(APPROVE,))
    agreer = make_user("agreer2", permissions=(APPROVE,))
    approval_id = request(stuck, asker, GameTransferState.FAILED)
    race(
        [
            lambda: agree(approval_id, agreer),
            lambda: decide_transfer(stuck.pk, GameTransferState.CONFIRMED, code="", now=later(80)),
        ]
    )
    stuck.refresh_from_db()
    pots = casino.pots()
    assert (pots["cash"], pots.get("transferred:aurora", 0)) in {(9_700, 300), (10_000, 0)}
    assert (stuck.state == "confirmed") == (pots["cash"] == 9_700)
    assert transit_out_of_step() == []
    assert_ledger_holds()
