"""The roots that vouch for laboratories' signatures: uploaded, compared, trusted, withdrawn."""

from typing import Any, override

from django import forms
from django.contrib import admin
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from apps.core.admin import (
    ActionCall,
    ReadOnlyAdmin,
    ReasonedAction,
    badge_column,
    choice_filter,
    datetime_column,
)
from apps.core.errors import DomainError
from apps.providers.enums import RootState
from apps.providers.models import Lab, TrustedRoot
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.services.trust import (
    MAX_PEM_BYTES,
    decide_root,
    recheck_signatures,
    upload_root,
)


class RootForm(forms.Form):
    lab = forms.ModelChoiceField(
        label="Laboratory",
        queryset=Lab.objects.order_by("name", "pk"),
        widget=UnfoldAdminSelectWidget(),
        help_text="A laboratory is on file once a report of it is registered.",
    )
    file = forms.FileField(
        label="Root certificate (PEM)",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".pem,.crt,.cer"}),
        help_text="One certificate of an authority, at most 64 KiB.",
        max_length=255,
    )


def _decide(call: ActionCall, state: RootState) -> str:
    root = decide_root(
        root_id=call.object_id,
        state=state,
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    with PdfVetter() as vetter:
        changes = recheck_signatures(lab_id=root.lab_id, vetter=vetter, now=call.now)
    return f"The root is {root.state}. {len(changes)} signatures are judged differently now."


def _trust(call: ActionCall) -> str:
    return _decide(call, RootState.TRUSTED)


def _withdraw(call: ActionCall) -> str:
    return _decide(call, RootState.WITHDRAWN)


def _take(request: HttpRequest, form: RootForm) -> TrustedRoot | None:
    assert isinstance(request.user, AbstractBaseUser)  # noqa: S101 - who may add is signed in
    file = form.cleaned_data["file"]
    try:
        return upload_root(
            lab=form.cleaned_data["lab"],
            name=file.name,
            data=file.read(MAX_PEM_BYTES + 1),
            acting_user=request.user,
            now=timezone.now(),
        )
    except DomainError as refusal:
        form.add_error("file", forms.ValidationError(str(refusal), code=refusal.code))
    return None


@admin.register(TrustedRoot)
class TrustedRootAdmin(ReadOnlyAdmin[TrustedRoot]):
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
        "fingerprint",
        datetime_column("not_after", title="valid until"),
        "decided_by",
    ]
    list_filter = [choice_filter("state", "state", RootState.choices)]
    list_select_related = ["lab", "decided_by"]
    search_fields = ["fingerprint__exact", "lab__name__exact"]
    search_help_text = "Fingerprint or laboratory, exactly"
    ordering = ["lab__name", "pk"]
    reasoned_actions = [
        ReasonedAction(
            name="trust",
            label="Trust this root",
            permission="providers.register_certificate",
            perform=_trust,
            question="Compare the SHA-256 fingerprint with the laboratory first, over a channel "
            "that the documents did not come by. Its documents are then judged again.",
            tone="primary",
            is_offered=lambda obj, _user: obj.state != RootState.TRUSTED,
        ),
        ReasonedAction(
            name="withdraw",
            label="Withdraw trust",
            permission="providers.register_certificate",
            perform=_withdraw,
            question="Signatures under this root no longer count; its documents are judged again.",
            tone="danger",
            is_offered=lambda obj, _user: obj.state != RootState.WITHDRAWN,
        ),
    ]

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
        context = {
            **self.admin_site.each_context(request),
            "title": "Upload a laboratory's root",
            "lead": "The certificate of the authority that issues the laboratory's signing keys. "
            "It counts for nothing until its fingerprint was compared and somebody trusts it.",
            "opts": self.opts,
            "form": form,
            "back_url": reverse("admin:providers_trustedroot_changelist"),
        }
        status = 400 if form.is_bound and form.errors else 200
        return TemplateResponse(request, "admin/upload.html", context, status=status)

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
            "decided_by",
            "decided_at",
            "reason",
            "pem",
        ]
