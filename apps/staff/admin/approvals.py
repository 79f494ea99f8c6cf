"""Where the second person sees exactly what they agree to."""

import re
from datetime import datetime
from typing import Any, Final, override

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.admin import (
    ActionCall,
    ReadOnlyAdmin,
    ReasonedAction,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    display_at,
    recent_filter,
)
from apps.core.canonical import content_hash
from apps.core.money import EXPONENTS, display_money
from apps.staff import selectors, services
from apps.staff.approvals import approval_kind, registered_kinds
from apps.staff.enums import ApprovalState
from apps.staff.errors import UnknownApprovalKindError
from apps.staff.models import Approval

# A moment as services write it into what the hash binds; people read it in UTC.
_MOMENT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII
)
_TONES = {
    ApprovalState.PENDING: "warning",
    ApprovalState.EXECUTED: "success",
    ApprovalState.REJECTED: "danger",
    ApprovalState.CANCELLED: "neutral",
    ApprovalState.VOID: "danger",
    ApprovalState.EXPIRED: "neutral",
}


_NOT_EXECUTED: Final = {ApprovalState.VOID, ApprovalState.EXPIRED}


def _approve(call: ActionCall) -> str:
    services.approve(approval_id=call.object_id, user=call.user, reason=call.reason, now=call.now)
    return "Approved and executed."


def _reject(call: ActionCall) -> str:
    services.reject(approval_id=call.object_id, user=call.user, reason=call.reason, now=call.now)
    return "Rejected. Nothing was executed."


def _cancel(call: ActionCall) -> str:
    services.cancel(approval_id=call.object_id, user=call.user, reason=call.reason, now=call.now)
    return "Cancelled. Nothing was executed."


def _is_decidable(approval: Approval, user: Any) -> bool:
    try:
        permission = approval_kind(approval.kind).permission
    except UnknownApprovalKindError:
        return False
    return (
        approval.state == ApprovalState.PENDING
        and approval.requested_by_id != user.pk
        and user.has_perm(permission)
    )


def _is_own(approval: Approval, user: Any) -> bool:
    return approval.state == ApprovalState.PENDING and approval.requested_by_id == user.pk


