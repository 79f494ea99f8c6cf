"""Everything that was recorded for protection: searched, read and exported in one place."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, override

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.core.admin import PageAdmin, Panel, at_cell, badge, download, link_cell
from apps.core.services import record_audit
from apps.core.spreadsheets import to_csv
from apps.players.contracts import ProtectionRecordRow
from apps.players.enums import RecordKind
from apps.players.models import ProtectionRecord
from apps.players.selectors.records import RecordFilter, protection_records

_SHOWN: Final = 200
_EXPORTED: Final = 50_000
_HEADER: Final = ("at", "player", "kind", "what", "who", "basis", "row")
_TONES: Final = {"exclusion": "danger", "closure": "danger", "limit": "warning", "end": "info"}


class RecordsForm(forms.Form):
    player = forms.CharField(
        required=False,
        max_length=128,
        widget=UnfoldAdminTextInputWidget,
        help_text="Empty: every real person. The acceptance kit's players by their reference.",
    )
    kind = forms.ChoiceField(
        required=False,
        choices=[("", "Everything"), *RecordKind.choices],
        widget=UnfoldAdminSelectWidget,
    )
    since = forms.DateField(
        label="From (UTC)", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )
    until = forms.DateField(
        label="To, included", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )

    def filter(self) -> RecordFilter:
        return RecordFilter(
            since=_midnight(self.cleaned_data["since"]),
            until=_midnight(self.cleaned_data["until"] + timedelta(days=1)),
            player_ref=self.cleaned_data["player"].strip(),
            kind=self.cleaned_data["kind"],
        )

    def clean_until(self) -> date:
        until: date = self.cleaned_data["until"]
        if not 2000 <= until.year <= 2099:
            raise forms.ValidationError("Choose a day of this century.")
        return until


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


@admin.register(ProtectionRecord)
class ProtectionRecordAdmin(PageAdmin[ProtectionRecord]):
    @override
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        today = timezone.now().astimezone(UTC).date()
        asked = {
            "player": "",
            "kind": "",
            "since": (today - timedelta(days=30)).isoformat(),
            "until": today.isoformat(),
            **request.GET.dict(),
        }
        form = RecordsForm(asked)
        rows: list[ProtectionRecordRow] = []
        if form.is_valid():
            if request.GET.get("format") == "csv":
                return _csv(request, form.filter())
            rows = protection_records(form.filter(), limit=_SHOWN + 1)
        query = request.GET.copy()
        query.update({name: value for name, value in asked.items() if name not in query})
        query["format"] = "csv"
        context = {
            **self.admin_site.each_context(request),
            "title": "Records of protection",
            "opts": self.opts,
            "form": form,
            "panels": [_panel(rows)],
            "csv_url": f"?{query.urlencode()}" if rows else "",
        }
        return TemplateResponse(request, "reports/net_position.html", context)


def _csv(request: HttpRequest, wanted: RecordFilter) -> HttpResponse:
    rows = protection_records(wanted, limit=_EXPORTED)
    body = to_csv(
        _HEADER,
        [
            (
                row.at.astimezone(UTC).isoformat(),
                row.player_ref,
                row.kind,
                row.what,
                row.who,
                row.basis,
                row.row_id,
            )
            for row in rows
        ],
    )
    record_audit(
        action="players.protection_records.exported",
        actor=request.user if request.user.is_authenticated else None,
        subject="players.protectionrecord",
        details={
            "kind": wanted.kind,
            "since": wanted.since.isoformat(),
            "until": wanted.until.isoformat(),
            "rows": len(rows),
        },
        now=timezone.now(),
    )
    return download(body, "records-of-protection.csv", content_type="text/csv; charset=utf-8")


def _panel(rows: Sequence[ProtectionRecordRow]) -> Panel:
    more = len(rows) > _SHOWN
    return Panel(
        title="Records, the newest first",
        note=f"The newest {_SHOWN}; narrow the filter, or export up to {_EXPORTED:,}."
        if more
        else f"{len(rows)} in all.",
        columns=["When", "Player", "Kind", "What", "Who", "Based on, or why"],
        rows=[
            [
                at_cell(row.at),
                link_cell(
                    reverse("admin:players_playerprotection_change", args=[row.player_id]),
                    row.player_ref,
                ),
                badge(RecordKind(row.kind).label, _TONES.get(row.kind, "neutral")),
                row.what,
                row.who,
                row.basis or "-",
            ]
            for row in rows[:_SHOWN]
        ],
        empty_text="Nothing was recorded in these days for this filter. Widen the days, or leave "
        "the player empty.",
    )
