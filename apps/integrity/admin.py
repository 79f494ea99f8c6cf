"""Digest reports and what is wrong in them."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any, Final, override

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
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
    HistoryAdmin,
    Panel,
    PanelsMixin,
    ReadOnlyAdmin,
    ReasonedAction,
    RefusalShownIn,
    UploadWidget,
    at_cell,
    badge,
    badge_column,
    choice_filter,
    datetime_column,
    link_cell,
    list_button,
)
from apps.core.sizes import display_size
from apps.integrity import reading
from apps.integrity.contracts import MeasuredReport
from apps.integrity.enums import FaultKind, FaultState, LineVerdict, ReportSource
from apps.integrity.models import DigestReport, Fault, IntegrityPolicy
from apps.integrity.selectors import closing_fault, games_measured
from apps.integrity.services import accepting
from apps.integrity.services.reports import take_report
from apps.providers.selectors import active_providers, provider_choices
from apps.staff.selectors import is_pending

_VERDICT_TONES: Final = {"match": "success", "mismatch": "danger", "unknown": "neutral"}
_STATE_TONES: Final = {"open": "danger", "cleared": "success", "accepted": "warning"}
_SHOWN: Final = 500


class UploadForm(forms.Form):
    """A report, whose it is, and what a CSV can't say of itself."""

    provider = forms.ChoiceField(
        choices=lambda: [(one.code, one.name) for one in active_providers()],
        widget=UnfoldAdminSelectWidget(),
    )
    file = forms.FileField(
        widget=UploadWidget(reading.LARGEST_BYTES),
        help_text="JSON, or CSV with the columns game_code, build_version, path, algorithm, seed, "
        f"digest. At most {display_size(reading.LARGEST_BYTES)}.",
        max_length=255,
    )
    report_ref = forms.CharField(
        label="Report id",
        required=False,
        max_length=128,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="For a CSV: the provider's own name for this report. Its repeat changes nothing.",
    )
    measured_at = forms.DateTimeField(
        label="Measured (UTC)",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text="For a CSV: when the game server measured.",
    )

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        if upload.size > reading.LARGEST_BYTES:
            message = f"The file is larger than {display_size(reading.LARGEST_BYTES)}."
            raise forms.ValidationError(message)
        return upload

    def measured(self) -> MeasuredReport:
        """Read the file.

        Raises:
            DigestReportRefusedError: with each problem.
        """
        data = self.cleaned_data
        content = data["file"].read()
        if not data["file"].name.lower().endswith(".csv"):
            return reading.read_json(content)
        moment = data["measured_at"]
        at = "" if moment is None else moment.astimezone(UTC).isoformat()
        return reading.read_csv(content, report_ref=data["report_ref"], measured_at=at)


