"""Bulk uploads: an archive with a spreadsheet in, drafts to review out."""

from collections.abc import Sequence
from typing import Any, override

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from apps.core.admin import (
    FormPage,
    LivePanelsMixin,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    UploadWidget,
    at_cell,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    link_cell,
    place_refusal,
    signed_in,
)
from apps.core.errors import DomainError
from apps.core.sizes import display_size
from apps.providers.enums import BatchState, DraftState, LineOutcome
from apps.providers.errors import DeliveryRefusedError, RegisterRefusedError
from apps.providers.models import BatchLine, UploadBatch
from apps.providers.register.archive import MAX_ARCHIVE_BYTES
from apps.providers.register.file import MAX_REGISTER_BYTES
from apps.providers.services.batches import BatchUpload, start_batch

_MAX_LINES_SHOWN = 500
_TONES = {
    BatchState.WAITING: "neutral",
    BatchState.RUNNING: "info",
    BatchState.DONE: "success",
    BatchState.REFUSED: "danger",
}


class BatchForm(forms.Form):
    archive = forms.FileField(
        label="Documents (ZIP)",
        widget=UploadWidget(MAX_ARCHIVE_BYTES, accept=".zip,application/zip"),
        help_text=f"At most {display_size(MAX_ARCHIVE_BYTES)} and 20,000 files. For more use "
        "manage.py import_certificates.",
    )
    register = forms.FileField(
        label="Spreadsheet (CSV or XLSX)",
        required=False,
        widget=UploadWidget(MAX_REGISTER_BYTES, accept=".csv,.xlsx"),
        help_text=f"At most {display_size(MAX_REGISTER_BYTES)}, with the columns of register.csv. "
        "It may also lie in the archive. Without one every document is read by itself.",
    )

    def clean_archive(self) -> Any:
        archive = self.cleaned_data["archive"]
        if archive.size > MAX_ARCHIVE_BYTES:
            message = f"The archive is larger than {display_size(MAX_ARCHIVE_BYTES)}."
            raise forms.ValidationError(message, code="archive_too_large")
        return archive


@admin.register(UploadBatch)
class UploadBatchAdmin(LivePanelsMixin, PanelsMixin, ReadOnlyAdmin[UploadBatch]):
    list_empty_text = (
        "Nothing was uploaded in bulk. Upload a ZIP of documents, with or without a spreadsheet."
    )
    list_display = [
        "archive_name",
        "register_name",
        badge_column("state", {str(state): tone for state, tone in _TONES.items()}),
        "files_read",
        "to_review",
        "refused",
        "uploaded_by",
        datetime_column("created_at", title="uploaded"),
    ]
    list_filter = [choice_filter("state", "state", BatchState.choices)]
    list_select_related = ["uploaded_by"]
    ordering = ["-created_at", "-pk"]
    fields = ["archive_name", "register_name", "uploaded_by", "created_at"]
    live_seconds = 2

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[UploadBatch]:
        rows: QuerySet[UploadBatch] = super().get_queryset(request)
        return rows.annotate(
            refused_count=Count("lines", filter=Q(lines__outcome=LineOutcome.REFUSED)),
            open_count=Count("lines", filter=Q(lines__draft__state=DraftState.OPEN)),
        )

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("providers.register_certificate")

    @override
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = BatchForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            batch = _start(request, form)
            if batch is not None:
                url = reverse("admin:providers_uploadbatch_change", args=[batch.pk])
                return HttpResponseRedirect(url)
        page = FormPage(
            title="Upload a spreadsheet with its documents",
            question="The archive is judged as a whole, then each document like a single one: "
            "what is refused is listed with its row and reason, what is safe waits for review. The "
            "spreadsheet's values are shown beside what the document says; a person confirms each.",
            label="Upload",
            back_url=reverse("admin:providers_uploadbatch_changelist"),
        )
        return page.show(request, self, form, status=400 if form.errors else 200)

    @admin.display(description="files read")
    def files_read(self, batch: UploadBatch) -> str:
        return f"{batch.done:,} of {batch.total:,}"

    @admin.display(description="to review")
    def to_review(self, batch: Any) -> str:
        return f"{batch.open_count:,}"

    @admin.display(description="refused")
    def refused(self, batch: Any) -> str:
        return f"{batch.refused_count:,}"

    @override
    def panels(self, request: HttpRequest, obj: UploadBatch) -> Sequence[Panel]:
        return [_progress_panel(obj), _refused_panel(obj), _taken_panel(obj)]


