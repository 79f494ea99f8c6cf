"""What if a day has come, or a report is gone: games, money and players that it touches."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, timedelta
from typing import Any, override

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.compliance.contracts import LostOffer, WhatIfAnswer
from apps.compliance.models import WhatIf
from apps.compliance.selectors.what_if import what_if
from apps.core.admin import PageAdmin, Panel, link_cell, money_cell
from apps.core.counting import counted
from apps.core.money import display_money
from apps.providers.selectors import active_providers
from apps.providers.selectors.lapses import report_named
from apps.rounds.panels import rounds_cell
from apps.rounds.span_play import SpanRounds

_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
_SHOWN = 300


class WhatIfForm(forms.Form):
    on = forms.DateField(
        label="On this day",
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text="By each jurisdiction's own clock.",
    )
    without = forms.CharField(
        label="If this report proves nothing",
        required=False,
        max_length=80,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "report number, or number rev 2"}),
        help_text="Leave empty to ask what ends by itself until that day.",
    )

    def clean_on(self) -> date:
        day: date = self.cleaned_data["on"]
        if not _FIRST_DAY <= day <= _LAST_DAY:
            raise forms.ValidationError("Choose a day of this century.")
        return day

    @override
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        cleaned["report"] = None
        if cleaned.get("without") and cleaned.get("on"):
            cleaned["report"] = report_named(cleaned["without"].replace("\x00", ""), cleaned["on"])
            if cleaned["report"] is None:
                self.add_error("without", "No registered report is called so.")
        return cleaned


@admin.register(WhatIf)
class WhatIfAdmin(PageAdmin[WhatIf]):
    @override
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        soon = (now.astimezone(UTC).date() + timedelta(days=30)).isoformat()
        form = WhatIfForm({"on": soon, **request.GET.dict()})
        panels: list[Panel] = []
        if form.is_valid():
            answer = what_if(form.cleaned_data["on"], now, without=form.cleaned_data["report"])
            panels = _panels(answer)
        context = {
            **self.admin_site.each_context(request),
            "title": "What if",
            "opts": self.opts,
            "form": form,
            "panels": panels,
        }
        return TemplateResponse(request, "compliance/what_if.html", context)


def _panels(answer: WhatIfAnswer) -> list[Panel]:
    return [
        _summary_panel(answer),
        _lost_panel(answer),
        _players_panel(answer),
        _gained_panel(answer),
    ]


def _summary_panel(answer: WhatIfAnswer) -> Panel:
    games = {(offer.provider_code, offer.game_code) for offer in answer.lost}
    places = Counter(offer.jurisdiction for offer in answer.lost)
    without = f" without {answer.without}" if answer.without else ""
    money = ", ".join(
        display_money(minor, currency) for currency, minor in answer.stake_minor.items()
    )
    return Panel(
        title=f"{answer.on}{without}: {counted(len(games), 'game')} in "
        f"{counted(len(places), 'jurisdiction')} would stop",
        columns=["What", "How much"],
        rows=[
            ["Offers that lose cover", link_cell("#lost", f"{len(answer.lost):,}")],
            ["By jurisdiction", ", ".join(f"{k} {v:,}" for k, v in sorted(places.items())) or "-"],
            ["Staked there in the last 30 days", link_cell("#lost", money or "nothing")],
            ["Rounds in the last 30 days", link_cell("#lost", f"{answer.rounds:,}")],
            ["Players in the last 30 days", link_cell("#players", f"{len(answer.players):,}")],
            ["Offers that gain cover by then", link_cell("#gained", f"{len(answer.gained):,}")],
        ],
        tone="danger" if answer.lost else "success",
        note=""
        if answer.without
        else "Compared with now: revisions on file that take effect until then count.",
    )


def _lost_panel(answer: WhatIfAnswer) -> Panel:
    more = f"The first {_SHOWN} are shown; manage.py what_if --json prints all."
    providers = {provider.code: provider.pk for provider in active_providers()}
    return Panel(
        title="Offers that lose cover",
        note=more if len(answer.lost) > _SHOWN else "",
        columns=["Game", "Jurisdiction", "Why", "Stake in 30 days", "Rounds", "Players"],
        rows=[_lost_row(offer, answer, providers) for offer in answer.lost[:_SHOWN]],
        anchor="lost",
        empty_text="Everything that is covered now is covered then.",
    )


def _lost_row(offer: LostOffer, answer: WhatIfAnswer, providers: Mapping[str, int]) -> list[str]:
    people = {player for stake in offer.stakes for player in stake.players}
    played = SpanRounds(
        providers.get(offer.provider_code, 0),
        offer.game_id,
        offer.jurisdiction,
        currency="",
        only_settled=True,
        spans=((answer.since, answer.until),),
    )
    cell = reverse("admin:compliance_coveragematrix_cell", args=[offer.game_id, offer.jurisdiction])
    return [
        link_cell(cell, f"{offer.provider_code}/{offer.game_code}"),
        offer.jurisdiction,
        offer.why,
        format_html_join(
            "", "{}", ((money_cell(one.stake_minor, one.currency),) for one in offer.stakes)
        )
        or "nothing",
        rounds_cell(sum(stake.rounds for stake in offer.stakes), played),
        f"{len(people):,}",
    ]


def _players_panel(answer: WhatIfAnswer) -> Panel:
    shown = format_html_join(
        ", ", '<span class="pb-at">{}</span>', ((ref,) for ref in answer.players[:_SHOWN])
    )
    more = f" and {len(answer.players) - _SHOWN:,} more" if len(answer.players) > _SHOWN else ""
    return Panel(
        title="Players who played them in the last 30 days",
        rows=[["References", format_html("{}{}", shown, more)]] if answer.players else [],
        empty_text="Nobody played any of them in the last 30 days.",
        anchor="players",
    )


def _gained_panel(answer: WhatIfAnswer) -> Panel:
    more = f"The first {_SHOWN} are shown; manage.py what_if --json prints all."
    return Panel(
        title="Offers that gain cover",
        note=more if len(answer.gained) > _SHOWN else "",
        columns=["Game", "Jurisdiction"],
        rows=[[f"{provider}/{game}", place] for provider, game, place in answer.gained[:_SHOWN]],
        empty_text="Nothing that is not covered now is covered then.",
        anchor="gained",
    )
