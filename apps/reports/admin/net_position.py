"""The daily net position: what each provider's play came to, by currency and game."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, override
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.core.admin import PageAdmin, Panel, badge, download, link_cell, money_cell
from apps.core.money import format_minor
from apps.core.services import record_audit
from apps.core.spreadsheets import to_csv
from apps.providers.selectors import provider_codes
from apps.reports import selectors
from apps.reports.contracts import PositionRow, PositionTotal
from apps.reports.models import NetPosition
from apps.rounds.net_position import PlaySpan

_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)

_CSV_HEADER = (
    "day",
    "provider",
    "currency",
    "game",
    "rounds",
    "stake",
    "win",
    "corrections",
    "ggr",
    "open_stake",
    "actual_rtp",
    "theoretical_rtp",
)


def _providers() -> list[tuple[str, str]]:
    return [("", "All providers"), *provider_codes()]


class PositionForm(forms.Form):
    day = forms.DateField(
        label="Reporting day", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )
    provider = forms.ChoiceField(
        label="Provider", choices=_providers, required=False, widget=UnfoldAdminSelectWidget
    )

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if not _FIRST_DAY <= day <= _LAST_DAY:
            raise forms.ValidationError("Choose a day of this century.")
        return day


@admin.register(NetPosition)
class NetPositionAdmin(PageAdmin[NetPosition]):
    @override
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        latest = selectors.latest_day()
        day = latest or timezone.now().date()
        asked = {"day": day.isoformat(), "provider": "", **request.GET.dict()}
        form = PositionForm(asked)
        rows: list[PositionRow] = []
        if form.is_valid():
            day = form.cleaned_data["day"]
            rows = selectors.net_position(day, provider_code=form.cleaned_data["provider"])
            if request.GET.get("format") == "csv":
                return self._csv(request, day, form.cleaned_data["provider"], rows)
        context = {
            **self.admin_site.each_context(request),
            "title": "Daily net position",
            "opts": self.opts,
            "form": form,
            "panels": _panels(rows, day, latest),
            "csv_url": f"?day={day}&provider={asked['provider']}&format=csv"
            if rows and form.is_valid()
            else "",
        }
        return TemplateResponse(request, "reports/net_position.html", context)

    def _csv(
        self, request: HttpRequest, day: date, provider: str, rows: Sequence[PositionRow]
    ) -> HttpResponse:
        body = to_csv(_CSV_HEADER, [_csv_row(row) for row in rows])
        record_audit(
            action="reports.net_position.exported",
            actor=request.user if request.user.is_authenticated else None,
            subject=f"reports.netposition:{day}",
            details={"provider": provider, "rows": len(rows)},
            now=timezone.now(),
        )
        return download(body, f"net-position-{day}.csv", content_type="text/csv; charset=utf-8")


def _csv_row(row: PositionRow) -> list[Any]:
    amounts = (
        row.stake_minor,
        row.win_minor,
        row.corrections_minor,
        row.ggr_minor,
        row.open_minor,
    )
    return [
        row.day.isoformat(),
        row.provider_code,
        row.currency,
        row.game_code,
        row.rounds,
        *(Decimal(format_minor(amount, row.currency)) for amount in amounts),
        row.actual_rtp,
        row.theoretical_rtp,
    ]


def _panels(rows: Sequence[PositionRow], day: date, latest: date | None) -> list[Panel]:
    if latest is None:
        return [Panel(title="Nothing was played yet", empty_text="Load a provider and replay.")]
    empty = f"Nothing settled on {day}. The newest day with play is {latest}."
    return [
        Panel(
            title=f"Per provider and currency, {day}",
            note="A day is the provider's reporting day. Currencies are not added up. Each "
            "figure leads to the rounds it counts.",
            columns=[
                "Provider",
                "Currency",
                "Rounds",
                "Stake",
                "Win",
                "Corrections",
                "GGR",
                "Open stakes",
                "Actual RTP",
            ],
            rows=[_total_row(total) for total in selectors.totals_of(rows)],
            empty_text=empty,
        ),
        Panel(
            title="Per game",
            columns=[
                "Game",
                "Provider",
                "Rounds",
                "Stake",
                "Win",
                "Corrections",
                "GGR",
                "Actual RTP",
                "Theoretical RTP",
                "Judgement",
            ],
            rows=[_game_row(row) for row in rows],
            empty_text=empty,
        ),
    ]


def rounds_url(span: PlaySpan) -> str:
    """Return where the rounds that a figure counts are listed."""
    return f"{reverse('admin:rounds_round_changelist')}?{urlencode({'play': span.text()})}"


def _total_row(total: PositionTotal) -> list[str]:
    rounds = rounds_url(PlaySpan(total.provider_id, total.start, total.end, total.currency))
    return [
        total.provider_name,
        total.currency,
        link_cell(rounds, f"{total.rounds:,}"),
        link_cell(rounds, money_cell(total.stake_minor, total.currency)),
        link_cell(rounds, money_cell(total.win_minor, total.currency)),
        link_cell(rounds, money_cell(total.corrections_minor, total.currency)),
        link_cell(rounds, money_cell(total.ggr_minor, total.currency)),
        link_cell(rounds, money_cell(total.open_minor, total.currency)),
        percent(total.actual_rtp),
    ]


def _game_row(row: PositionRow) -> list[str]:
    span = PlaySpan(row.provider_id, row.start, row.end, row.currency, row.game_code)
    rounds = rounds_url(span)
    return [
        row.game_code,
        row.provider_name,
        link_cell(rounds, f"{row.rounds:,}"),
        link_cell(rounds, money_cell(row.stake_minor, row.currency)),
        link_cell(rounds, money_cell(row.win_minor, row.currency)),
        link_cell(rounds, money_cell(row.corrections_minor, row.currency)),
        link_cell(rounds, money_cell(row.ggr_minor, row.currency)),
        percent(row.actual_rtp),
        percent(row.theoretical_rtp),
        _judgement(row),
    ]


def _judgement(row: PositionRow) -> str:
    if not row.is_enough_play:
        return badge("not enough play", "neutral")
    return badge("enough play to compare", "info")


def percent(share: Decimal | None) -> str:
    return "-" if share is None else f"{share * 100:.2f} %"
