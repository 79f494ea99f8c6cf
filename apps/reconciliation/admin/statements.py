"""Statements: what came, what was wrong with it, and the door for a new one."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, override

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from apps.core.admin import (
    ActionCall,
    FormPage,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    UploadWidget,
    badge_column,
    choice_filter,
    datetime_column,
    day_filter,
    list_button,
    narrowed_filter,
    place_refusal,
    signed_in,
    stream_download,
)
from apps.core.errors import DomainError
from apps.core.sizes import display_size
from apps.providers.selectors import all_providers, provider_choices
from apps.reconciliation import selectors, services
from apps.reconciliation.engine.unpack import FILE_LIMIT
from apps.reconciliation.enums import RowFault, RunState, StatementSource, StatementState
from apps.reconciliation.errors import StatementRefusedError
from apps.reconciliation.models import StatementFile

_STATE_TONES = {
    StatementState.IMPORTED.value: "success",
    StatementState.SUPERSEDED.value: "neutral",
    StatementState.REFUSED.value: "danger",
}


class UploadForm(forms.Form):
    """A file, whose it is, and its day where the rows can't say it."""

    provider = forms.ChoiceField(
        choices=lambda: [(p.code, p.name) for p in all_providers()],
        widget=UnfoldAdminSelectWidget(),
    )
    file = forms.FileField(
        widget=UploadWidget(FILE_LIMIT),
        help_text=f"CSV, NDJSON or JSON, plain or gzip. At most {display_size(FILE_LIMIT)}.",
        max_length=255,
    )
    day = forms.DateField(
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text="Only where the rows don't say it.",
    )

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        if upload.size > FILE_LIMIT:
            raise forms.ValidationError("The file is too large.")
        return upload


def _reconcile(call: ActionCall) -> str:
    statement = selectors.statement_by_id(call.object_id)
    if statement.day is None:
        return "A file without a day can't be reconciled."
    outcome = services.reconcile(
        provider_code=statement.provider.code,
        day=statement.day,
        acting_user=call.user,
        reason=call.reason,
        now=call.now,
    )
    found = sum(outcome.comparison.breaks.values())
    return f"Run {outcome.run_id}: {RunState(outcome.state).label.lower()}, {found:,} breaks."


_STANDING = {
    "waiting": (
        "Refused in the last 31 days, not replaced",
        lambda statements: selectors.not_replaced(statements, timezone.now()),
    ),
}


