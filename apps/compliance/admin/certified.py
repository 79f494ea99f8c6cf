"""From a certificate to the rounds that it covered, with what they come to."""

from datetime import datetime
from typing import Any, Final, override
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString

from apps.compliance.contracts import CertifiedPage
from apps.compliance.models import CertifiedPlay
from apps.compliance.selectors.certified import page_under, spans_under, sums_under
from apps.core.admin import PageAdmin, Panel, at_cell, badge, link_cell, money_cell
from apps.providers.selectors.lapses import any_report_named, report_name
from apps.providers.selectors.proof import FOR_GOOD, CertifiedSpan
from apps.rounds.panels import STATE_TONES
from apps.rounds.rounds_in_spans import OpenedRound, OpenedSum, PlaceInTime

_SPANS_SHOWN: Final = 100


@admin.register(CertifiedPlay)
class CertifiedPlayAdmin(PageAdmin[CertifiedPlay]):
    @override
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        text = _asked(request, "report", 80)
        report = _report(request, text)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Rounds under {report[1]}" if report else "Certified play",
            "opts": self.opts,
            "report": text or (report[1] if report else ""),
            "game": _asked(request, "game", 128),
            "problem": "No report is called so. Say the revision too: STL-GAM-24-0099 rev 1."
            if text and report is None
            else "",
            "panels": self._panels(request, report[0]) if report else [],
        }
        return TemplateResponse(request, "compliance/certified.html", context)

    def _panels(self, request: HttpRequest, certificate_id: int) -> list[Panel]:
        game, before = _asked(request, "game", 128), _place(request)
        spans = spans_under(certificate_id, game_code=game)
        codes = {span.game_id: span.game_code for span in spans}
        first = certified_url(certificate_id, game=game)
        return [
            _sums_panel(sums_under(spans), codes, certificate_id),
            _rounds_panel(page_under(spans, before=before), codes, first, is_first=before is None),
            _spans_panel(spans, certificate_id),
        ]


def certified_url(certificate_id: int, *, game: str = "") -> str:
    page = reverse("admin:compliance_certifiedplay_changelist")
    asked = {"certificate": str(certificate_id), **({"game": game} if game else {})}
    return f"{page}?{urlencode(asked)}"


def _report(request: HttpRequest, text: str) -> tuple[int, str] | None:
    """Return the report that is asked for by what a person wrote, or by a link's id."""
    if text:
        return any_report_named(text)
    number = request.GET.get("certificate", "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    name = report_name(int(number))
    return None if name is None else (int(number), name)


def _asked(request: HttpRequest, name: str, longest: int) -> str:
    return request.GET.get(name, "").replace("\x00", "").strip()[:longest]


def _place(request: HttpRequest) -> PlaceInTime | None:
    """Read ``?before=<moment>,<event id>``; anything else is the first page."""
    text, _, number = request.GET.get("before", "").partition(",")
    try:
        moment: datetime | None = parse_datetime(text)
    except ValueError:
        return None
    is_id = number.isascii() and number.isdigit() and len(number) < 19
    return (moment, int(number)) if moment and moment.tzinfo and is_id else None


def _sums_panel(sums: list[OpenedSum], codes: dict[int, str], certificate_id: int) -> Panel:
    return Panel(
        title="What was played under it",
        note="Rounds for which it is the proof, by game and currency. A round counts where its "
        "player was when it was opened; what was rolled back sums to nothing.",
        columns=["Game", "Rounds", "Rolled back", "Players", "Stake", "Win", "First", "Last"],
        rows=[
            [
                link_cell(
                    certified_url(certificate_id, game=codes[one.game_id]), codes[one.game_id]
                ),
                f"{one.rounds:,}",
                f"{one.rolled_back:,}",
                f"{one.players:,}",
                money_cell(one.stake_minor, one.currency),
                money_cell(one.win_minor, one.currency),
                at_cell(one.first_at),
                at_cell(one.last_at),
            ]
            for one in sums
        ],
        empty_text="No round was played under it. Below is when it was or will be the proof."
        if codes
        else "It has never been the proof of a round, and nothing on file makes it one.",
    )


def _rounds_panel(
    page: CertifiedPage, codes: dict[int, str], first: str, *, is_first: bool
) -> Panel:
    links = [] if is_first else [("Newest", first)]
    if page.older is not None:
        moment, event_id = page.older
        older = urlencode({"before": f"{moment.isoformat()},{event_id}"})
        links.append(("Older", f"{first}&{older}"))
    return Panel(
        title="Rounds, newest first",
        columns=["Round", "Game", "Jurisdiction", "State", "Stake", "Win", "Opened"],
        rows=[_round_row(one, codes) for one in page.rounds],
        empty_text="No round." if is_first else "There are no older rounds.",
        links=links,
    )


def _round_row(one: OpenedRound, codes: dict[int, str]) -> list[str | SafeString]:
    return [
        link_cell(reverse("admin:rounds_round_change", args=[one.id]), one.round_ref),
        codes[one.game_id],
        one.jurisdiction,
        badge(one.state.replace("_", " ").capitalize(), STATE_TONES[one.state]),
        money_cell(one.stake_minor, one.currency),
        money_cell(one.win_minor, one.currency),
        at_cell(one.opened_at),
    ]


def _spans_panel(spans: list[CertifiedSpan], certificate_id: int) -> Panel:
    now = timezone.now()
    more = f" The first {_SPANS_SHOWN} of {len(spans):,} are shown: filter by game for the rest."
    return Panel(
        title="When it is the proof",
        note="Where several reports cover, the one that is valid longest is the proof."
        + (more if len(spans) > _SPANS_SHOWN else ""),
        columns=["Game", "Jurisdiction", "From", "Up to", "Now"],
        rows=[
            [
                span.game_code,
                span.jurisdiction,
                at_cell(span.start),
                "further notice" if span.end == FOR_GOOD else at_cell(span.end),
                badge("proof", "success") if span.start <= now < span.end else "-",
            ]
            for span in spans[:_SPANS_SHOWN]
        ],
        empty_text="At no time: it names no game and jurisdiction that it covers, covers none by "
        "its kind, or another report stands before it. Its own page says what it names.",
        link=reverse("admin:providers_certificate_change", args=[certificate_id]),
        link_text="The certificate",
    )
