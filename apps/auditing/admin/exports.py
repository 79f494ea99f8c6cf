"""Asking for an export, watching it being made, and taking it."""

from collections.abc import Sequence
from typing import Any, Final, override
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from apps.auditing import selectors, services
from apps.auditing.admin.export_panels import (
    consent_panel,
    download_panel,
    manifest_panels,
    progress_panel,
)
from apps.auditing.admin.forms import RowsForm
from apps.auditing.contracts import ExportRequest
from apps.auditing.enums import IN_THE_QUEUE, ExportFormat, ExportState
from apps.auditing.errors import UnknownExportError
from apps.auditing.models import Export, Sample
from apps.core.admin import (
    ActionCall,
    FormPage,
    LivePanelsMixin,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    ReasonForm,
    RefusalShownIn,
    badge_column,
    choice_filter,
    datetime_column,
    stream_download,
)
from apps.core.errors import DomainError
from apps.core.populations import population_by_name

_TONES: Final = {
    ExportState.AWAITING: "warning",
    ExportState.WAITING: "neutral",
    ExportState.MAKING: "info",
    ExportState.READY: "success",
    ExportState.FAILED: "danger",
    ExportState.CANCELLED: "neutral",
}
_QUESTION: Final = (
    "A ZIP of files with a manifest: hashes, row counts, sums per currency, the audit chain's "
    "head and the moment of the snapshot. It is for you alone and is dropped after seven days. The "
    "request and every download go to the audit chain. Personal data and many rows want a second "
    "person."
)


def _personal_data() -> forms.BooleanField:
    return forms.BooleanField(
        label="Show personal data",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Without it, dates of birth and what was written by or about players are "
        'replaced by "hidden". Say below why you need them.',
    )


def _file_format() -> forms.ChoiceField:
    return forms.ChoiceField(
        label="Format",
        choices=ExportFormat.choices,
        widget=UnfoldAdminSelectWidget,
    )


class ExportForm(RowsForm):
    file_format = _file_format()
    personal = _personal_data()
    field_order = [
        "population",
        "since",
        "until",
        "provider",
        "jurisdiction",
        "file_format",
        "personal",
        "reason",
    ]

    def request(self) -> ExportRequest:
        return ExportRequest(
            population=self.cleaned_data["population"],
            narrowing=self.narrowing(),
            reason=self.cleaned_data["reason"],
            with_personal_data=self.cleaned_data["personal"],
            file_format=ExportFormat(self.cleaned_data["file_format"]),
        )


class SampleExportForm(ReasonForm):
    file_format = _file_format()
    personal = _personal_data()
    field_order = ["file_format", "personal", "reason"]

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
            file_format=ExportFormat(self.cleaned_data["file_format"]),
        )


def _cancel(call: ActionCall) -> str:
    export = services.cancel_export(
        export_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return f"{export} is taken back. Nothing was handed out."


def _is_cancellable(export: Export, user: Any) -> bool:
    is_waiting = export.state in {ExportState.AWAITING, ExportState.WAITING}
    return is_waiting and export.requested_by_id == user.pk


@admin.register(Export)
class ExportAdmin(LivePanelsMixin, PanelsMixin, ReadOnlyAdmin[Export]):
    list_empty_text = "Nobody exported rows. An auditor does, with the reason and a manifest."
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
    reasoned_actions = [
        ReasonedAction(
            name="cancel",
            label="Take it back",
            permission="auditing.add_export",
            perform=_cancel,
            question="It is not made, and nobody is asked to agree any more.",
            is_offered=_is_cancellable,
        )
    ]
    ordering = ["-pk"]
    fieldsets = [
        (
            "Asked for",
            {
                "fields": [
                    "rows_meant",
                    "sample",
                    "file_format",
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
    def is_live(self, request: HttpRequest, obj: Export | None, /) -> bool:
        if obj is None or obj.requested_by_id != request.user.pk:
            return False
        return obj.state in IN_THE_QUEUE

    @override
    def panels(self, request: HttpRequest, obj: Export) -> Sequence[Panel]:
        consent = [consent_panel(obj)] if obj.needs_second_person else []
        if obj.manifest is None:
            return [*consent, progress_panel(obj, is_live=self.is_live(request, obj))]
        return [download_panel(request, obj), *consent, *manifest_panels(obj.manifest)]

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
        page = FormPage(
            title=f"Export {sample}" if sample else "Export rows",
            question=_QUESTION,
            label="Export",
            back_url=reverse("admin:auditing_export_changelist")
            if sample is None
            else reverse("admin:auditing_sample_change", args=[sample.pk]),
        )
        return page.show(request, self, form)

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
        return stream_download(stream, name, content_type="application/zip")


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
    with RefusalShownIn(form):
        return services.request_export(form.request(), acting_user=request.user, now=timezone.now())
    return None
