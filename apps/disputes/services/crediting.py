"""A credit: asked for by one person, agreed to by another, paid as a correction in the ledger."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from apps.core.money import display_money
from apps.disputes.enums import CLOSED_STATES, CaseState, NoteKind
from apps.disputes.errors import CaseStateError, CreditRefusedError, NotAllowedError
from apps.disputes.locks import lock_case
from apps.disputes.models import Case, CaseCredit
from apps.disputes.selectors import CREDIT, approval_subject, case_by_id
from apps.disputes.services.cases import close_case, require_no_pending_credit
from apps.disputes.services.trail import add_step, audit_step
from apps.gateway.services.corrections import apply_correction
from apps.rounds.enums import EventStatus
from apps.rounds.selectors import event_by_id
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person

if TYPE_CHECKING:
    from apps.staff.models import Approval

# Above this a credit is not a dispute but an incident, and a slip of the keyboard more often.
MAX_CREDIT_MINOR: Final = 10**12


@transaction.atomic
def request_credit(
    *,
    case_id: int,
    amount_minor: int,
    currency: str,
    acting_user: Person,
    reason: str,
    now: datetime,
) -> "Approval":
    """Ask a second person to credit the player's cash; nothing moves before they agree.

    Raises:
        CreditRefusedError: the amount is not positive, the currency is not the player's, there is
            no round event of ours to correct, or it is parked and may still be booked itself.
        CaseStateError: the case is closed, or nobody works on it yet.
        CreditPendingError: an earlier request awaits a decision.
        UnknownCaseError, NotAllowedError, ReasonRequiredError: as they say.
    """
    if not acting_user.is_active or not acting_user.has_perm("disputes.work_case"):
        raise NotAllowedError("This needs an active account with the permission to work on cases.")
    seen = case_by_id(case_id)
    _require_creditable(seen, amount_minor, currency)
    require_no_pending_credit(seen)
    # The person is locked in here and the case after it: the order in which an approval locks.
    approval = request_approval(
        kind=CREDIT,
        subject=approval_subject(seen),
        title=f"Credit {display_money(amount_minor, currency)} to {seen.player} ({seen.number})",
        payload=_payload(seen, amount_minor),
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    case = lock_case(case_id)
    _require_working(case)
    case.state = CaseState.CREDIT_REQUESTED
    case.save(update_fields=["state"])
    amount = display_money(amount_minor, currency)
    add_step(
        case,
        NoteKind.CREDIT_REQUESTED,
        approval.requested_by_id,
        f"{amount}: {reason.strip()}",
        now,
    )
    return approval


def _payload(case: Case, amount_minor: int) -> dict[str, Any]:
    assert case.provider is not None  # noqa: S101 - _require_creditable has refused it
    return {
        "case": case.number,
        "case_id": case.pk,
        "player": case.player.player_ref,
        "provider": case.provider.code,
        "event_id": case.event_id,
        "amount_minor": amount_minor,
        "currency": case.currency,
    }


def _require_creditable(case: Case, amount_minor: int, currency: str) -> None:
    _require_working(case)
    if currency != case.currency:
        raise CreditRefusedError(f"The player's account is kept in {case.currency}.")
    if not 0 < amount_minor <= MAX_CREDIT_MINOR:
        raise CreditRefusedError("A credit is a positive amount that somebody could have lost.")
    event = event_by_id(case.provider.code, case.event_id) if case.provider else None
    if event is None or event.player_id != case.player_id:
        raise CreditRefusedError(
            "A credit corrects a round event in our ledger, and this case has none. "
            "An event that only the provider knows is corrected in reconciliation."
        )
    if event.status == EventStatus.PARKED:
        raise CreditRefusedError(
            f"Event '{case.event_id}' waits and may still be booked itself, so a credit could pay "
            "it twice. Re-process its delivery first."
        )


def _require_working(case: Case) -> None:
    if case.state in {CaseState.OPEN, *CLOSED_STATES}:
        raise CaseStateError(case.number, case.get_state_display(), "credited")


def recheck_credit(payload: dict[str, Any]) -> None:
    """Refuse to approve what no longer fits the case.

    Raises:
        CaseStateError, CreditRefusedError: as they say.
    """
    case = case_by_id(payload["case_id"])
    _require_creditable(case, payload["amount_minor"], payload["currency"])
    if case.state != CaseState.CREDIT_REQUESTED:
        raise CaseStateError(case.number, case.get_state_display(), "credited")


def execute_credit(grant: ApprovalGrant) -> dict[str, Any]:
    """Pay the credit and resolve the case, in the transaction of the approval.

    Raises:
        CaseStateError: the case no longer waits for a credit.
        UnknownEventError, CorrectionRefusedError: the ledger did not take it; nothing moves.
    """
    payload = grant.payload
    case = lock_case(payload["case_id"])
    if case.state != CaseState.CREDIT_REQUESTED:
        raise CaseStateError(case.number, case.get_state_display(), "credited")
    correction_event_id = apply_correction(
        provider_code=payload["provider"],
        event_id=payload["event_id"],
        amount_minor=payload["amount_minor"],
        approval_id=grant.approval_id,
        reason=f"Dispute {case.number}",
        now=grant.now,
    )
    credit = CaseCredit.objects.create(
        case=case,
        approval_id=grant.approval_id,
        amount_minor=payload["amount_minor"],
        currency=payload["currency"],
        correction_event_id=correction_event_id,
        requested_by_id=grant.requested_by_id,
        approved_by_id=grant.approved_by_id,
        created_at=grant.now,
    )
    amount = display_money(credit.amount_minor, credit.currency)
    outcome = f"Credited {amount} as {correction_event_id}."
    close_case(case, CaseState.RESOLVED, grant.approved_by_id, outcome, grant.now)
    add_step(case, NoteKind.CREDITED, grant.approved_by_id, outcome, grant.now)
    audit_step(
        case,
        "credited",
        credit.approved_by,
        reason=outcome,
        details={
            "approval": grant.approval_id,
            "amount_minor": credit.amount_minor,
            "currency": credit.currency,
            "correction": correction_event_id,
        },
        now=grant.now,
    )
    return {
        "correction_event_id": correction_event_id,
        "amount_minor": credit.amount_minor,
        "currency": credit.currency,
        "case": case.number,
    }
