"""The key-event drafter: what happened, for whom to read, and how long is left."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, override

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apps.compliance.enums import KeyEventKind, KeyEventState
from apps.compliance.models import LONGEST_DETAIL, KeyEvent
from apps.compliance.services import key_events
from apps.compliance.services.key_events import KeyEventText
from apps.core.admin import (
    ActionCall,
    AddedByServiceMixin,
    AddPage,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    ReasonForm,
    at_cell,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
)
from apps.core.working_days import GREAT_BRITAIN

_TONES = {"draft": "warning", "submitted": "success"}


class KeyEventForm(forms.Form):
    """What the regulator will read."""

    kind = forms.ChoiceField(choices=KeyEventKind.choices, widget=UnfoldAdminSelectWidget)
    title = forms.CharField(max_length=150, widget=UnfoldAdminTextInputWidget)
    detail = forms.CharField(
        max_length=LONGEST_DETAIL,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10, "maxlength": LONGEST_DETAIL}),
        help_text=f"At most {LONGEST_DETAIL:,} characters, as in the regulator's own box, the "
        "reason for being late included. No more can be typed.",
    )
    late_reason = forms.CharField(
        label="Why it is late",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Only where the clock has run out: then it is needed.",
    )

    def text(self) -> KeyEventText:
        data = self.cleaned_data
        return KeyEventText(
            KeyEventKind(data["kind"]), data["title"], data["detail"], data["late_reason"]
        )


class NewKeyEventForm(KeyEventForm):
    """And when the clock began."""

    aware_at = forms.DateTimeField(
        label="Aware since (UTC)",
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text="Five working days of Great Britain run from that day. It can't be moved later.",
    )
    field_order = ["kind", "title", "aware_at", "detail", "late_reason"]


class EditForm(ReasonForm, KeyEventForm):
    """Opens with the draft as it stands, so that a word is changed and not all of it typed anew."""

    field_order = ["kind", "title", "detail", "late_reason", "reason"]

    @override
    def fit(self, obj: KeyEvent) -> None:
        for name in ("kind", "title", "detail", "late_reason"):
            self.fields[name].initial = getattr(obj, name)


class SubmitForm(ReasonForm):
    reference = forms.CharField(
        label="Regulator's reference",
        max_length=100,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    field_order = ["reference", "reason"]


def _edit(call: ActionCall) -> str:
    fields = call.fields
    text = KeyEventText(
        KeyEventKind(fields["kind"]), fields["title"], fields["detail"], fields["late_reason"]
    )
    key_events.edit_key_event(
        call.object_id, text, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "The draft is changed."


def _submit(call: ActionCall) -> str:
    key_events.submit_key_event(
        call.object_id,
        reference=call.fields["reference"],
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return "Recorded as submitted."


def _is_draft(event: KeyEvent, _user: Any) -> bool:
    return event.state == KeyEventState.DRAFT


def time_left(event: KeyEvent, now: datetime) -> tuple[str, str]:
    """Return how much of the clock is left, in words, and its tone."""
    today, last = GREAT_BRITAIN.day_of(now), GREAT_BRITAIN.day_of(event.due_at)
    if now >= event.due_at:
        return "late, with its reason" if event.late_reason else "late: say why", "danger"
    # The clock runs out as the day before that midnight ends.
    days = GREAT_BRITAIN.working_days_until(today, last) - GREAT_BRITAIN.is_working_day(last)
    text = "today" if days <= 0 else f"{days} working day{'s' if days > 1 else ''} left"
    return text, "danger" if days <= 1 else "warning"


@admin.register(KeyEvent)
class KeyEventAdmin(AddedByServiceMixin, PanelsMixin, ReadOnlyAdmin[KeyEvent]):
    add_page = AddPage(
        title="Draft a key event",
        question="The clock runs from the day somebody here became aware.",
        label="Draft",
    )
    list_empty_text = (
        "No key event was drafted. The clock of five working days runs from the day on which "
        "somebody became aware, drafted or not."
    )
    list_display = [
        "title",
        "kind",
        badge_column("state", _TONES),
        "left",
        datetime_column("due_at", title="due before"),
        datetime_column("submitted_at", title="submitted"),
        "reference",
    ]
    list_filter = [
        choice_filter("state", "state", KeyEventState.choices),
        choice_filter("kind", "kind", KeyEventKind.choices),
    ]
    search_fields = ["reference__exact", "title__exact"]
    search_help_text = "Reference or title, exactly"
    ordering = ["-aware_at", "-pk"]
    fieldsets = [
        ("Event", {"fields": [("title", "kind", "state"), "detail", "late_reason"]}),
        ("Clock", {"fields": [("aware_at", "due_at", "left", "reminded_at")]}),
        ("Submitted", {"fields": [("submitted_at", "submitted_by", "reference")]}),
    ]
    readonly_fields = ["left"]
    reasoned_actions = [
        ReasonedAction(
            name="edit",
            label="Change the draft",
            permission=key_events.DRAFT,
            perform=_edit,
            form_class=EditForm,
            is_offered=_is_draft,
        ),
        ReasonedAction(
            name="submit",
            label="Record as submitted",
            permission=key_events.SUBMIT,
            perform=_submit,
            question="Submit it on the regulator's own pages first. What is recorded here can't "
            "be changed afterwards.",
            form_class=SubmitForm,
            tone="primary",
            is_offered=_is_draft,
        ),
    ]

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(key_events.DRAFT)

    @override
    def new_form(self, request: HttpRequest) -> NewKeyEventForm:
        return NewKeyEventForm(request.POST or None)

    @override
    def added(self, request: HttpRequest, form: NewKeyEventForm) -> KeyEvent:
        event = key_events.draft_key_event(
            form.text(),
            aware_at=form.cleaned_data["aware_at"],
            acting_user=request.user,
            now=timezone.now(),
        )
        messages.success(request, "Drafted.")
        return event

    @admin.display(description="time left")
    def left(self, event: KeyEvent) -> Any:
        if event.state == KeyEventState.SUBMITTED:
            late = event.submitted_at is not None and event.submitted_at >= event.due_at
            return badge("submitted late" if late else "in time", "warning" if late else "success")
        return badge(*time_left(event, timezone.now()))

    @override
    def panels(self, request: HttpRequest, obj: KeyEvent) -> Sequence[Panel]:
        whole = "\n".join(part for part in (obj.detail, obj.late_reason) if part)
        return [
            Panel(
                title="For the regulator's box",
                note=f"{len(whole):,} of {LONGEST_DETAIL:,} characters.",
                code=whole,
            ),
            Panel(
                title="How the clock counts",
                note="LCCP information requirements: within 5 working days of becoming aware; "
                "English bank holidays don't count. Times are UTC.",
                rows=[["Drafted by", f"{obj.drafted_by}"], ["Drafted", at_cell(obj.drafted_at)]],
            ),
        ]
