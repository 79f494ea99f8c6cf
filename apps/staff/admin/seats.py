"""Who lets auditors in and until when, and what they opened."""

from datetime import UTC, datetime, timedelta
from typing import Any, override

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.core.admin import (
    ActionCall,
    FormPage,
    ReadOnlyAdmin,
    ReasonedAction,
    ReasonForm,
    RefusalShownIn,
    badge,
    datetime_column,
    recent_filter,
)
from apps.staff import selectors, services
from apps.staff.models import AuditorLookUp, AuditorSeat


def _auditors() -> list[tuple[int, str]]:
    return [(one.pk, str(one)) for one in selectors.auditors()]


def _utc_field(label: str) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
    )


class SeatForm(ReasonForm):
    person = forms.TypedChoiceField(
        label="Auditor", choices=_auditors, coerce=int, widget=UnfoldAdminSelectWidget
    )
    starts_at = _utc_field("From (UTC)")
    ends_at = _utc_field("Until (UTC)")
    field_order = ["person", "starts_at", "ends_at", "reason"]


def _revoke(call: ActionCall) -> str:
    services.revoke_seat(
        seat_id=call.object_id, reason=call.reason, acting_user=call.user, now=call.now
    )
    return "Revoked. The next page that the auditor opens signs them out."


@admin.register(AuditorSeat)
class AuditorSeatAdmin(ReadOnlyAdmin[AuditorSeat]):
    list_empty_text = "No auditor has a seat. Give one for the time that the audit takes."
    list_display = [
        "person",
        "standing",
        datetime_column("starts_at", title="from"),
        datetime_column("ends_at", title="until"),
        "purpose",
        "granted_by",
        datetime_column("granted_at", title="granted"),
    ]
    list_select_related = ["person", "granted_by"]
    ordering = ["-pk"]
    reasoned_actions = [
        ReasonedAction(
            name="revoke",
            label="Revoke",
            permission="staff.revoke_auditorseat",
            perform=_revoke,
            question="The auditor is signed out at their next page. It can't be taken back.",
            tone="danger",
            is_offered=lambda seat, _user: seat.revoked_at is None,
        )
    ]

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("staff.add_auditorseat")

    @admin.display(description="standing")
    def standing(self, seat: AuditorSeat) -> SafeString:
        now = timezone.now()
        if seat.revoked_at is not None:
            return badge("revoked", "danger")
        if seat.ends_at <= now:
            return badge("over", "neutral")
        return badge("open", "success") if seat.starts_at <= now else badge("to come", "info")

    @override
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        now = timezone.now().astimezone(UTC)
        suggested = {
            "starts_at": f"{now:%Y-%m-%dT%H:%M}",
            "ends_at": f"{now + timedelta(days=14):%Y-%m-%dT%H:%M}",
        }
        form = SeatForm(request.POST or None, initial=suggested)
        if request.method == "POST" and form.is_valid() and self._grant(request, form):
            return HttpResponseRedirect(reverse("admin:staff_auditorseat_changelist"))
        page = FormPage(
            title="Give an auditor a seat",
            question="They read everything but the AML compartment, change nothing, and "
            "every page they open is logged. At most 92 days.",
            label="Give the seat",
            back_url=reverse("admin:staff_auditorseat_changelist"),
        )
        return page.show(request, self, form)

    def _grant(self, request: HttpRequest, form: SeatForm) -> bool:
        fields: dict[str, Any] = form.cleaned_data
        starts_at: datetime = fields["starts_at"]
        ends_at: datetime = fields["ends_at"]
        with RefusalShownIn(form):
            services.grant_seat(
                person_id=fields["person"],
                starts_at=starts_at.replace(tzinfo=UTC),
                ends_at=ends_at.replace(tzinfo=UTC),
                purpose=fields["reason"],
                acting_user=request.user,
                now=timezone.now(),
            )
            messages.success(request, "The seat is given.")
            return True
        return False


@admin.register(AuditorLookUp)
class AuditorLookUpAdmin(ReadOnlyAdmin[AuditorLookUp]):
    list_empty_text = "No auditor has opened a page."
    list_display = [
        "sequence",
        datetime_column("created_at", title="when"),
        "person_name",
        "path",
        "query",
        "status",
        "seat_id",
    ]
    list_filter = [recent_filter("created_at", "when")]
    search_fields = ["person_name__exact", "path__exact", "seat_id__exact"]
    search_help_text = "User name, path or seat number, exactly"
    list_before_template = "admin/look_up_note.html"
    ordering = ["-id"]
