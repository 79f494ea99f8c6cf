"""The buttons of a case: each one service call."""

from typing import Any

from django.urls import reverse
from django.utils.html import format_html

from apps.core.admin import ActionCall, ReasonForm
from apps.core.money import display_money, to_minor
from apps.disputes import services
from apps.disputes.contracts import Complaint
from apps.disputes.enums import CLOSED_STATES, CaseState
from apps.disputes.errors import NotAllowedError
from apps.disputes.models import Case
from apps.disputes.selectors import case_by_id, has_pending_credit
from apps.rounds.selectors import event_by_pk
from apps.staff.selectors import person_by_id


class OptionalNoteForm(ReasonForm):
    """Asks for nothing that must be said."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = False


def is_free(case: Case, user: Any) -> bool:
    return is_waiting(case, user) and case.assigned_to_id != user.pk


def is_waiting(case: Case, _user: object) -> bool:
    return case.state not in CLOSED_STATES


def is_unacknowledged(case: Case, user: object) -> bool:
    return is_waiting(case, user) and case.acknowledged_at is None


def is_decidable(case: Case, user: object) -> bool:
    is_worked_on = is_waiting(case, user) and case.state != CaseState.OPEN
    return is_worked_on and not has_pending_credit(case)


def is_creditable(case: Case, user: object) -> bool:
    return is_decidable(case, user) and bool(case.event_id)


def take(call: ActionCall) -> str:
    case = services.assign(
        case_id=call.object_id,
        assignee=call.user,
        acting_user=call.user,
        note=call.reason,
        now=call.now,
    )
    return f"{case.number} is yours."


def assign(call: ActionCall) -> str:
    assignee = person_by_id(call.fields["assignee"])
    if assignee is None:
        raise NotAllowedError("That account is not active.")
    case = services.assign(
        case_id=call.object_id,
        assignee=assignee,
        acting_user=call.user,
        note=call.reason,
        now=call.now,
    )
    return f"{case.number} is with {assignee}."


def acknowledge(call: ActionCall) -> str:
    services.acknowledge(
        case_id=call.object_id, acting_user=call.user, note=call.reason, now=call.now
    )
    return "Acknowledged."


def add_note(call: ActionCall) -> str:
    services.add_note(case_id=call.object_id, body=call.reason, acting_user=call.user, now=call.now)
    return "Noted."


def request_credit(call: ActionCall) -> str:
    case = case_by_id(call.object_id)
    amount_minor = to_minor(call.fields["amount"].strip(), case.currency)
    services.request_credit(
        case_id=case.pk,
        amount_minor=amount_minor,
        currency=case.currency,
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    amount = display_money(amount_minor, case.currency)
    return f"Asked for a credit of {amount}. A supervisor finds it among the approvals."


def resolve(call: ActionCall) -> str:
    services.resolve(
        case_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "Resolved."


def reject(call: ActionCall) -> str:
    services.reject(case_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now)
    return "Rejected."


def open_about_event(call: ActionCall) -> str:
    """Open a case from a round event's page; the event and its player are the page's."""
    event = event_by_pk(call.object_id)
    case = services.open_case(
        Complaint(
            player_ref=event.player_ref,
            case_type=call.fields["case_type"],
            claim=call.reason,
            provider_code=event.provider.code,
            event_id=event.event_id,
        ),
        acting_user=call.user,
        now=call.now,
    )
    link = reverse("admin:disputes_case_change", args=[case.pk])
    return format_html('Opened <a href="{}">{}</a>.', link, case.number)
