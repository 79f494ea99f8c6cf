"""How cases are read."""

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from apps.disputes.enums import CLOSED_STATES, CaseState
from apps.disputes.errors import UnknownCaseError
from apps.disputes.models import Case, CaseNote
from apps.staff.enums import ApprovalState
from apps.staff.selectors import approval_of
from apps.staff.services.approvals import Person

CREDIT = "disputes.credit"


def case_by_id(case_id: int) -> Case:
    """Return one case.

    Raises:
        UnknownCaseError
    """
    case = Case.objects.select_related("player", "provider").filter(pk=case_id).first()
    if case is None:
        raise UnknownCaseError(case_id)
    return case


def approval_subject(case: Case) -> str:
    """Return under which name approvals about this case are kept."""
    return f"case:{case.number}"


def open_cases() -> QuerySet[Case]:
    """Return the cases not decided yet, the one due first on top."""
    cases = Case.objects.exclude(state__in=CLOSED_STATES).select_related("player", "assigned_to")
    return cases.order_by("decide_by", "pk")


def cases_of(user: Person | AnonymousUser) -> QuerySet[Case]:
    return open_cases().filter(assigned_to_id=user.pk)


def unassigned_cases() -> QuerySet[Case]:
    return open_cases().filter(assigned_to__isnull=True)


def overdue_cases(now: datetime) -> QuerySet[Case]:
    """Return open cases not acknowledged or not decided by the time they had to be."""
    late = Q(decide_by__lt=now) | Q(acknowledged_at__isnull=True, acknowledge_by__lt=now)
    return open_cases().filter(late)


def cases_awaiting_credit() -> QuerySet[Case]:
    return open_cases().filter(state=CaseState.CREDIT_REQUESTED)


def open_case_of_event(provider_code: str, event_id: str) -> Case | None:
    return (
        open_cases().filter(provider__code=provider_code, event_id=event_id).first()
        if event_id
        else None
    )


def cases_of_event(provider_code: str, event_id: str) -> list[Case]:
    """Return every case about an event, closed ones too, newest first."""
    cases = Case.objects.filter(provider__code=provider_code, event_id=event_id)
    return list(cases.order_by("-pk"))


def cases_of_player(player_id: int, *, limit: int = 20) -> list[Case]:
    return list(Case.objects.filter(player_id=player_id).order_by("-pk")[:limit])


def trail_of(case: Case) -> list[CaseNote]:
    return list(CaseNote.objects.filter(case=case).select_related("author").order_by("pk"))


def has_pending_credit(case: Case) -> bool:
    """Tell whether a second person has yet to decide on a credit of this case."""
    approval = approval_of(CREDIT, approval_subject(case))
    return approval is not None and approval.state == ApprovalState.PENDING
