"""A dispute from complaint to credit: an agent asks, a supervisor agrees, the ledger follows."""

from typing import Any, Final

from apps.core.money import display_money
from apps.disputes import services
from apps.disputes.contracts import Complaint
from apps.disputes.enums import CaseState, CaseType
from apps.disputes.selectors import case_by_id, cases_of_event
from apps.reconciliation.selectors import breaks_of_event, statement_row
from apps.rounds.selectors import deliveries_of_event
from apps.simulator.borealis.faults import AMOUNT_OFF_MINOR, Discrepancy
from apps.simulator.borealis.home import CODE
from apps.simulator.demo.stage import Stage
from apps.simulator.demo.steps import Finding
from apps.staff.errors import NotAllowedToDecideError, SelfApprovalError
from apps.staff.services import approve
from apps.wallet.enums import Pot, TransferKind
from apps.wallet.selectors import balances, transfers_for_subject

CLAIM: Final = "The game showed me a bigger win than the one on my account."


def settle_dispute(stage: Stage) -> Finding:
    """Credit a player whose win the provider's log has one unit higher than our ledger."""
    events = _undisputed(stage)
    if not events:
        return Finding(is_held=False, text="No event to dispute: the provider planted none.")
    event = stage.provider.payload(events[0])
    case_id = _open(stage, event)
    _leave_open(stage, events[1:])
    before = balances(case_by_id(case_id).player_id)[Pot.CASH]
    approval_id = services.request_credit(
        case_id=case_id,
        amount_minor=AMOUNT_OFF_MINOR,
        currency=event["currency"],
        acting_user=stage.staff["agent"],
        reason="The provider's round log shows the higher win.",
        now=stage.clock(),
    ).pk
    is_self_refused = _agent_may_not_approve(stage, approval_id)
    approve(
        approval_id=approval_id,
        user=stage.staff["supervisor"],
        reason="Log and payload seen; the player is right.",
        now=stage.clock(),
    )
    case = case_by_id(case_id)
    subject = f"{CODE}:{event['event_id']}"
    lines = transfers_for_subject(subject)
    facts = {
        "case": case.number,
        "event_id": event["event_id"],
        "credited": display_money(AMOUNT_OFF_MINOR, event["currency"]),
        "resolved": case.state == CaseState.RESOLVED,
        "requester_refused": is_self_refused,
        "cash_moved": balances(case.player_id)[Pot.CASH] - before == AMOUNT_OFF_MINOR,
        "correction_linked": any(line.kind == TransferKind.CORRECTION.label for line in lines),
        "deliveries": len(deliveries_of_event(CODE, event["event_id"])),
        "statement_row": statement_row(CODE, event["event_id"]) is not None,
        "breaks": len(breaks_of_event(CODE, event["event_id"])),
    }
    return Finding(
        is_held=all(bool(value) for value in facts.values()),
        text=f"{case.number}: {facts['credited']} asked for by the agent, refused to the agent "
        "for approval, approved by the supervisor, corrected in the ledger.",
        figures=facts,
    )


def _undisputed(stage: Stage) -> list[str]:
    planted = stage.provider.truth(stage.yesterday)["planted"].get(Discrepancy.AMOUNT, [])
    return [event_id for event_id in reversed(planted) if not cases_of_event(CODE, event_id)]


def _open(stage: Stage, event: dict[str, Any]) -> int:
    agent = stage.staff["agent"]
    complaint = Complaint(
        player_ref=event["player_id"],
        case_type=CaseType.SETTLEMENT,
        claim=CLAIM,
        provider_code=CODE,
        event_id=event["event_id"],
    )
    case = services.open_case(complaint, acting_user=agent, now=stage.clock())
    services.assign(case_id=case.pk, assignee=agent, acting_user=agent, now=stage.clock())
    services.acknowledge(
        case_id=case.pk, acting_user=agent, note="Answered by mail.", now=stage.clock()
    )
    return case.pk


def _leave_open(stage: Stage, event_ids: list[str]) -> None:
    """Open a second case that stays open, so that the agent's page has work on it."""
    for event_id in event_ids[:1]:
        _open(stage, stage.provider.payload(event_id))


def _agent_may_not_approve(stage: Stage, approval_id: int) -> bool:
    try:
        approve(
            approval_id=approval_id,
            user=stage.staff["agent"],
            reason="I say so myself.",
            now=stage.clock(),
        )
    except (NotAllowedToDecideError, SelfApprovalError):
        return True
    return False
