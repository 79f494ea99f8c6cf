"""Accepting a digest that is not the certified one: two people, one file, one digest."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.core.services import record_audit
from apps.integrity.enums import FaultKind, FaultState
from apps.integrity.errors import FaultMovedError, FaultNotOpenError
from apps.integrity.models import AcceptedDigest, Fault
from apps.integrity.selectors import fault_by_id
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person

ACCEPT: Final = "integrity.accept_digest"


def fault_subject(fault_id: int) -> str:
    return f"fault:{fault_id}"


@transaction.atomic
def request_acceptance(*, fault_id: int, acting_user: Person, reason: str, now: datetime) -> int:
    """Ask a second person to accept what was measured; returns the approval's id.

    Raises:
        FaultNotOpenError: the fault is closed, or no digest was reported that could be accepted.
        AlreadyPendingError, ReasonRequiredError, NotAllowedToDecideError: as they say.
    """
    fault = fault_by_id(fault_id)
    if fault.state != FaultState.OPEN or fault.kind != FaultKind.MISMATCH:
        raise FaultNotOpenError(fault_id)
    approval = request_approval(
        kind=ACCEPT,
        subject=fault_subject(fault_id),
        title=f"Accept another digest of {fault.path} in {fault.game.game_code}",
        payload={
            "fault": fault_id,
            "game": fault.game.game_code,
            "path": fault.path,
            "algorithm": fault.algorithm,
            "certified": fault.certified,
            "reported": fault.reported,
        },
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


def recheck_acceptance(payload: dict[str, Any]) -> None:
    """Refuse an approval about a fault that is closed or shows another digest now.

    Raises:
        FaultNotOpenError, FaultMovedError: as they say.
    """
    _require_same(fault_by_id(payload["fault"]), payload)


def execute_acceptance(approved: ApprovalGrant) -> dict[str, Any]:
    """Accept the digest and close the fault; runs inside the approval's transaction.

    Raises:
        FaultNotOpenError, FaultMovedError: as they say.
    """
    payload = approved.payload
    fault = Fault.objects.select_for_update(no_key=True).get(pk=payload["fault"])
    _require_same(fault, payload)
    AcceptedDigest.objects.create(
        fault=fault,
        game_id=fault.game_id,
        path=fault.path,
        algorithm=fault.algorithm,
        seed=fault.seed,
        digest=fault.reported,
        approval_id=approved.approval_id,
        accepted_at=approved.now,
    )
    fault.state = FaultState.ACCEPTED
    fault.closed_at = approved.now
    fault.closing_note = f"Approval {approved.approval_id}"
    fault.save(update_fields=["state", "closed_at", "closing_note"])
    record_audit(
        action="integrity.digest_accepted",
        actor=None,
        subject=f"fault:{fault.pk}",
        details={**payload, "approval_id": approved.approval_id},
        now=approved.now,
    )
    return {"fault": fault.pk}


def _require_same(fault: Fault, payload: dict[str, Any]) -> None:
    if fault.state != FaultState.OPEN:
        raise FaultNotOpenError(fault.pk)
    if fault.reported != payload["reported"]:
        raise FaultMovedError(fault.pk)