@admin.register(StatementFile)
class StatementFileAdmin(PanelsMixin, ReadOnlyAdmin[StatementFile]):
    list_empty_text = "No statement was imported. Import a provider's round log, or pull it."
    list_display = [
        "original_name",
        "provider",
        "day",
        badge_column("state", _STATE_TONES),
        "source",
        "rows_good",
        "rows_bad",
        "rows_demo",
        "rows_other_day",
        "refusal_code",
        datetime_column("imported_at"),
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        choice_filter("state", "state", StatementState.choices),
        choice_filter("source", "source", StatementSource.choices),
        day_filter("day", "day", selectors.recent_day_choices),
        narrowed_filter("standing", "standing", _STANDING),
    ]
    list_select_related = ["provider"]
    search_fields = ["sha256__exact", "original_name__exact"]
    search_help_text = "SHA-256 or file name, exactly"
    ordering = ["-imported_at", "-pk"]
    actions_list = ["upload"]
    reasoned_actions = [
        ReasonedAction(
            name="reconcile",
            label="Reconcile this day",
            permission="reconciliation.run_reconciliation",
            perform=_reconcile,
            tone="primary",
            is_offered=lambda obj, _user: obj.state == StatementState.IMPORTED,
        )
    ]
    fieldsets = [
        (
            "Statement",
            {
                "fields": [
                    ("provider", "day", "state", "source"),
                    ("original_name", "format", "is_gzip", "size_bytes"),
                    ("rows_total", "rows_good", "rows_bad", "rows_demo", "rows_other_day"),
                    ("imported_at", "imported_by", "superseded_by"),
                    "sha256",
                ]
            },
        ),
        ("Refusal", {"fields": [("refusal_code", "refusal_detail")]}),
    ]

    @override
    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<int:statement_id>/download/",
                self.admin_site.admin_view(self.download_view),
                name="reconciliation_statementfile_download",
            ),
            *super().get_urls(),
        ]

    @override
    def panels(self, request: HttpRequest, obj: StatementFile) -> Sequence[Panel]:
        return [_problems(obj), _changes(obj), _file(obj)]

    def download_view(self, request: HttpRequest, statement_id: int) -> HttpResponse | FileResponse:
        """Give the file exactly as it came, as a download and never as a page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        statement = StatementFile.objects.filter(pk=statement_id).first()
        if statement is None or not statement.raw_key:
            raise Http404
        handle = selectors.open_raw(statement)
        return stream_download(handle, f"statement-{statement.pk}")

    @list_button(description="Import a statement", url_path="upload", permissions=["upload"])
    def upload(self, request: HttpRequest) -> HttpResponse:
        """Ask for a file and take it; a refusal stands in the form and leads to its report."""
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            taken = _take(request, form)
            if taken is not None:
                url = reverse("admin:reconciliation_statementfile_change", args=[taken])
                return HttpResponseRedirect(url)
        page = FormPage(
            title="Import a statement",
            question="The file is kept as it came. The newest file of a day is the one in use.",
            label="Import",
            back_url=reverse("admin:reconciliation_statementfile_changelist"),
        )
        return page.show(request, self, form)

    def has_upload_permission(self, request: HttpRequest, *_: Any) -> bool:
        return request.user.has_perm("reconciliation.import_statement")


def _take(request: HttpRequest, form: UploadForm) -> int | None:
    """Take the file and return its import; None where the form now says why it was refused."""
    fields = form.cleaned_data
    upload: Any = fields["file"]
    with NamedTemporaryFile(prefix="pitboss-upload-") as copy:
        for chunk in upload.chunks():
            copy.write(chunk)
        copy.flush()
        wanted = services.Upload(
            path=Path(copy.name),
            name=upload.name or "upload",
            provider=fields["provider"],
            day=fields["day"],
        )
        try:
            outcome = services.import_statement(
                wanted, acting_user=signed_in(request), now=timezone.now()
            )
        except StatementRefusedError as refusal:
            place_refusal(form, refusal)
            form.add_error("file", _report_link(refusal.statement_id))
            return None
        except DomainError as refusal:
            place_refusal(form, refusal)
            return None
    if outcome.is_new:
        messages.success(request, f"{outcome.rows_good:,} rows of {outcome.day} taken.")
    else:
        messages.info(request, "Exactly this file was taken before; nothing was changed.")
    return outcome.statement_id


def _report_link(statement_id: int | None) -> SafeString:
    url = reverse("admin:reconciliation_statementfile_change", args=[statement_id])
    text = "The file is kept, with a report of its rows."
    return format_html('{} <a class="pb-link" href="{}">Open the report</a>', text, url)


def _problems(obj: StatementFile) -> Panel:
    counts = ", ".join(
        f"{RowFault(code).label.lower()}: {count:,}" for code, count in obj.problem_counts.items()
    )
    return Panel(
        title="Parse report",
        columns=["Line", "Problem", "Reason", "The row"],
        rows=[
            [str(p["line"]), RowFault(p["code"]).label, p["reason"], p["excerpt"]]
            for p in obj.problems
        ],
        note=f"All of them by kind: {counts}. The first {len(obj.problems)} are shown."
        if counts
        else "",
        empty_text=obj.refusal_detail or "Every row was read.",
        tone="danger" if obj.state == StatementState.REFUSED else "",
    )


def _changes(obj: StatementFile) -> Panel:
    changes = obj.changes
    return Panel(
        title="Against the file it replaced",
        columns=["Events added", "Events gone", "Events amended"],
        rows=[[f"{changes[name]:,}" for name in ("added", "removed", "amended")]]
        if changes
        else [],
        empty_text="It was the first file of its day.",
    )


def _file(obj: StatementFile) -> Panel:
    if not obj.raw_key:
        return Panel(title="The file as it came", empty_text="Too large to be kept.")
    return Panel(
        title="The file as it came",
        code=f"SHA-256 {obj.sha256}\n{obj.size_bytes:,} bytes, {obj.original_name}",
        link=reverse("admin:reconciliation_statementfile_download", args=[obj.pk]),
        link_text="Download",
    )
