"""Two people end what a player owes us: taken from the cash, or borne by the house."""

from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from apps.core.money import display_money
from apps.core.services import record_audit
from apps.players.selectors import player_by_ref
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person
from apps.wallet.contracts import RECEIVABLE, WRITTEN_OFF, House, PlayerPot, TransferRequest
from apps.wallet.enums import Pot, ReceivableEnd, TransferKind
from apps.wallet.errors import InsufficientFundsError, NoOpenReceivableError
from apps.wallet.selectors import balances, receivable_by_account
from apps.wallet.services.ledger import lock_wallets, post_transfers

RECEIVABLE_END: Final = "wallet.receivable_end"
_SAID: Final = {
    ReceivableEnd.SETTLE: "settle from the player's cash",
    ReceivableEnd.WRITE_OFF: "write off",
}
_WHAT_HAPPENS: Final = {
    ReceivableEnd.SETTLE: "The player's cash pays",
    ReceivableEnd.WRITE_OFF: "The house bears",
}


def end_subject(player_ref: str, currency: str) -> str:
    """Return what an approval about an end names as its subject."""
    return f"receivable:{player_ref}:{currency}"


@transaction.atomic
def request_receivable_end(
    *, account_id: int, end: ReceivableEnd, acting_user: Person, reason: str, now: datetime
) -> int:
    """Ask a second person to settle or write off what a player owes; returns the approval's id.

    Settling takes what the player's cash covers now, and never more than is owed.

    Raises:
        NoOpenReceivableError: nothing is owed there.
        InsufficientFundsError: the player has no cash to settle it with.
        AlreadyPendingError, ReasonRequiredError, NotAllowedToDecideError: as they say.
    """
    owed = receivable_by_account(account_id)
    amount_minor = owed.open_minor
    if amount_minor <= 0:
        raise NoOpenReceivableError(f"Player {owed.player_ref} owes nothing.")
    if end == ReceivableEnd.SETTLE:
        player = player_by_ref(owed.player_ref)
        amount_minor = min(amount_minor, balances(player.id).get(Pot.CASH, 0))
        if amount_minor == 0:
            raise InsufficientFundsError(f"Player {owed.player_ref} has no cash to settle it with.")
    amount = display_money(amount_minor, owed.currency)
    approval = request_approval(
        kind=RECEIVABLE_END,
        subject=end_subject(owed.player_ref, owed.currency),
        title=f"{amount} that {owed.player_ref} owes: {_SAID[end]}",
        payload={
            "account_id": account_id,
            "player": owed.player_ref,
            "currency": owed.currency,
            "owed_minor": owed.open_minor,
            "amount_minor": amount_minor,
            "end": str(end),
            "what_happens": f"{_WHAT_HAPPENS[end]} {amount}.",
        },
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


def recheck_receivable_end(payload: dict[str, Any]) -> None:
    """Refuse an approval about more than is owed by now.

    Raises:
        NoOpenReceivableError: it is; a rollback took some of it back.
    """
    _require_owed(payload)


def execute_receivable_end(approved: ApprovalGrant) -> dict[str, Any]:
    """Post what two people agreed on, once; runs inside the approval's transaction.

    The player's pots are locked first, so that no rollback moves the receivable meanwhile.

    Raises:
        NoOpenReceivableError: less is owed by now.
        InsufficientFundsError: the player has less cash by now; the approval stays pending.
    """
    payload = approved.payload
    player = player_by_ref(payload["player"])
    with connection.cursor() as cursor:
        lock_wallets(cursor, player_ids=[player.id])
    _require_owed(payload)
    is_settled = payload["end"] == ReceivableEnd.SETTLE
    subject = f"approval:{approved.approval_id}"
    transfer = TransferRequest(
        idempotency_key=f"{subject}:receivable",
        debit=PlayerPot(player.id, Pot.CASH) if is_settled else WRITTEN_OFF,
        credit=House(f"{RECEIVABLE}{payload['player']}"),
        amount_minor=payload["amount_minor"],
        currency=payload["currency"],
        kind=TransferKind.RECEIVABLE_SETTLED if is_settled else TransferKind.RECEIVABLE_WRITTEN_OFF,
        subject=subject,
        occurred_at=approved.now,
    )
    post_transfers([transfer], now=approved.now)
    record_audit(
        action="wallet.receivable.ended",
        actor=None,
        subject=approved.subject,
        details={**payload, "approval_id": approved.approval_id},
        now=approved.now,
    )
    return {"player": payload["player"], "amount_minor": payload["amount_minor"]}


def _require_owed(payload: dict[str, Any]) -> None:
    owed = receivable_by_account(payload["account_id"])
    if owed.open_minor < payload["amount_minor"]:
        still = display_money(owed.open_minor, owed.currency)
        raise NoOpenReceivableError(f"Player {owed.player_ref} owes {still} by now.")
