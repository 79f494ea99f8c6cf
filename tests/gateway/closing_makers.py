"""A round that is stuck, and the two people who close it."""

from datetime import timedelta
from typing import Final

from apps.gateway.services.closing import Closing, ClosingOrder, request_closing
from apps.rounds.models import Round
from apps.rounds.services.stuck import sort_out_open_rounds
from apps.staff.contracts import ApprovalGrant
from apps.staff.models import Approval, User
from apps.staff.services.approvals import approve
from tests.gateway.builders import Casino

APPROVE: Final = "rounds.approve_closing"
EVIDENCE: Final = "Round log of 19 Nov: the table was voided at 10:02."


def make_stuck(casino: Casino) -> Round:
    casino.now += timedelta(days=2)
    assert sort_out_open_rounds(now=casino.now)[1] == 1
    return Round.objects.get(round_ref="r-1")


def request(casino: Casino, found: Round, asker: User, closing: Closing) -> int:
    return request_closing(
        ClosingOrder(found.pk, closing, EVIDENCE),
        acting_user=asker,
        reason="no message for two days",
        now=casino.now,
    )


def granted(casino: Casino, approval_id: int, asker: User, agreer: User) -> ApprovalGrant:
    """Return what two people agreed on, as it is handed over once it was looked at again."""
    asked = Approval.objects.get(pk=approval_id)
    people = (asker.pk, agreer.pk)
    return ApprovalGrant(
        approval_id, asked.kind, asked.subject, asked.payload, *people, now=casino.now
    )


def agree(casino: Casino, approval_id: int, person: User) -> None:
    approve(approval_id=approval_id, user=person, reason="log compared", now=casino.now)
