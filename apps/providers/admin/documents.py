"""Documents: each is only ever handed out as a download."""

from typing import override
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin import (
    ReadOnlyAdmin,
    badge_column,
    choice_filter,
    datetime_column,
    download,
    signed_in,
)
from apps.core.errors import StoreUnavailableError
from apps.providers.admin.certificates import SIGNATURE_TONES
from apps.providers.admin.rehearsals import rehearsal_filter
from apps.providers.enums import SignatureState
from apps.providers.errors import (
    DocumentAlteredError,
    LinkExpiredError,
    UnknownCertificateError,
)
from apps.providers.models import Document
from apps.providers.selectors.rehearsals import rehearsed_by_reports
from apps.providers.services.documents import hand_out_document, mint_link


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin[Document]):
    list_display = [
        "original_name",
        badge_column("signature_state", dict(SIGNATURE_TONES.items()), title="signature"),
        "signer",
        "page_count",
        "size_bytes",
        datetime_column("created_at", title="taken"),
        "download",
    ]
    list_filter = [
        choice_filter("signature_state", "signature", SignatureState.choices),
        rehearsal_filter(lambda: rehearsed_by_reports("document")),
    ]
    search_fields = ["sha256__exact", "original_name__exact"]
    search_help_text = "SHA-256 or file name, exactly"
    ordering = ["-created_at", "-pk"]
    fieldsets = [
        (
            "File",
            {
                "fields": [
                    "original_name",
                    "download",
                    "sha256",
                    "size_bytes",
                    "page_count",
                    "link_count",
                    "created_at",
                    "uploaded_by",
                ]
            },
        ),
        (
            "Signature",
            {
                "fields": [
                    "signature_state",
                    "signature_detail",
                    "signer",
                    "signed_at",
                    "signature_coverage",
                    "signature_checked_at",
                ]
            },
        ),
        ("Text as read from the document", {"fields": ["text"]}),
    ]

    @override
    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<int:document_id>/download/",
                self.admin_site.admin_view(self.download_view),
                name="providers_document_download",
            ),
            path(
                "<int:document_id>/file/",
                self.admin_site.admin_view(self.file_view),
                name="providers_document_file",
            ),
            *super().get_urls(),
        ]

    @admin.display(description="download")
    def download(self, document: Document) -> SafeString:
        url = reverse("admin:providers_document_download", args=[document.pk])
        return format_html('<a class="pb-link" href="{}">Download</a>', url)

    def download_view(self, request: HttpRequest, document_id: int) -> HttpResponse:
        """Make a link for this person that holds for a minute, and go there."""
        user = _downloader(request)
        try:
            token = mint_link(document_id=document_id, acting_user=user, now=timezone.now())
        except UnknownCertificateError as error:
            raise Http404 from error
        url = reverse("admin:providers_document_file", args=[document_id])
        return HttpResponseRedirect(f"{url}?{urlencode({'token': token})}")

    def file_view(self, request: HttpRequest, document_id: int) -> HttpResponse:
        """Hand the kept bytes out, proven unaltered, and note who took them."""
        user = _downloader(request)
        try:
            document, data = hand_out_document(
                document_id=document_id,
                token=request.GET.get("token", ""),
                acting_user=user,
                now=timezone.now(),
            )
        except UnknownCertificateError as error:
            raise Http404 from error
        except (DocumentAlteredError, LinkExpiredError, StoreUnavailableError) as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(
                reverse("admin:providers_document_change", args=[document_id])
            )
        return download(data, document.original_name, content_type="application/pdf")


def _downloader(request: HttpRequest) -> AbstractBaseUser:
    """Return who asks, who must still hold the permission at the moment of the download."""
    if not request.user.has_perm("providers.download_document"):
        raise PermissionDenied
    return signed_in(request)
