"""Register one certificate by hand: the register's columns as a form, and its PDF."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apps.core.admin import reason_field
from apps.core.errors import DomainError
from apps.providers.enums import CertificateKind
from apps.providers.errors import CertificateEntryError, PdfRefusedError
from apps.providers.pdf.contracts import MAX_BYTES
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.register.entries import COLUMNS, read_entry
from apps.providers.services.certificates import Registered, Registration, register_certificate


def _text(label: str, help_text: str = "", *, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=2_000,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=help_text,
    )


class UploadForm(forms.Form):
    """Takes the same texts as a row of a register; ``read_entry`` judges both."""

    document = forms.FileField(
        label="Document (PDF)",
        widget=UnfoldAdminFileFieldWidget,
        help_text="At most 10 MiB. Scripts, attachments, forms that act, encryption: refused.",
    )
    report_number = _text("Report number")
    revision = _text("Revision", "0, 1, 2 ... as printed on the report.")
    lab = _text("Laboratory")
    kind = forms.ChoiceField(choices=CertificateKind.choices, widget=UnfoldAdminSelectWidget)
    provider = _text("Provider code")
    issued_on = _text("Issued on", "Like 2026-11-22.")
    expires_on = _text("Valid through", "Empty where the report states no end.", required=False)
    review_due_on = _text(
        "Review due on", "Empty with no end: 12 months after issue.", required=False
    )
    jurisdictions = _text("Jurisdictions", "Separated by semicolons: MT;AU-NT.")
    standards = _text("Standards", "Separated by semicolons: GLI-19 v3.0;GLI-11 v3.0.")
    games = forms.CharField(
        max_length=200_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Game codes separated by semicolons; * for an RNG or platform report.",
    )
    rtp_variants = _text("RTP variants (%)", "96.10;94.00", required=False)
    reason = reason_field()

    def clean_document(self) -> Any:
        document = self.cleaned_data["document"]
        if document.size > MAX_BYTES:
            message = f"The file is larger than {MAX_BYTES // 1024 // 1024} MiB."
            raise forms.ValidationError(message, code="too_large")
        return document


def upload_view(request: HttpRequest, model_admin: ModelAdmin[Any]) -> HttpResponse:
    """Show the form, or register what was sent; every reason for a refusal is shown."""
    if not model_admin.has_add_permission(request):
        raise PermissionDenied
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        registered = _register(request, form)
        if registered is not None:
            certificate = registered.certificate
            outcome = "is registered" if registered.is_new else "was on file already"
            messages.success(request, f"{certificate} {outcome}.")
            url = reverse("admin:providers_certificate_change", args=[certificate.pk])
            return HttpResponseRedirect(url)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Register a certificate",
        "opts": model_admin.opts,
        "form": form,
        "back_url": reverse("admin:providers_certificate_changelist"),
    }
    status = 400 if form.is_bound and form.errors else 200
    return TemplateResponse(request, "providers/upload_certificate.html", context, status=status)


def _register(request: HttpRequest, form: UploadForm) -> Registered | None:
    data = form.cleaned_data
    fields = {name: str(data.get(name, "")) for name in COLUMNS}
    fields["file"] = data["document"].name
    try:
        entry = read_entry(fields)
        with PdfVetter() as vetter:
            return register_certificate(
                entry,
                data["document"].read(),
                Registration(
                    acting_user=request.user if request.user.is_authenticated else None,
                    reason=data["reason"],
                    now=timezone.now(),
                    vetter=vetter,
                ),
            )
    except PdfRefusedError as refusal:
        for code, reason in refusal.refusals:
            form.add_error("document", forms.ValidationError(reason, code=code))
    except CertificateEntryError as refusal:
        for problem in refusal.problems:
            name = problem.split(" ", 1)[0]
            form.add_error(name if name in form.fields else None, problem)
    except DomainError as refusal:
        form.add_error(None, str(refusal))
    return None
