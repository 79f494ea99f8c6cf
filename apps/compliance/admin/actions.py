"""The buttons of a renewal: each one service call."""

from apps.compliance.enums import CLOSED_RENEWALS
from apps.compliance.models import Renewal
from apps.compliance.services import renewals
from apps.compliance.services.renewals import Hands, Plan
from apps.core.admin import ActionCall
from apps.providers.enums import EndKind


def is_waiting(renewal: Renewal, _user: object) -> bool:
    return renewal.state not in CLOSED_RENEWALS


def is_mine(renewal: Renewal, user: object) -> bool:
    mine = getattr(user, "pk", None) in {renewal.owner_id, renewal.deputy_id}
    return is_waiting(renewal, user) and mine


def is_takeable(renewal: Renewal, user: object) -> bool:
    return is_waiting(renewal, user) and renewal.owner_id != getattr(user, "pk", None)


def is_review(renewal: Renewal, user: object) -> bool:
    return is_waiting(renewal, user) and renewal.end_kind == EndKind.REVIEW


def acknowledge(call: ActionCall) -> str:
    renewals.acknowledge_renewal(
        renewal_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "Acknowledged. The deputy is told only if the next reminder stays unread."


def take(call: ActionCall) -> str:
    renewals.take_renewal(
        renewal_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "It is yours."


def assign(call: ActionCall) -> str:
    renewals.assign_renewal(
        renewal_id=call.object_id,
        hands=Hands(call.fields["owner"], call.fields["deputy"]),
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return "Assigned."


def plan(call: ActionCall) -> str:
    renewal = renewals.plan_renewal(
        renewal_id=call.object_id,
        plan=Plan(call.fields["due_on"], call.fields["lab_contact"]),
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return f"Planned: the new report is due on {renewal.due_on}."


def move(call: ActionCall) -> str:
    renewal = renewals.move_renewal(
        renewal_id=call.object_id,
        state=call.fields["state"],
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return f"It is now: {renewal.get_state_display()}."


def review(call: ActionCall) -> str:
    renewal = renewals.record_review(
        renewal_id=call.object_id,
        next_on=call.fields["next_on"],
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return f"Reviewed. {renewal.outcome}"


def complete(call: ActionCall) -> str:
    renewal = renewals.complete_renewal(
        renewal_id=call.object_id,
        successor_id=call.fields["successor"],
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return f"Done. {renewal.outcome}"


def decline(call: ActionCall) -> str:
    renewals.decline_renewal(
        renewal_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "Closed. Nobody is reminded of this end any more."


def note(call: ActionCall) -> str:
    renewals.add_note(
        renewal_id=call.object_id, body=call.reason, acting_user=call.user, now=call.now
    )
    return "Noted."
