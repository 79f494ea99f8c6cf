"""Everything we hold about the round event of a case, gathered for one page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.bonuses.contracts import Receipt
from apps.bonuses.selectors import receipts_of_event
from apps.core.errors import DomainError
from apps.disputes.models import Case
from apps.reconciliation.contracts import BreakLine, StatementRow
from apps.reconciliation.selectors import breaks_of_event, statement_rows
from apps.rounds.contracts import AttemptView
from apps.rounds.proving import RoundProof, proof_of_event
from apps.rounds.selectors import (
    conflicts_of_event,
    corrections_of_event,
    deliveries_of_event,
    event_by_id,
    events_of_round,
)

if TYPE_CHECKING:
    from apps.rounds.models import Conflict, RoundEvent


@dataclass(frozen=True, slots=True)
class Evidence:
    """What each side says of one event. ``statement_problem`` is set when a file can't be read."""

    provider_code: str
    event_id: str
    event: "RoundEvent | None"
    round_events: "Sequence[RoundEvent]" = ()
    corrections: "Sequence[RoundEvent]" = ()
    attempts: Sequence[AttemptView] = ()
    conflicts: "Sequence[Conflict]" = ()
    receipts: Sequence[Receipt] = ()
    statement: Sequence[StatementRow] = ()
    statement_problem: str = ""
    breaks: Sequence[BreakLine] = field(default=())
    proof: RoundProof | None = None

    @property
    def subject(self) -> str:
        return f"{self.provider_code}:{self.event_id}"


def evidence_of(case: Case) -> Evidence | None:
    """Gather the evidence of a case; None for a complaint that is about no round event."""
    if case.provider is None:
        return None
    code, event_id = case.provider.code, case.event_id
    event = event_by_id(code, event_id)
    statement: Sequence[StatementRow] = ()
    problem = ""
    try:
        statement = statement_rows(code, event_id, occurred_at=event.occurred_at if event else None)
    except DomainError as error:
        problem = str(error)
    return Evidence(
        provider_code=code,
        event_id=event_id,
        event=event,
        round_events=events_of_round(event.round_id) if event and event.round_id else (),
        corrections=corrections_of_event(case.provider.pk, event_id),
        attempts=deliveries_of_event(code, event_id),
        conflicts=conflicts_of_event(code, event_id),
        receipts=receipts_of_event(f"{code}:{event_id}"),
        statement=statement,
        statement_problem=problem,
        breaks=breaks_of_event(code, event_id),
        proof=proof_of_event(event) if event else None,
    )
