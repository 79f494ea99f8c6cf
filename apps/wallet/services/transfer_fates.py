"""What two people say became of a transfer that its provider never decides."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.core.money import display_money
from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person
from apps.wallet.contracts import GameTransferRef
from apps.wallet.enums import Direction, GameTransferState
from apps.wallet.errors import TransferDecidedError, TransferNotAskedError
from apps.wallet.selectors import transfer_by_id
from apps.wallet.services.game_transfers import decide_transfer, lock_open_transfer

TRANSFER_FATE: Final = "wallet.transfer_fate"
_SAID: Final = {
    GameTransferState.CONFIRMED: "done at the provider",
    GameTransferState.FAILED: "never done at the provider",
}


@transaction.atomic
def request_fate(
    *,
    transfer_id: int,
    fate: GameTransferState,
    evidence: str,
    acting_user: Person,
    reason: str,
    now: datetime,
) -> int:
    """Ask a second person to book a transfer as done or as failed; returns the approval's id.

    The provider is still asked meanwhile, and its own word comes first: the approval is then void.

    Raises:
        ReasonRequiredError: nobody said what the provider's books show.
        UnknownGameTransferError: there is no such transfer.
        TransferDecidedError: it is confirmed or failed.
        TransferNotAskedError: the provider was not asked yet.
        AlreadyPendingError, NotAllowedToDecideError: as they say.
    """
    require_reason(evidence)
    transfer = lock_open_transfer(transfer_id)
    if transfer.attempts == 0:
        raise TransferNotAskedError("The provider was not asked yet; its own word comes first.")
    amount = display_money(transfer.amount_minor, transfer.currency)
    way = "to" if transfer.direction == Direction.IN else "from"
    approval = request_approval(
        kind=TRANSFER_FATE,
        subject=f"game-transfer:{transfer.public_id}",
        title=f"{amount} {way} {transfer.provider_code}: {_SAID[fate]}",
        payload={
            **_facts(transfer),
            "outcome": str(fate),
            "evidence": evidence.strip(),
            "attempts": transfer.attempts,
        },
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


def recheck_fate(payload: dict[str, Any]) -> None:
    """Refuse an approval about a transfer whose fate is known meanwhile.

    Raises:
        TransferDecidedError: it is.
        UnknownGameTransferError: there is no such transfer.
    """
    transfer = transfer_by_id(payload["transfer_id"])
    if transfer.state in {GameTransferState.CONFIRMED, GameTransferState.FAILED}:
        raise TransferDecidedError(f"The transfer is {transfer.state} already.")


def execute_fate(approved: ApprovalGrant) -> dict[str, Any]:
    """Book what two people agreed on, once; runs inside the approval's transaction.

    Raises:
        TransferDecidedError: the provider decided it meanwhile.
    """
    payload = approved.payload
    transfer = lock_open_transfer(payload["transfer_id"])
    fate = GameTransferState(payload["outcome"])
    decide_transfer(transfer.id, fate, code=f"approval-{approved.approval_id}", now=approved.now)
    record_audit(
        action="wallet.transfer.decided_by_people",
        actor=None,
        subject=approved.subject,
        details={**payload, "approval_id": approved.approval_id},
        now=approved.now,
    )
    return {**_facts(transfer), "outcome": str(fate)}


def _facts(transfer: GameTransferRef) -> dict[str, Any]:
    return {
        "transfer_id": transfer.id,
        "provider": transfer.provider_code,
        "player": transfer.player_ref,
        "direction": str(transfer.direction),
        "amount_minor": transfer.amount_minor,
        "currency": transfer.currency,
    }
