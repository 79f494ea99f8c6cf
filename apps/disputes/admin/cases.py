"""The case page: the claim, everything we hold about it, and what can be done."""

from collections.abc import Sequence
from datetime import UTC
from functools import partial
from typing import Any, override

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince, timeuntil

from apps.core.admin import (
    AddedByServiceMixin,
    AddPage,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    link_cell,
)
from apps.disputes import panels, services
from apps.disputes.admin import actions
from apps.disputes.contracts import Complaint
from apps.disputes.enums import CLOSED_STATES, CaseState, CaseType
from apps.disputes.evidence import evidence_of
from apps.disputes.forms import AssignForm, CreditForm, NoteForm, OpenCaseForm
from apps.disputes.models import Case
from apps.disputes.selectors import cases_awaiting_credit, overdue_cases
from apps.providers.selectors import provider_choices

_STATE_TONES = {
    "open": "warning",
    "in_review": "info",
    "credit_requested": "warning",
    "resolved": "success",
    "rejected": "neutral",
}


_FINAL = "What you write is the final decision."
_work = partial(ReasonedAction, permission="disputes.work_case")
_decide = partial(ReasonedAction, permission="disputes.close_case", is_offered=actions.is_decidable)


class WhoseFilter(admin.SimpleListFilter):
    title = "whose"
    parameter_name = "whose"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        return [
            ("mine", "Mine, not closed"),
            ("nobody", "Nobody's yet"),
            ("open", "All not closed"),
            ("overdue", "Overdue"),
            ("credit", "Credit awaits a second person"),
        ]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        waiting = queryset.exclude(state__in=CLOSED_STATES)
        chosen = {
            "mine": waiting.filter(assigned_to_id=request.user.pk),
            "nobody": waiting.filter(assigned_to__isnull=True),
            "open": waiting,
            "credit": queryset.filter(pk__in=cases_awaiting_credit().values("pk")),
            "overdue": queryset.filter(pk__in=overdue_cases(timezone.now()).values("pk")),
        }
        return chosen.get(self.value() or "", queryset)


@admin.register(Case)
class CaseAdmin(AddedByServiceMixin, PanelsMixin, ReadOnlyAdmin[Case]):
    add_page = AddPage(
        title="Open a dispute",
        question="The clocks start now: 24 hours to acknowledge, 8 weeks to decide.",
        label="Open dispute",
    )
    list_empty_text = "No dispute is open."
    list_display = [
        "number",
        badge_column("state", _STATE_TONES),
        "case_type",
        "player",
        "event",
        "assigned_to",
        datetime_column("received_at", title="received"),
        "due",
    ]
    list_filter = [
        WhoseFilter,
        choice_filter("state", "state", CaseState.choices),
        choice_filter("case_type", "type", CaseType.choices),
        choice_filter("provider_id", "provider", provider_choices),
    ]
    list_select_related = ["player", "provider", "assigned_to"]
    search_fields = ["number__exact", "player__player_ref__exact", "event_id__exact"]
    search_help_text = "Case, player or round event, exactly"
    ordering = ["-pk"]
    readonly_fields = ["state_now", "due", "event", "player_link"]
    fieldsets = [
        (
            "Claim",
            {
                "fields": [
                    ("number", "state_now", "due"),
                    ("player_link", "event", "round_ref"),
                    "case_type",
                    "claim",
                ]
            },
        ),
    ]
    reasoned_actions = [
        _work(
            name="take",
            label="Take this case",
            perform=actions.take,
            form_class=actions.OptionalNoteForm,
            tone="primary",
            is_offered=actions.is_free,
        ),
        _work(
            name="acknowledge",
            label="Acknowledge",
            perform=actions.acknowledge,
            question="Say when and how the player was told that we have the complaint.",
            is_offered=actions.is_unacknowledged,
        ),
        _work(
            name="credit",
            label="Request credit",
            perform=actions.request_credit,
            question="A second person must agree. Then it becomes a correction in the ledger, "
            "linked to the disputed event, and the case is resolved.",
            tone="primary",
            form_class=CreditForm,
            is_offered=actions.is_creditable,
        ),
        _work(name="note", label="Add note", perform=actions.add_note, form_class=NoteForm),
        _work(
            name="assign",
            label="Assign",
            perform=actions.assign,
            form_class=AssignForm,
            is_offered=actions.is_waiting,
        ),
        _decide(
            name="resolve",
            label="Resolve without money",
            perform=actions.resolve,
            question=f"For the player or by agreement. {_FINAL}",
        ),
        _decide(
            name="reject",
            label="Reject claim",
            perform=actions.reject,
            question=f"Against the player. {_FINAL}",
            tone="danger",
        ),
    ]

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("disputes.open_case")

    @override
    def new_form(self, request: HttpRequest) -> OpenCaseForm:
        """Fields can be filled from the address."""
        return OpenCaseForm(request.POST or None, initial=request.GET.dict())

    @override
    def added(self, request: HttpRequest, form: Any) -> Case:
        complaint = Complaint(**form.cleaned_data)
        case = services.open_case(complaint, acting_user=request.user, now=timezone.now())
        messages.success(request, f"Opened {case.number}.")
        return case

    @admin.display(description="state")
    def state_now(self, case: Case) -> Any:
        return badge(case.get_state_display(), _STATE_TONES[case.state])

    @admin.display(description="decision due", ordering="decide_by")
    def due(self, case: Case) -> Any:
        now = timezone.now()
        if case.state in CLOSED_STATES:
            return "closed"
        if case.decide_by < now:
            return badge(f"overdue by {timesince(case.decide_by, now, depth=1)}", "danger")
        if case.acknowledged_at is None:
            late = case.acknowledge_by < now
            left = "late" if late else f"in {timeuntil(case.acknowledge_by, now)}"
            return badge(f"acknowledge {left}", "danger" if late else "warning")
        day = f"{case.decide_by.astimezone(UTC):%Y-%m-%d} UTC"
        return f"{day}, in {timeuntil(case.decide_by, now, depth=1)}"

    @admin.display(description="round event", ordering="event_id")
    def event(self, case: Case) -> str:
        return f"{case.provider}: {case.event_id}" if case.provider else "-"

    @admin.display(description="player")
    def player_link(self, case: Case) -> Any:
        return link_cell(reverse("admin:players_player_change", args=[case.player_id]), case.player)

    @override
    def panels(self, request: HttpRequest, obj: Case) -> Sequence[Panel]:
        return panels.panels_of(obj, evidence_of(obj))
