"""Documents that wait for review, files that were refused, and bulk uploads."""

from typing import Any, override

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path

from apps.core.admin import (
    DOWNLOAD_HEADERS,
    ActionCall,
    ReadOnlyAdmin,
    ReasonedAction,
    badge_column,
    choice_filter,
    datetime_column,
)
from apps.providers.admin.review import REVIEW, review_view
from apps.providers.enums import Door, DraftState
from apps.providers.errors import DocumentAlteredError, UnknownCertificateError
from apps.providers.models import CertificateDraft, DraftField, QuarantinedFile
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.services.documents import draw_page
from apps.providers.services.drafts import Decision, discard_draft
from apps.providers.services.quarantine import scan_again


def _discard(call: ActionCall) -> str:
    draft = discard_draft(Decision(call.object_id, call.user, call.reason, call.now))
    return f"{draft.file_name} is discarded; it becomes no certificate."


@admin.register(CertificateDraft)
class CertificateDraftAdmin(ReadOnlyAdmin[CertificateDraft]):
    """The list of what waits; opening one opens the review page."""

    list_empty_text = "No document waits to be confirmed."
    list_display = [
        "file_name",
        "report",
        badge_column(
            "state",
            {
                DraftState.OPEN: "warning",
                DraftState.REGISTERED: "success",
                DraftState.DISCARDED: "neutral",
            },
        ),
        "confirmed",
        "door",
        "uploaded_by",
        datetime_column("created_at", title="came in"),
    ]
    list_filter = [
        choice_filter("state", "state", DraftState.choices),
        choice_filter("door", "came by", Door.choices),
    ]
    list_select_related = ["uploaded_by"]
    search_fields = ["document__sha256__exact", "file_name__exact"]
    search_help_text = "SHA-256 or file name, exactly"
    ordering = ["-created_at", "-pk"]
    list_before_template = "providers/draft_list_links.html"
    reasoned_actions = [
        ReasonedAction(
            name="discard",
            label="Discard",
            permission=REVIEW,
            perform=_discard,
            question="The document becomes no certificate. It stays on file with your reason.",
            tone="danger",
            is_offered=lambda obj, _user: obj.state == DraftState.OPEN,
        )
    ]

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[CertificateDraft]:
        number = DraftField.objects.filter(draft=OuterRef("pk"), name="report_number")
        drafts: QuerySet[CertificateDraft] = super().get_queryset(request)
        read_number = Subquery(number.values("extracted_value")[:1])
        return drafts.annotate(read_number=read_number).prefetch_related("fields")

    @admin.display(description="report number as read")
    def report(self, draft: CertificateDraft) -> str:
        # The annotation is not known to the type of the model.
        return getattr(draft, "read_number", "") or "not found"

    @admin.display(description="confirmed")
    def confirmed(self, draft: CertificateDraft) -> str:
        fields = list(draft.fields.all())
        return f"{sum(item.confirmed_at is not None for item in fields)} of {len(fields)}"

    @override
    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<int:draft_id>/page/<int:number>/",
                self.admin_site.admin_view(self.page_view),
                name="providers_certificatedraft_page",
            ),
            *super().get_urls(),
        ]

    @override
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        try:
            return review_view(request, self, int(object_id))
        except (ValueError, UnknownCertificateError) as error:
            raise Http404 from error

    def page_view(self, request: HttpRequest, draft_id: int, number: int) -> HttpResponse:
        """Show one page of the draft's document as a picture."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            picture = draw_page(draft_id=draft_id, page=number)
        except (UnknownCertificateError, DocumentAlteredError) as error:
            raise Http404 from error
        if picture is None:
            raise Http404
        return HttpResponse(picture, content_type="image/png", headers=DOWNLOAD_HEADERS)


def _scan_again(call: ActionCall) -> str:
    with PdfVetter() as vetter:
        opened = scan_again(
            file_id=call.object_id,
            acting_user=call.user,
            reason=call.reason,
            vetter=vetter,
            now=call.now,
        )
    return f"The file is clean and waits for review as draft {opened.draft.pk}."


@admin.register(QuarantinedFile)
class QuarantinedFileAdmin(ReadOnlyAdmin[QuarantinedFile]):
    """What was refused and why. The files themselves are never shown or handed out."""

    list_empty_text = "No file was refused. What is refused lies here with its reasons."
    list_display = [
        "original_name",
        "reasons",
        "door",
        "uploaded_by",
        "client_name",
        "times_seen",
        datetime_column("last_seen_at", title="last seen"),
    ]
    list_filter = [choice_filter("door", "came by", Door.choices)]
    list_select_related = ["uploaded_by"]
    search_fields = ["sha256__exact", "original_name__exact"]
    search_help_text = "SHA-256 or file name, exactly"
    ordering = ["-last_seen_at", "-pk"]
    fields = [
        "original_name",
        "reasons",
        "codes",
        "door",
        "uploaded_by",
        "client_name",
        "sha256",
        "size_bytes",
        "times_seen",
        "created_at",
        "last_seen_at",
        "released_at",
    ]
    reasoned_actions = [
        ReasonedAction(
            name="scan",
            label="Scan again",
            permission="providers.register_certificate",
            perform=_scan_again,
            question="The virus scanner gave no verdict when the file came. If it is clean now, "
            "it becomes a draft for review.",
            tone="primary",
            is_offered=lambda obj, _user: obj.is_waiting_for_scanner,
        )
    ]
