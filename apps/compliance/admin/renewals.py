"""Renewals: what ends, who has it, how far it is, and what to do next."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date
from functools import partial
from typing import Any, override

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.compliance.admin import actions
from apps.compliance.admin.duties import ROLE_TONES, about, mailed
from apps.compliance.enums import CLOSED_RENEWALS, RenewalState
from apps.compliance.forms import (
    AcknowledgeForm,
    HandsForm,
    MoveForm,
    NoteForm,
    OpenRenewalForm,
    PlanForm,
    ReviewForm,
    SuccessorForm,
)
from apps.compliance.models import Renewal
from apps.compliance.selectors.cells import main_reason
from apps.compliance.selectors.renewals import (
    WHOSE,
    WORK,
    filter_whose,
    notes_of,
    reminders_of,
)
from apps.compliance.services.renewals import open_renewal
from apps.core.admin import (
    AddedByServiceMixin,
    AddPage,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    at_cell,
    badge,
    badge_column,
    choice_filter,
    display_at,
    link_cell,
)
from apps.core.counting import counted
from apps.providers.selectors import provider_codes
from apps.providers.selectors.coverage import CoverageCell
from apps.providers.selectors.ends import judged_on, remains_of
from apps.providers.selectors.lapses import End

STATE_TONES = {
    "open": "warning",
    "requested": "info",
    "in_test": "info",
    "received": "warning",
    "done": "success",
    "reviewed": "success",
    "wont_renew": "neutral",
}
_SOON_DAYS = 30
_MAX_OFFERS = 20

_work = partial(ReasonedAction, permission=WORK, is_offered=actions.is_waiting)


def today() -> date:
    return timezone.now().astimezone(UTC).date()


class WhoseFilter(admin.SimpleListFilter):
    title = "whose"
    parameter_name = "whose"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> Iterable[tuple[str, str]]:
        return WHOSE

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Renewal]) -> QuerySet[Renewal]:
        return filter_whose(queryset, self.value() or "", request.user, today())


@admin.register(Renewal)
class RenewalAdmin(AddedByServiceMixin, PanelsMixin, ReadOnlyAdmin[Renewal]):
    """Adding opens a renewal by hand; everything else is a button."""

    add_page = AddPage(
        title="Plan a renewal",
        question="The daily check opens one by itself 90 days before an end.",
        label="Open renewal",
    )
    list_empty_text = "No renewal is planned. Each reminder opens one; you may plan one earlier."
    list_display = [
        "report",
        badge_column("state", STATE_TONES),
        "due",
        "ends",
        "provider",
        "owner",
        "deputy",
        "lab",
    ]
    list_filter = [
        WhoseFilter,
        choice_filter("state", "state", RenewalState.choices),
        choice_filter("certificate__provider_code", "provider", provider_codes),
    ]
    list_select_related = ["certificate__lab", "successor", "owner", "deputy"]
    search_fields = ["certificate__report_number__exact", "successor__report_number__exact"]
    search_help_text = "Report number, exactly"
    ordering = ["due_on", "pk"]
    readonly_fields = ["report_link", "state_now", "due", "ends", "successor_link"]
    fieldsets = [
        (
            "Renewal",
            {
                "fields": [
                    ("report_link", "state_now", "successor_link"),
                    ("due", "ends"),
                    ("owner", "deputy"),
                    "lab_contact",
                ]
            },
        ),
    ]
    reasoned_actions = [
        _work(
            name="acknowledge",
            label="Acknowledge",
            perform=actions.acknowledge,
            question="You have read the reminders so far and are on it.",
            form_class=AcknowledgeForm,
            tone="primary",
            is_offered=actions.is_mine,
        ),
        _work(
            name="take",
            label="Take it",
            perform=actions.take,
            form_class=AcknowledgeForm,
            tone="primary",
            is_offered=actions.is_takeable,
        ),
        _work(
            name="move",
            label="Move on",
            perform=actions.move,
            question="How far it is: open, requested at the lab, in test, report received.",
            form_class=MoveForm,
            tone="primary",
        ),
        _work(name="plan", label="Plan", perform=actions.plan, form_class=PlanForm),
        _work(name="assign", label="Assign", perform=actions.assign, form_class=HandsForm),
        _work(
            name="review",
            label="Reviewed, next on ...",
            perform=actions.review,
            question="Somebody looked at the report again and it holds. The renewal is over; the "
            "next review is reminded of in its turn.",
            form_class=ReviewForm,
            tone="primary",
            is_offered=actions.is_review,
        ),
        _work(
            name="complete",
            label="Done: link the new certificate",
            perform=actions.complete,
            question="A later revision of the same report closes the renewal by itself within "
            "five minutes. Link a report with a new number here.",
            form_class=SuccessorForm,
        ),
        ReasonedAction(
            name="note",
            label="Add note",
            permission=WORK,
            perform=actions.note,
            form_class=NoteForm,
        ),
        _work(
            name="decline",
            label="Won't renew",
            perform=actions.decline,
            question="What the certificate alone covers can't be launched after it ends, and "
            "nobody is reminded of this end any more. Withdraw the offers, or say what "
            "replaces them.",
            tone="danger",
        ),
    ]

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(WORK)

    @override
    def new_form(self, request: HttpRequest) -> OpenRenewalForm:
        """Return the form; the certificate can come from the address."""
        return OpenRenewalForm(request.POST or None, initial=request.GET.dict())

    @override
    def added(self, request: HttpRequest, form: OpenRenewalForm) -> Renewal:
        renewal = open_renewal(
            certificate_id=int(form.cleaned_data["certificate"]),
            acting_user=request.user,
            reason=form.cleaned_data["reason"],
            now=timezone.now(),
        )
        messages.success(request, f"Opened the renewal of {renewal.certificate}.")
        return renewal

    @admin.display(description="report", ordering="certificate__report_number")
    def report(self, renewal: Renewal) -> str:
        return str(renewal.certificate)

    @admin.display(description="certificate")
    def report_link(self, renewal: Renewal) -> SafeString:
        page = reverse("admin:providers_certificate_change", args=[renewal.certificate_id])
        return link_cell(page, renewal.certificate)

    @admin.display(description="replaced by")
    def successor_link(self, renewal: Renewal) -> SafeString | str:
        if renewal.successor is None:
            return "nothing yet"
        page = reverse("admin:providers_certificate_change", args=[renewal.successor_id])
        return link_cell(page, renewal.successor)

    @admin.display(description="state")
    def state_now(self, renewal: Renewal) -> SafeString:
        return badge(renewal.get_state_display(), STATE_TONES[renewal.state])

    @admin.display(description="new report due", ordering="due_on")
    def due(self, renewal: Renewal) -> SafeString | str:
        if renewal.state in CLOSED_RENEWALS:
            return str(renewal.due_on)
        return days_badge(renewal.due_on, today())

    @admin.display(description="certificate ends")
    def ends(self, renewal: Renewal) -> str:
        return f"{renewal.get_end_kind_display().lower()} {renewal.ends_on}"

    @admin.display(description="provider", ordering="certificate__provider_code")
    def provider(self, renewal: Renewal) -> str:
        return renewal.certificate.provider_code

    @admin.display(description="lab")
    def lab(self, renewal: Renewal) -> str:
        return str(renewal.certificate.lab)

    @override
    def panels(self, request: HttpRequest, obj: Renewal) -> Sequence[Panel]:
        left = [] if obj.state in CLOSED_RENEWALS else [_left_panel(obj)]
        return [*left, _reminders_panel(obj), _trail_panel(obj)]


def days_badge(day: date, on: date) -> SafeString:
    """Say a day and how far it is, toned by how near."""
    days = (day - on).days
    if days < 0:
        return badge(f"{day}, {counted(-days, 'day')} ago", "danger")
    text = "today" if days == 0 else f"in {counted(days, 'day')}"
    tone = "danger" if days <= _SOON_DAYS // 2 else "warning" if days <= _SOON_DAYS else "neutral"
    return badge(f"{day}, {text}", tone)


def _left_panel(renewal: Renewal) -> Panel:
    end = End(renewal.certificate_id, renewal.end_kind, renewal.ends_on)
    day, offers = judged_on(end, today()), remains_of([end], today())[end].offers
    return Panel(
        title="What hangs on it",
        note=f"{counted(len(offers), 'offer')}, judged on {day} in each jurisdiction, with every "
        f"report on file. At most {_MAX_OFFERS} are shown.",
        columns=["Game", "Jurisdiction", "On that day"],
        rows=[
            [cell.game_code, cell.jurisdiction, _standing_of(cell)] for cell in offers[:_MAX_OFFERS]
        ],
        empty_text="No offer: what it names is covered by other reports, or not on offer.",
    )


def _standing_of(cell: CoverageCell) -> SafeString:
    if cell.cover.allowed:
        return badge("covered by this report", "info")
    return badge(main_reason(cell.cover.reasons).text, "danger")


def _reminders_panel(renewal: Renewal) -> Panel:
    return Panel(
        title="Reminders",
        columns=["About", "To", "As", "Written", "Mailed"],
        rows=[
            [
                about(reminder),
                str(reminder.recipient),
                badge(reminder.get_role_display(), ROLE_TONES[reminder.role]),
                at_cell(reminder.created_at),
                mailed(reminder),
            ]
            for reminder in reminders_of(renewal)
        ],
        note=f"Acknowledged {display_at(renewal.acknowledged_at)}."
        if renewal.acknowledged_at
        else "",
        empty_text="Nobody was reminded yet. That happens 90, 60, 30, 14, 7 and 1 days before the "
        "end, and when it is past.",
    )


def _trail_panel(renewal: Renewal) -> Panel:
    return Panel(
        title="What was done",
        note="Only ever added to.",
        columns=["When", "Who", "Step", "Words"],
        rows=[
            [
                at_cell(note.created_at),
                str(note.author or "Pitboss"),
                note.get_kind_display(),
                note.body,
            ]
            for note in notes_of(renewal)
        ],
    )