@admin.register(DigestReport)
class DigestReportAdmin(PanelsMixin, ReadOnlyAdmin[DigestReport]):
    list_empty_text = (
        "No game server's digests were imported. Import a report as a file or by the API."
    )
    list_display = [
        "report_ref",
        "provider",
        "source",
        datetime_column("measured_at", title="measured"),
        datetime_column("received_at", title="received"),
    ]
    list_filter = [
        choice_filter("provider_id", "provider", provider_choices),
        choice_filter("source", "source", ReportSource.choices),
    ]
    list_select_related = ["provider"]
    search_fields = ["report_ref__exact"]
    search_help_text = "Report id, exactly"
    ordering = ["-measured_at", "-pk"]
    actions_list = ["upload", "standing"]

    def has_import_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("integrity.import_digests")

    @list_button(description="Import a report", url_path="upload", permissions=["import"])
    def upload(self, request: HttpRequest) -> HttpResponse:
        """Ask for a report and take it."""
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            report_id = self._take(request, form)
            if report_id is not None:
                url = reverse("admin:integrity_digestreport_change", args=[report_id])
                return HttpResponseRedirect(url)
        page = FormPage(
            title="Import a digest report",
            question="Each file is compared with the digests of the reports in force.",
            label="Import",
            back_url=reverse("admin:integrity_digestreport_changelist"),
        )
        return page.show(request, self, form, status=400 if form.errors else 200)

    def _take(self, request: HttpRequest, form: UploadForm) -> int | None:
        with RefusalShownIn(form):
            outcome = take_report(
                form.cleaned_data["provider"],
                form.measured(),
                source=ReportSource.FILE,
                received_from=str(request.user)[:150],
                now=timezone.now(),
            )
            text = (
                f"Files measured: {outcome.lines}. As certified: {outcome.matches}; another "
                f"digest: {outcome.mismatches}; not certified: {outcome.unknown}; certified and "
                f"not reported: {outcome.missing}."
            )
            is_right = not outcome.mismatches and not outcome.missing
            (messages.success if is_right else messages.error)(request, text)
            return outcome.report_id
        return None

    @list_button(description="Games: measured when", url_path="standing")
    def standing(self, request: HttpRequest) -> HttpResponse:
        """Show every game with certified files: measured when, and what is open."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        only_overdue = request.GET.get("overdue") == "yes"
        found = [
            one for one in games_measured(timezone.now()) if one.is_overdue or not only_overdue
        ]
        faults = reverse("admin:integrity_fault_changelist")
        panel = Panel(
            title="Games not measured for a day" if only_overdue else "Games with certified files",
            note="Each is to be measured at least once every 24 hours. Times are UTC.",
            columns=["Provider", "Game", "Certified files", "Measured", "Stands"],
            rows=[
                [
                    one.provider_code,
                    link_cell(f"{faults}?state=open&q={one.game_code}", one.game_code),
                    f"{one.certified_files:,}",
                    at_cell(one.measured_at) if one.measured_at else "never",
                    badge(f"{one.open_faults} open", "danger")
                    if one.open_faults
                    else badge("overdue", "warning")
                    if one.is_overdue
                    else badge("as certified", "success"),
                ]
                for one in found
            ],
            empty_text="No report in force prints the digest of a file: confirm the critical "
            "files of a certificate first.",
            link=reverse("admin:integrity_digestreport_upload")
            if self.has_import_permission(request)
            else "",
            link_text="Import a report",
        )
        context = {
            **self.admin_site.each_context(request),
            "title": "Integrity of games",
            "opts": self.opts,
            "panels": [panel],
        }
        return TemplateResponse(request, "admin/panels_page.html", context)

    @override
    def panels(self, request: HttpRequest, obj: DigestReport) -> Sequence[Panel]:
        wrong_first = Case(
            When(verdict=LineVerdict.MISMATCH, then=0),
            When(verdict=LineVerdict.UNKNOWN, then=1),
            default=2,
        )
        files = obj.files.select_related("game").order_by(wrong_first, "pk")[:_SHOWN]
        return [
            Panel(
                title="Measured files",
                note=f"Judged when the report came; at most {_SHOWN} are shown.",
                columns=["Game", "Build", "File", "Algorithm", "Digest", "Verdict"],
                rows=[
                    [
                        file.game.game_code,
                        file.build_version or "-",
                        file.path,
                        f"{file.algorithm} {file.seed}".strip(),
                        file.digest,
                        badge(LineVerdict(file.verdict).label, _VERDICT_TONES[file.verdict]),
                    ]
                    for file in files
                ],
                link=reverse("admin:integrity_fault_changelist") + "?state=open",
                link_text="Open faults",
            )
        ]


def _what_now(fault: Fault) -> str:
    if fault.state != FaultState.OPEN:
        return ""
    if fault.kind == FaultKind.MISSING:
        return (
            "Certified, and not in the newest report. It closes nothing and ends with the next "
            "report that measures the file."
        )
    is_closed = closing_fault(fault.game_id, timezone.now())
    now = (
        "No session of this game opens, and those that run end."
        if is_closed
        else "By policy the game stays open."
    )
    if _is_asked(fault):
        return f"{now} Somebody asked to accept this digest; it awaits a second person."
    return (
        f"{now} It ends with a report that shows a certified digest: have the certified file put "
        "back and measured again, or register the laboratory's report on the new one. A second "
        "person may also accept this one digest."
    )


def _is_acceptable(fault: Fault, _user: Any) -> bool:
    is_wrong = fault.state == FaultState.OPEN and fault.kind == FaultKind.MISMATCH
    return is_wrong and not _is_asked(fault)


def _is_asked(fault: Fault) -> bool:
    return is_pending(accepting.ACCEPT, accepting.fault_subject(fault.pk))


def _request_acceptance(call: ActionCall) -> str:
    accepting.request_acceptance(
        fault_id=call.object_id, acting_user=call.user, reason=call.reason, now=call.now
    )
    return "Asked. A second person must agree; until then the game stays as it is."


@admin.register(Fault)
class FaultAdmin(PanelsMixin, ReadOnlyAdmin[Fault]):
    list_empty_text = "Every file measured last is as certified."
    list_display = [
        "path",
        "game",
        badge_column("state", _STATE_TONES),
        "kind",
        "algorithm",
        datetime_column("opened_at", title="opened"),
        datetime_column("closed_at", title="closed"),
    ]
    list_filter = [
        choice_filter("state", "state", FaultState.choices),
        choice_filter("kind", "kind", FaultKind.choices),
        choice_filter("game__provider_id", "provider", provider_choices),
    ]
    list_select_related = ["game"]
    search_fields = ["game__game_code__exact", "path__exact"]
    search_help_text = "Game or file, exactly"
    ordering = ["-opened_at", "-pk"]
    fields = ["state", "game", "kind", "path", "algorithm", "seed", "opened_at"]
    reasoned_actions = [
        ReasonedAction(
            name="accept",
            label="Ask to accept this digest",
            permission="integrity.request_acceptance",
            perform=_request_acceptance,
            question="The file is not the one that the laboratory tested. A second person must "
            "agree. Only this digest of this file is accepted.",
            tone="danger",
            is_offered=_is_acceptable,
        ),
    ]

    @override
    def get_fields(self, request: HttpRequest, obj: Fault | None = None) -> Any:
        """Leave out what an open fault does not have, so that both digests stay in sight."""
        fields = [name for name in self.fields if name != "seed" or (obj is not None and obj.seed)]
        is_open = obj is None or obj.state == FaultState.OPEN
        return fields if is_open else [*fields, "closed_at", "closing_note"]

    @override
    def panels(self, request: HttpRequest, obj: Fault) -> Sequence[Panel]:
        report = reverse("admin:integrity_digestreport_change", args=[obj.report_id])
        return [
            Panel(
                title="Side by side",
                note=_what_now(obj),
                rows=[
                    ["Held to build", obj.held_to or "not on file"],
                    [
                        "Certified",
                        _digest_cell(obj.certified, "The build that runs has no such file."),
                    ],
                    ["Reported", _digest_cell(obj.reported, "nothing")],
                    ["Digest is that of build", obj.looks_like or "none that is certified"],
                    ["Report", link_cell(report, obj.report)],
                ],
                tone="danger" if obj.state == FaultState.OPEN else "",
                link=reverse("admin:staff_approval_changelist") + f"?q=fault:{obj.pk}"
                if _is_asked(obj)
                else "",
                link_text="The request",
            )
        ]


def _digest_cell(digest: str, without: str) -> SafeString | str:
    return format_html('<code class="pb-digest">{}</code>', digest) if digest else without


@admin.register(IntegrityPolicy)
class IntegrityPolicyAdmin(HistoryAdmin[IntegrityPolicy]):
    list_empty_text = "Every provider follows the strictest policy: a wrong file closes the game."
    list_display = ["provider", "on_mismatch"]
    list_select_related = ["provider"]
    ordering = ["pk"]
    fields = ["provider", "on_mismatch"]

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else ["provider"]
