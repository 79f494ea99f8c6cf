"""Asking for an export, watching it being made, and taking it."""

from collections.abc import Sequence
from typing import Any, Final, override
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldBooleanSwitchWidget

from apps.auditing import selectors, services
from apps.auditing.admin.forms import RowsForm
from apps.auditing.contracts import ExportRequest
from apps.auditing.enums import ExportState
from apps.auditing.errors import UnknownExportError
from apps.auditing.models import Export, Sample
from apps.core.admin import (
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonForm,
    badge_column,
    choice_filter,
    datetime_column,
    link_cell,
    money_cell,
)
from apps.core.errors import DomainError
from apps.core.populations import population_by_name

# The browser shows nothing, runs nothing, keeps nothing and lends it to no other origin.
_DOWNLOAD_HEADERS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store, private",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TONES: Final = {
    ExportState.WAITING: "neutral",
    ExportState.MAKING: "info",
    ExportState.READY: "success",
    ExportState.FAILED: "danger",
}
_QUESTION: Final = (
    "A ZIP of CSV files with a manifest: hashes, row counts, sums per currency, the audit chain's "
    "head and the moment of the snapshot. It is for you alone and is dropped after seven days. The "
    "request and every download go to the audit chain."
)


def _personal_data() -> forms.BooleanField:
    return forms.BooleanField(
        label="Show personal data",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Without it, dates of birth and what was written by or about players are "
        'replaced by "hidden". Say below why you need them.',
    )


class ExportForm(RowsForm):
    personal = _personal_data()
    field_order = [
        "population",
        "since",
        "until",
        "provider",
        "jurisdiction",
        "personal",
        "reason",
    ]

    def request(self) -> ExportRequest:
        return ExportRequest(
            population=self.cleaned_data["population"],
            narrowing=self.narrowing(),
            reason=self.cleaned_data["reason"],
            with_personal_data=self.cleaned_data["personal"],
        )


class SampleExportForm(ReasonForm):
    personal = _personal_data()
    field_order = ["personal", "reason"]

    def __init__(self, sample: Sample, data: Any = None) -> None:
        super().__init__(data)
        self._sample = sample

    def request(self) -> ExportRequest:
        return ExportRequest(
            population=self._sample.population,
            narrowing=selectors.narrowing_of(self._sample, self._sample.drawn_at),
            reason=self.cleaned_data["reason"],
            sample_id=self._sample.pk,
            with_personal_data=self.cleaned_data["personal"],
        )


@admin.register(Export)
class ExportAdmin(PanelsMixin, ReadOnlyAdmin[Export]):
    list_display = [
        "name",
        "what",
        badge_column("state", dict(_TONES.items())),
        "rows_written",
        "personal_data",
        "requested_by",
        datetime_column("requested_at", title="asked"),
    ]
    list_filter = [choice_filter("state", "state", ExportState.choices)]
    list_select_related = ["requested_by", "sample"]
    ordering = ["-pk"]
    fieldsets = [
        (
            "Asked for",
            {
                "fields": [
                    "rows_meant",
                    "sample",
                    "personal_data",
                    "reason",
                    "requested_by",
                    "requested_at",
                ]
            },
        )
    ]

    @override
    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<int:export_id>/download/",
                self.admin_site.admin_view(self.download_view),
                name="auditing_export_download",
            ),
            path(
                "<int:export_id>/file/",
                self.admin_site.admin_view(self.file_view),
                name="auditing_export_file",
            ),
            *super().get_urls(),
        ]

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("auditing.add_export")

    @admin.display(description="export", ordering="pk")
    def name(self, export: Export) -> str:
        return str(export)

    @admin.display(description="rows")
    def what(self, export: Export) -> str:
        if export.sample is not None:
            return f"{export.sample} of {population_by_name(export.population).label.lower()}"
        return selectors.describe_rows(export)

    @admin.display(description="rows")
    def rows_meant(self, export: Export) -> str:
        return selectors.describe_rows(export)

    @admin.display(description="personal data")
    def personal_data(self, export: Export) -> str:
        return "shown" if export.with_personal_data else "hidden"

    @override
    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = super().render_change_form(request, context, *args, **kwargs)
        export: Export | None = kwargs.get("obj")
        if export is not None and export.finished_at is None:
            # Only until it is made: every page that an auditor opens is a row in their log.
            response["Refresh"] = "3"
        return response

    @override
    def panels(self, request: HttpRequest, obj: Export) -> Sequence[Panel]:
        if obj.manifest is None:
            return [_progress_panel(obj)]
        return [_download_panel(request, obj), *_manifest_panels(obj.manifest)]

    @override
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        sample = _sample_asked(request)
        form = _form(request, sample)
        if request.method == "POST" and form.is_valid():
            export = _request(request, form)
            if export is not None:
                url = reverse("admin:auditing_export_change", args=[export.pk])
                return HttpResponseRedirect(url)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Export {sample}" if sample else "Export rows",
            "opts": self.opts,
            "form": form,
            "action": {"label": "Export", "tone": "primary", "question": _QUESTION},
            "back_url": reverse("admin:auditing_export_changelist")
            if sample is None
            else reverse("admin:auditing_sample_change", args=[sample.pk]),
        }
        return TemplateResponse(request, "admin/reasoned_action.html", context)

    def download_view(self, request: HttpRequest, export_id: int) -> HttpResponse:
        """Make a link for this person that holds for a minute, and go there."""
        _require_exporter(request)
        try:
            token = services.mint_link(
                export_id=export_id, acting_user=request.user, now=timezone.now()
            )
        except UnknownExportError as error:
            raise Http404 from error
        except DomainError as refusal:
            return _refused(request, export_id, refusal)
        url = reverse("admin:auditing_export_file", args=[export_id])
        return HttpResponseRedirect(f"{url}?{urlencode({'token': token})}")

    def file_view(self, request: HttpRequest, export_id: int) -> HttpResponseBase:
        """Hand the file out, proven unaltered, and note who took it."""
        _require_exporter(request)
        try:
            export, stream = services.hand_out(
                export_id=export_id,
                token=request.GET.get("token", ""),
                acting_user=request.user,
                now=timezone.now(),
            )
        except UnknownExportError as error:
            raise Http404 from error
        except DomainError as refusal:
            return _refused(request, export_id, refusal)
        name = f"pitboss-export-{export.pk}.zip"
        response = FileResponse(
            stream, as_attachment=True, filename=name, content_type="application/zip"
        )
        for header, value in _DOWNLOAD_HEADERS.items():
            response[header] = value
        return response