def _start(request: HttpRequest, form: BatchForm) -> UploadBatch | None:
    archive, register = form.cleaned_data["archive"], form.cleaned_data["register"]
    try:
        return start_batch(
            BatchUpload(
                archive=archive,
                archive_name=archive.name,
                archive_bytes=archive.size,
                register=register.read(MAX_REGISTER_BYTES + 1) if register else b"",
                register_name=register.name if register else "",
            ),
            acting_user=signed_in(request),
            now=timezone.now(),
        )
    except DeliveryRefusedError as refusal:
        form.add_error("archive", forms.ValidationError(str(refusal), code=refusal.reason_code))
    except RegisterRefusedError as refusal:
        form.add_error("register", str(refusal))
    except DomainError as refusal:
        place_refusal(form, refusal)
    return None


def _progress_panel(batch: UploadBatch) -> Panel:
    bar = format_html(
        '<progress class="pb-bar" max="{}" value="{}"></progress>{} of {} files',
        max(batch.total, 1),
        batch.done,
        f"{batch.done:,}",
        f"{batch.total:,}",
    )
    rows = [
        ["State", badge(batch.get_state_display(), _TONES[BatchState(batch.state)])],
        ["Read so far", bar],
    ]
    if batch.finished_at is not None:
        rows.append(["Finished", at_cell(batch.finished_at)])
    if batch.refusal:
        rows.append(["Refused because", batch.refusal])
    return Panel(title="Progress", rows=rows)


def _refused_panel(batch: UploadBatch) -> Panel:
    refused = batch.lines.filter(outcome=LineOutcome.REFUSED).order_by("line", "pk")
    count = refused.count()
    return Panel(
        title=f"Refused: {count}",
        columns=["Row", "File", "Why"],
        rows=[
            [str(line.line or "-"), line.file_name, line.reason]
            for line in refused[:_MAX_LINES_SHOWN]
        ],
        empty_text="Nothing was refused so far.",
        note=f"{_cut_note(count)} A refused document is kept in quarantine unless it is empty or "
        "too large. Rows without a document and roots are only named here. All can be sent again."
        if count
        else "",
        link=reverse("admin:providers_quarantinedfile_changelist"),
        link_text="Quarantine",
        tone="danger" if count else "",
    )


def _taken_panel(batch: UploadBatch) -> Panel:
    taken = batch.lines.exclude(outcome=LineOutcome.REFUSED).select_related("draft")
    count = taken.count()
    return Panel(
        title=f"Taken in: {count}",
        columns=["Row", "File", "Outcome", "Review"],
        rows=[_taken_row(line) for line in taken.order_by("line", "pk")[:_MAX_LINES_SHOWN]],
        empty_text="No document was taken in."
        if batch.finished_at
        else "The documents are taken in behind the scenes; this page shows each as it comes.",
        note=_cut_note(count),
        link=reverse("admin:providers_certificatedraft_changelist") + "?state=open",
        link_text="All drafts to review",
    )


def _taken_row(line: BatchLine) -> list[str]:
    draft = line.draft
    if draft is None:
        roots = reverse("admin:providers_trustedroot_changelist") + "?state=proposed"
        review = link_cell(roots, "Compare its fingerprint")
    else:
        url = reverse("admin:providers_certificatedraft_change", args=[draft.pk])
        review = link_cell(url, draft.get_state_display())
    return [str(line.line or "-"), line.file_name, line.get_outcome_display(), review]


def _cut_note(count: int) -> str:
    return f"The first {_MAX_LINES_SHOWN} are shown." if count > _MAX_LINES_SHOWN else ""
