"""The compartment's pages, closed to everybody who doesn't hold the role."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, override

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apps.aml import selectors, services
from apps.aml.clocks import SOURCE
from apps.aml.enums import Deed, MatterState, Suspicion
from apps.aml.home import time_left
from apps.aml.models import AccessEntry, Matter
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
from apps.players.errors import UnknownPlayerError
from apps.players.selectors import player_by_id

_TONES = {"open": "warning", "reported": "success", "closed": "neutral"}
_SHOWN = 50


def _utc_field(label: str) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
    )


class _WordsForm(ReasonForm):
    """The reason of other forms is the note here: kept encrypted, inside the compartment."""

    reason = forms.CharField(
        label="Note",
        min_length=5,
        max_length=20_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text="Facts, sources and why. Kept encrypted; read only by who holds the AML role.",
    )


class OpenMatterForm(_WordsForm):
    player_ref = forms.CharField(
        label="Player", max_length=128, widget=UnfoldAdminTextInputWidget(attrs={"size": 30})
    )
    suspicion = forms.ChoiceField(
        choices=[("", "Choose"), *Suspicion.choices], widget=UnfoldAdminSelectWidget
    )
    suspected_at = _utc_field("Suspicion formed at (UTC)")
    field_order = ["player_ref", "suspicion", "suspected_at", "reason"]


class ReportForm(_WordsForm):
    smr_reference = forms.CharField(
        label="SMR reference",
        max_length=64,
        widget=UnfoldAdminTextInputWidget,
        help_text="As the authority's portal gave it.",
    )
    lodged_at = _utc_field("Lodged at (UTC)")
    field_order = ["smr_reference", "lodged_at", "reason"]


def _add_note(call: ActionCall) -> str:
    services.add_note(matter_id=call.object_id, text=call.reason, actor=call.user, now=call.now)
    return "The note is kept."


def _report(call: ActionCall) -> str:
    services.record_report(
        matter_id=call.object_id,
        smr_reference=call.fields["smr_reference"],
        lodged_at=call.fields["lodged_at"].replace(tzinfo=UTC),
        note=call.reason,
        actor=call.user,
        now=call.now,
    )
    return "The report is on record. The matter is decided."


def _close(call: ActionCall) -> str:
    services.close_matter(matter_id=call.object_id, note=call.reason, actor=call.user, now=call.now)
    return "Closed without a report."


def _is_open(matter: Matter, _user: Any) -> bool:
    return matter.state == MatterState.OPEN


class _CompartmentAdmin[M: Model](ReadOnlyAdmin[M]):
    """Asks for the role itself: a superuser without it is as far outside as anybody."""

    @override
    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return selectors.may_enter(request.user)

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return selectors.may_enter(request.user)


@admin.register(Matter)
class MatterAdmin(AddedByServiceMixin, PanelsMixin, _CompartmentAdmin[Matter]):
    add_page = AddPage(
        title="Open an AML matter",
        question=f"The clock runs from when the suspicion was formed. {SOURCE}.",
        label="Open the matter",
    )
    list_empty_text = "No matter is open that you may see."
    list_display = [
        "number",
        "player",
        "suspicion",
        badge_column("state", _TONES),
        datetime_column("due_at", title="report due"),
        "clock",
        datetime_column("suspected_at", title="suspicion formed"),
        "opened_by",
    ]
    list_filter = [
        choice_filter("state", "state", MatterState.choices),
        choice_filter("suspicion", "suspicion", Suspicion.choices),
    ]
    list_select_related = ["player", "opened_by"]
    search_fields = ["player__player_ref__exact", "smr_reference__exact"]
    search_help_text = "Player or SMR reference, exactly"
    ordering = ["-pk"]
    fieldsets = [
        (
            "Suspicion",
            {"fields": [("player_name", "suspicion"), ("suspected_at", "due_at", "clock")]},
        ),
        (
            "Decision",
            {"fields": [("state", "decided_at", "decider"), ("smr_reference", "lodged_at")]},
        ),
    ]
    reasoned_actions = [
        ReasonedAction(
            name="report",
            label="Record the report",
            permission="aml.work_matter",
            perform=_report,
            question="The matter is decided with this and can't be reopened. After its time, say "
            "in the note why it is late.",
            tone="primary",
            is_offered=_is_open,
            form_class=ReportForm,
        ),
        ReasonedAction(
            name="note",
            label="Add a note",
            permission="aml.work_matter",
            perform=_add_note,
            form_class=_WordsForm,
        ),
        ReasonedAction(
            name="close",
            label="Close without a report",
            permission="aml.work_matter",
            perform=_close,
            question="Say why there is nothing to report. The matter can't be reopened.",
            tone="danger",
            is_offered=_is_open,
            form_class=_WordsForm,
        ),
    ]

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return selectors.may_enter(request.user)

    @override
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        _log(request, Deed.LISTED, detail=request.GET.urlencode())
        return response

    @override
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        if response.status_code == 200:
            _log(request, Deed.READ, matter_id=int(object_id))
        return response

    @override
    def new_form(self, request: HttpRequest) -> OpenMatterForm:
        return OpenMatterForm(request.POST or None, initial=_suggested(request))

    @override
    def added(self, request: HttpRequest, form: OpenMatterForm) -> Matter:
        suspected_at: datetime = form.cleaned_data["suspected_at"]
        matter = services.open_matter(
            player_ref=form.cleaned_data["player_ref"].strip(),
            suspicion=form.cleaned_data["suspicion"],
            suspected_at=suspected_at.replace(tzinfo=UTC),
            note=form.cleaned_data["reason"],
            actor=request.user,
            now=timezone.now(),
        )
        messages.success(
            request, f"{matter} is open. The report is due {matter.due_at:%Y-%m-%d %H:%M} UTC."
        )
        return matter

    @override
    def panels(self, request: HttpRequest, obj: Matter) -> Sequence[Panel]:
        return [_notes_panel(obj), _accesses_panel(obj)]

    @admin.display(description="matter", ordering="pk")
    def number(self, matter: Matter) -> str:
        return str(matter)

    @admin.display(description="clock")
    def clock(self, matter: Matter) -> SafeString | str:
        now = timezone.now()
        if matter.state != MatterState.OPEN:
            return self.empty_value_display
        return badge(time_left(matter, now), "danger" if matter.due_at <= now else "warning")

    @admin.display(description="player")
    def player_name(self, matter: Matter) -> str:
        return str(matter.player)

    @admin.display(description="decided by")
    def decider(self, matter: Matter) -> str:
        return str(matter.decided_by or self.empty_value_display)


@admin.register(AccessEntry)
class AccessEntryAdmin(_CompartmentAdmin[AccessEntry]):
    list_display = [
        "sequence",
        datetime_column("created_at", title="when"),
        "actor_name",
        "deed",
        "matter_id",
        "detail",
    ]
    list_filter = [choice_filter("deed", "deed", Deed.choices)]
    search_fields = ["matter_id__exact", "actor_name__exact"]
    search_help_text = "Matter number or user name, exactly"
    ordering = ["-sequence"]

    @override
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if self.has_view_permission(request):
            verdict = selectors.verify_access_log()
            _log(request, Deed.VERIFIED, detail=request.GET.urlencode())
            text = f"{verdict.entries:,} entries, each sealed to the one before."
            if verdict.holds:
                messages.success(request, f"The log holds: {text}")
            else:
                messages.error(
                    request, f"The log is broken at {verdict.first_bad_id}: {verdict.why}"
                )
        return super().changelist_view(request, extra_context)


def _log(
    request: HttpRequest, deed: Deed, *, matter_id: int | None = None, detail: str = ""
) -> None:
    services.record_access(
        actor=request.user, deed=deed, matter_id=matter_id, detail=detail, now=timezone.now()
    )


def _suggested(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now().astimezone(UTC)
    suggested: dict[str, Any] = {"suspected_at": f"{now:%Y-%m-%dT%H:%M}"}
    player_id = request.GET.get("player", "")
    if player_id.isdecimal() and len(player_id) < 19:
        try:
            suggested["player_ref"] = player_by_id(int(player_id)).player_ref
        except UnknownPlayerError:
            return suggested
    return suggested


def _notes_panel(matter: Matter) -> Panel:
    return Panel(
        title="Notes",
        columns=["When", "Who", "What"],
        rows=[
            [at_cell(note.created_at), str(note.written_by), note.text]
            for note in selectors.notes_of(matter.pk)
        ],
    )


def _accesses_panel(matter: Matter) -> Panel:
    return Panel(
        title="Who did what with this matter",
        note=f"The latest {_SHOWN}; reading counts.",
        columns=["When", "Who", "What"],
        rows=[
            [at_cell(one.created_at), one.actor_name, one.get_deed_display()]
            for one in selectors.accesses_of(matter.pk, limit=_SHOWN)
        ],
    )
