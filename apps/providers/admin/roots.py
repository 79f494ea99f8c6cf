"""The roots that vouch for laboratories' signatures: uploaded, compared, trusted, withdrawn."""

from collections.abc import Sequence
from typing import Any, override

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget

from apps.core.admin import (
    ActionCall,
    FormPage,
    Panel,
    PanelsMixin,
    ReasonedAction,
    UploadWidget,
    VersionedAdmin,
    at_cell,
    badge_column,
    choice_filter,
    datetime_column,
    display_at,
    link_cell,
    signed_in,
)
from apps.core.errors import DomainError
from apps.core.sizes import display_size
from apps.providers.enums import RootState
from apps.providers.models import Lab, TrustedRoot
from apps.providers.services.root_proposals import ROOT, propose_decision, root_subject
from apps.providers.services.trust import MAX_PEM_BYTES, upload_root
from apps.staff.enums import ApprovalState
from apps.staff.selectors import approvals_of_subject, is_pending


class RootForm(forms.Form):
    lab = forms.ModelChoiceField(
        label="Laboratory",
        queryset=Lab.objects.order_by("name", "pk"),
        widget=UnfoldAdminSelectWidget(),
        help_text="A laboratory is on file once a report of it is registered.",
    )
    file = forms.FileField(
        label="Root certificate (PEM)",
        widget=UploadWidget(MAX_PEM_BYTES, accept=".pem,.crt,.cer"),
        help_text=f"One certificate of an authority, at most {display_size(MAX_PEM_BYTES)}.",
        max_length=255,
    )


def _ask(call: ActionCall, wanted: RootState) -> str:
    approval_id = propose_decision(
        root_id=call.object_id,
        wanted=wanted,
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    return f"A second person can approve it (approval {approval_id}). Until then nothing changes."


def _trust(call: ActionCall) -> str:
    return _ask(call, RootState.TRUSTED)


def _withdraw(call: ActionCall) -> str:
    return _ask(call, RootState.WITHDRAWN)


def _is_asked(root: TrustedRoot) -> bool:
    return is_pending(ROOT, root_subject(root.pk))


def _take(request: HttpRequest, form: RootForm) -> TrustedRoot | None:
    file = form.cleaned_data["file"]
    try:
        return upload_root(
            lab=form.cleaned_data["lab"],
            name=file.name,
            data=file.read(MAX_PEM_BYTES + 1),
            acting_user=signed_in(request),
            now=timezone.now(),
        )
    except DomainError as refusal:
        form.add_error("file", forms.ValidationError(str(refusal), code=refusal.code))
    return None


@admin.register(TrustedRoot)
class TrustedRootAdmin(PanelsMixin, VersionedAdmin[TrustedRoot]):
    list_empty_text = (
        "No laboratory's root is on file, so no signature can be proven valid. Upload the PEM file "
        "that the laboratory publishes."
    )
    list_display = [
        "subject",
        "lab",
        badge_column(
            "state",
            {
                RootState.TRUSTED: "success",
                RootState.PROPOSED: "warning",
                RootState.WITHDRAWN: "neutral",
            },
        ),
        "short_fingerprint",
        datetime_column("not_after", title="valid until"),
        "decided_by_whom",
    ]
    list_filter = [choice_filter("state", "state", RootState.choices)]
    list_select_related = ["lab", "requested_by", "decided_by"]
    search_fields = ["fingerprint__exact", "lab__name__exact"]
    search_help_text = "Fingerprint or laboratory, exactly"
    ordering = ["lab__name", "pk"]
    reasoned_actions = [
        ReasonedAction(
            name="trust",
            label="Ask to trust this root",
            permission="providers.register_certificate",
            perform=_trust,
            question="Compare the SHA-256 fingerprint with the laboratory first, over a channel "
            "that the documents did not come by. Once a second person agrees, its documents are "
            "judged again.",
            tone="primary",
            is_offered=lambda obj, _user: obj.state != RootState.TRUSTED and not _is_asked(obj),
        ),
        ReasonedAction(
            name="withdraw",
            label="Ask to withdraw trust",
            permission="providers.register_certificate",
            perform=_withdraw,
            question="Once a second person agrees, signatures under this root no longer count; its "
            "documents are judged again.",
            tone="danger",
            is_offered=lambda obj, _user: obj.state != RootState.WITHDRAWN and not _is_asked(obj),
        ),
    ]

    @admin.display(description="SHA-256 fingerprint", ordering="fingerprint")
    def short_fingerprint(self, root: TrustedRoot) -> str:
        return f"{root.fingerprint[:16]}..."

    @admin.display(description="asked and agreed by")
    def decided_by_whom(self, root: TrustedRoot) -> str:
        if root.approval_id is not None:
            return f"{root.requested_by}, {root.decided_by}"
        if root.decided_at is not None:
            return str(root.decided_by or "at the command line")
        return self.empty_value_display

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("providers.register_certificate")

    @override
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RootForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            root = _take(request, form)
            if root is not None:
                return redirect("admin:providers_trustedroot_change", root.pk)
        page = FormPage(
            title="Upload a laboratory's root",
            question="The certificate of the authority that issues the laboratory's signing keys. "
            "It counts for nothing until its fingerprint was compared and two people trust it.",
            label="Import",
            back_url=reverse("admin:providers_trustedroot_changelist"),
        )
        return page.show(request, self, form, status=400 if form.errors else 200)

    @override
    def get_fields(self, request: HttpRequest, obj: TrustedRoot | None = None) -> Any:
        return [
            "lab",
            "subject",
            "fingerprint",
            "state",
            "not_before",
            "not_after",
            "source",
            "created_at",
            "pem",
        ]

    @override
    def panels(self, request: HttpRequest, obj: TrustedRoot) -> Sequence[Panel]:
        return [_decisions_panel(obj)]


def _decisions_panel(root: TrustedRoot) -> Panel:
    asked = approvals_of_subject(ROOT, root_subject(root.pk))
    rows = [
        [
            link_cell(reverse("admin:staff_approval_change", args=[one.pk]), one.pk),
            RootState(one.payload["becomes"]).label,
            str(one.requested_by),
            one.request_reason,
            one.get_state_display(),
            str(one.decided_by or "-"),
            at_cell(one.decided_at) if one.decided_at else "-",
            one.decision_reason or "-",
        ]
        for one in asked
    ]
    at_server = root.decided_at is not None and root.approval_id is None
    waiting = next((one for one in asked if one.state == ApprovalState.PENDING), None)
    if waiting is not None:
        note = "Awaits a second person, who compares the fingerprint anew. Nothing changes before."
    elif at_server:
        note = f"{root.get_state_display()} since {display_at(root.decided_at)}: {root.reason}"
    else:
        note = ""
    return Panel(
        title="Who decided",
        columns=["Approval", "To be", "Asked by", "Why", "State", "Decided by", "When", "Why"],
        rows=rows,
        note=note,
        tone="warning" if waiting else "",
        link=reverse("admin:staff_approval_change", args=[waiting.pk]) if waiting else "",
        link_text="Open the request",
        empty_text="Nobody asked for a decision yet. Compare the fingerprint with the laboratory, "
        "then ask to trust this root; a second person decides.",
    )
