"""Upload one document: past the gate it becomes a draft, and its review page opens."""

from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from apps.core.admin import FormPage, UploadWidget, place_refusal, signed_in
from apps.core.errors import DomainError
from apps.core.sizes import display_size
from apps.providers.enums import Door
from apps.providers.errors import PdfRefusedError
from apps.providers.pdf.contracts import MAX_BYTES
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.services.drafts import Opened, Upload, open_draft
from apps.providers.services.intake import Sender

_QUESTION = (
    "The document is checked first: one that is not a plain, finished PDF is refused with its "
    "reasons and kept apart in quarantine. Then its pages are shown beside what was read from "
    "them, for you to confirm field by field. It covers nothing until you register it."
)


class UploadForm(forms.Form):
    document = forms.FileField(
        label="Document (PDF)",
        widget=UploadWidget(MAX_BYTES, accept="application/pdf,.pdf"),
        help_text=f"At most {display_size(MAX_BYTES)}. Scripts, attachments, forms that act, "
        "encryption: refused.",
        allow_empty_file=True,
    )

    def clean_document(self) -> Any:
        document = self.cleaned_data["document"]
        if document.size > MAX_BYTES:
            message = f"The file is larger than {display_size(MAX_BYTES)}."
            raise forms.ValidationError(message, code="too_large")
        return document


def upload_view(request: HttpRequest, model_admin: ModelAdmin[Any]) -> HttpResponse:
    """Show the form, or take what was sent; every reason for a refusal is shown."""
    if not model_admin.has_add_permission(request):
        raise PermissionDenied
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        opened = _take(request, form)
        if opened is not None:
            url = reverse("admin:providers_certificatedraft_change", args=[opened.draft.pk])
            return HttpResponseRedirect(url)
    page = FormPage(
        title="Upload a certificate",
        question=_QUESTION,
        label="Upload and review",
        back_url=reverse("admin:providers_certificate_changelist"),
    )
    return page.show(request, model_admin, form, status=400 if form.errors else 200)


def _take(request: HttpRequest, form: UploadForm) -> Opened | None:
    document = form.cleaned_data["document"]
    try:
        with PdfVetter() as vetter:
            upload = Upload(document.read(), document.name)
            sender = Sender(Door.FORM, signed_in(request), timezone.now(), vetter)
            return open_draft(upload, sender)
    except PdfRefusedError as refusal:
        for code, reason in refusal.refusals:
            form.add_error("document", forms.ValidationError(reason, code=code))
    except DomainError as refusal:
        place_refusal(form, refusal)
    return None