class WhoseFilter(admin.SimpleListFilter):
    title = "whose"
    parameter_name = "whose"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        return [("awaiting", "Awaiting my decision"), ("mine", "Asked by me, pending")]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Approval]) -> QuerySet[Approval]:
        match self.value():
            case "awaiting":
                return selectors.pending_for(queryset, request.user)
            case "mine":
                return selectors.pending_of(queryset, request.user)
            case _:
                return queryset


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin[Approval]):
    list_empty_text = "Nothing was asked of a second person."
    list_display = [
        "title",
        badge_column("state", dict(_TONES.items())),
        "kind_label",
        "requested_by",
        datetime_column("requested_at", title="requested"),
        "decided_by",
        datetime_column("decided_at", title="decided"),
    ]
    list_filter = [
        WhoseFilter,
        choice_filter("state", "state", ApprovalState.choices),
        choice_filter(
            "kind", "kind", lambda: [(kind.kind, kind.label) for kind in registered_kinds()]
        ),
        recent_filter("requested_at", "requested"),
    ]
    list_select_related = ["requested_by", "decided_by"]
    search_fields = ["subject__exact", "payload_hash__exact"]
    search_help_text = "Subject or content hash, exactly"
    ordering = ["-requested_at", "-pk"]
    fieldsets = [
        (
            "What you decide on",
            {"fields": ["standing", "title", "content", "payload_hash", "hash_holds"]},
        ),
        (
            "Asked",
            {"fields": ["asked_by", "requested_at", "expires", "request_reason", "asked_with"]},
        ),
        (
            "Decided",
            {"fields": ["decider", "decided_at", "decision_reason", "outcome"]},
        ),
    ]
    reasoned_actions = [
        ReasonedAction(
            name="approve",
            label="Approve and execute",
            permission="staff.view_approval",
            perform=_approve,
            question="It is executed at once, exactly as shown, and can't be taken back here.",
            tone="primary",
            is_offered=_is_decidable,
        ),
        ReasonedAction(
            name="reject",
            label="Reject",
            permission="staff.view_approval",
            perform=_reject,
            question="Nothing is executed. The requester sees your reason.",
            tone="danger",
            is_offered=_is_decidable,
        ),
        ReasonedAction(
            name="cancel",
            label="Cancel my request",
            permission="staff.view_approval",
            perform=_cancel,
            question="Nothing is executed.",
            is_offered=_is_own,
        ),
    ]

    @admin.display(description="kind", ordering="kind")
    def kind_label(self, approval: Approval) -> str:
        try:
            return approval_kind(approval.kind).label
        except UnknownApprovalKindError:
            return approval.kind

    @admin.display(description="content")
    def content(self, approval: Approval) -> SafeString:
        return payload_table(approval.payload)

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Approval | None = None) -> Any:
        """Say what was asked and what came of it once nobody decides any more."""
        what, asked, decided = super().get_fieldsets(request, obj)
        if obj is None or obj.state == ApprovalState.PENDING:
            return [what, asked]
        fields = [name for name in asked[1]["fields"] if name != "expires"]
        return [("What was asked", what[1]), (asked[0], {"fields": fields}), decided]

    @admin.display(description="state")
    def standing(self, approval: Approval) -> SafeString:
        shown = badge(approval.get_state_display(), _TONES[ApprovalState(approval.state)])
        if approval.state not in _NOT_EXECUTED:
            return shown
        return format_html("{} Nothing was executed. Ask anew where it is still wanted.", shown)

    # Text, not Django's link to the account: most people may not open accounts.
    @admin.display(description="requested by")
    def asked_by(self, approval: Approval) -> str:
        return str(approval.requested_by)

    @admin.display(description="expires undecided")
    def expires(self, approval: Approval) -> str:
        return display_at(selectors.expiry_of(approval))

    @admin.display(description="decided by")
    def decider(self, approval: Approval) -> str:
        return str(approval.decided_by or self.empty_value_display)

    @admin.display(description="content is as requested", boolean=True)
    def hash_holds(self, approval: Approval) -> bool:
        return content_hash(approval.payload) == approval.payload_hash

    @admin.display(description="outcome")
    def outcome(self, approval: Approval) -> SafeString | str:
        if approval.result is None:
            return self.empty_value_display
        return payload_table(approval.result)


def payload_table(payload: Any) -> SafeString:
    """Show plain JSON as a table of labels and values, every value escaped and none left out."""
    if not isinstance(payload, dict):
        return _value(payload, "", {})
    rows = format_html_join(
        "",
        "<tr><th scope='row'>{}</th><td>{}</td></tr>",
        ((_label(name), _value(value, name, payload)) for name, value in payload.items()),
    )
    return format_html("<table class='pb-table'>{}</table>", rows)


def _label(name: str) -> str:
    label = name.removesuffix("_minor").replace("_", " ").strip().capitalize() or "(no name)"
    return label.replace("Sha256", "SHA-256")


def _value(value: Any, name: str, around: dict[str, Any]) -> SafeString:
    if isinstance(value, dict):
        return payload_table(value)
    if isinstance(value, list):
        items = format_html_join("", "<li>{}</li>", ((_value(v, name, around),) for v in value))
        return format_html("<ul>{}</ul>", items)
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return format_html("{}", display_at(datetime.fromisoformat(value)))
    return format_html("{}", _text(value, name, str(around.get("currency", ""))))


def _text(value: Any, name: str, currency: str) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int() if name.endswith("_minor") and currency in EXPONENTS:
            # Both: the amount people mean, and the number that the hash binds.
            return f"{display_money(value, currency)} ({value} minor units)"
        case None | "":
            return "(empty)"
        case _:
            return str(value)