def _require_exporter(request: HttpRequest) -> None:
    """Ask at the moment of the download, not only when the export was asked for."""
    if not request.user.has_perm("auditing.add_export"):
        raise PermissionDenied


def _refused(request: HttpRequest, export_id: int, refusal: DomainError) -> HttpResponse:
    messages.error(request, str(refusal))
    return HttpResponseRedirect(reverse("admin:auditing_export_change", args=[export_id]))


def _sample_asked(request: HttpRequest) -> Sample | None:
    number = request.GET.get("sample", "")
    if not number:
        return None
    sample = selectors.sample_by_number(number)
    if sample is None:
        raise Http404
    return sample


def _form(request: HttpRequest, sample: Sample | None) -> ExportForm | SampleExportForm:
    data = request.POST or None
    if sample is not None:
        return SampleExportForm(sample, data)
    return ExportForm(request.user, timezone.now(), data)


def _request(request: HttpRequest, form: ExportForm | SampleExportForm) -> Export | None:
    try:
        return services.request_export(form.request(), acting_user=request.user, now=timezone.now())
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return None


def _progress_panel(export: Export) -> Panel:
    if export.state == ExportState.FAILED:
        return Panel(title="Not made", empty_text=export.failure, tone="danger")
    return Panel(
        title=export.get_state_display(),
        empty_text=f"{export.rows_written:,} rows written so far. This page renews itself.",
        tone="info",
    )


def _download_panel(request: HttpRequest, export: Export) -> Panel:
    is_there = export.dropped_at is None
    is_theirs = export.requested_by_id == request.user.pk
    url = reverse("admin:auditing_export_download", args=[export.pk])
    note = "The file was dropped; what it was stays on record."
    if is_there:
        note = "A link for you alone, for a minute." if is_theirs else "For who asked for it only."
    return Panel(
        title="The file",
        note=f"{note} Check it anywhere with manage.py verify_export FILE.",
        columns=["Size", "SHA-256", "Made", "Download"],
        rows=[
            [
                f"{export.size_bytes:,} bytes",
                export.sha256,
                f"{export.finished_at:%Y-%m-%d %H:%M:%S} UTC" if export.finished_at else "-",
                link_cell(url, "Download") if is_there and is_theirs else "-",
            ]
        ],
        tone="success" if is_there else "",
    )


def _manifest_panels(manifest: dict[str, Any]) -> list[Panel]:
    head = manifest["audit_chain"]
    return [
        Panel(
            title="Files, as the manifest says",
            columns=["File", "Rows", "Bytes", "SHA-256", "Hidden columns"],
            rows=[
                [
                    one["name"],
                    f"{one['rows']:,}",
                    f"{one['bytes']:,}",
                    one["sha256"],
                    ", ".join(one["hidden_columns"]) or "none",
                ]
                for one in manifest["files"]
            ],
        ),
        Panel(
            title="Sums, per currency",
            columns=["File", "Column", "Sum"],
            rows=[row for one in manifest["files"] for row in _sums(one)],
            empty_text="No file of this export holds amounts.",
        ),
        Panel(
            title="Taken from",
            columns=["Snapshot of", "Audit chain then", "Head"],
            rows=[[manifest["snapshot_at"], f"{head['entries']:,} entries", head["head_hash"]]],
        ),
    ]


def _sums(file: dict[str, Any]) -> list[list[str | SafeString]]:
    return [
        [file["name"], column.removesuffix("_minor").replace("_", " "), money_cell(total, currency)]
        for column in file["columns"]
        for totals in [file["sums"].get(column, {})]
        for currency, total in sorted(totals.items())
    ]
