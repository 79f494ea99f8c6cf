"""Coverage: games x jurisdictions at a moment, the gaps with what to do, and one cell in full."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, override
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from apps.compliance.contracts import Cell, Gap, MatrixQuery
from apps.compliance.enums import CellState
from apps.compliance.models import CoverageMatrix
from apps.compliance.panels import cell_url, moment_field, next_page, verdict_rows
from apps.compliance.selectors.matrix import gaps_at, matrix_at, with_next_action
from apps.compliance.selectors.renewals import renewals_of
from apps.compliance.selectors.what_if import MONTH, staked
from apps.core.admin import PageAdmin, Panel, at_cell, badge, link_cell, money_cell
from apps.core.jurisdictions import zone_of
from apps.play.services.gate import can_serve
from apps.providers.contracts import Cover
from apps.providers.selectors import provider_by_code, provider_codes
from apps.providers.selectors.coverage import cover_periods
from apps.providers.selectors.matrix import CatalogueGame, offered_games, offered_places
from apps.rounds.panels import rounds_cell
from apps.rounds.span_play import SpanRounds

TONES: Final = {
    CellState.PROHIBITED: "danger",
    CellState.NOT_COVERED: "danger",
    CellState.CLOSED: "danger",
    CellState.OVERRIDE: "info",
    CellState.REVIEW_OVERDUE: "warning",
    CellState.EXPIRING: "warning",
    CellState.COVERED: "success",
}
_GAPS_SHOWN: Final = 200
_LAST: Final = datetime(2099, 12, 31, tzinfo=UTC)


@admin.register(CoverageMatrix)
class CoverageMatrixAdmin(PageAdmin[CoverageMatrix]):
    """Three pages; there are no rows of its own to open."""

    @override
    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "gaps/", wrap(require_safe(self.gaps_view)), name="compliance_coveragematrix_gaps"
            ),
            path(
                "cell/<int:game_id>/<str:place>/",
                wrap(require_safe(self.cell_view)),
                name="compliance_coveragematrix_cell",
            ),
            *super().get_urls(),
        ]

    @override
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        at, query = asked_moment(request), _query(request)
        found = matrix_at(at, query)
        context = {
            **self._context(request, "Coverage", at, query),
            "places": found.places,
            "rows": [
                {
                    "game": row.game,
                    "cells": [_shown(row.cells.get(place), at) for place in found.places],
                }
                for row in found.rows
            ],
            "games": found.games,
            "page": found.page,
            "pages": found.pages,
            "previous": _address(request, page=found.page - 1) if found.page > 1 else "",
            "next": _address(request, page=found.page + 1) if found.page < found.pages else "",
        }
        return TemplateResponse(request, "compliance/coverage.html", context)

    def gaps_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        at, query = asked_moment(request), _query(request)
        found = gaps_at(at, query)
        shown = with_next_action(found[:_GAPS_SHOWN], at)
        more = f" The first {_GAPS_SHOWN} are shown; filter for the rest."
        context = {
            **self._context(request, "Gaps", at, query),
            "panels": [
                Panel(
                    title=f"{len(found):,} offers that must not be served",
                    note="Each with the reason that says most, and what to do next."
                    + (more if len(found) > _GAPS_SHOWN else ""),
                    columns=["Game", "Jurisdiction", "State", "Why", "Next"],
                    rows=[_gap_row(gap, at) for gap in shown],
                    empty_text="Every offer that matches is covered."
                    if offered_places(at)
                    else "Nothing is on offer: load a catalogue with manage.py load_provider.",
                    tone="danger" if found else "",
                )
            ],
            "is_gaps": True,
        }
        return TemplateResponse(request, "compliance/coverage.html", context)

    def cell_view(self, request: HttpRequest, game_id: int, place: str) -> HttpResponse:
        """Say everything about one game in one jurisdiction at one moment."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        at = asked_moment(request)
        game = next((one for one in offered_games(at) if one.id == game_id), None)
        if game is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": f"{game.name} in {place}",
            "opts": self.opts,
            "at": moment_field(at),
            "is_now": not request.GET.get("at"),
            "clock": f"{at.astimezone(zone_of(place)):%Y-%m-%d %H:%M} in {place}",
            "back_url": reverse("admin:compliance_coveragematrix_changelist")
            + f"?{urlencode({'q': game.game_code, 'at': moment_field(at)})}",
            "panels": [
                _verdict_panel(game, place, at),
                _periods_panel(game_id, place, at),
                _renewals_panel(game_id, place, at),
                _stakes_panel(game, place, timezone.now()),
            ],
        }
        return TemplateResponse(request, "compliance/cell.html", context)

    def _context(
        self, request: HttpRequest, title: str, at: datetime, query: MatrixQuery
    ) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "at": moment_field(at),
            "is_now": not request.GET.get("at"),
            "query": query,
            "providers": provider_codes(),
            "all_places": offered_places(at),
            "states": [(state.value, state.label, TONES[state]) for state in CellState],
            "matrix_url": reverse("admin:compliance_coveragematrix_changelist")
            + _address(request, page=1),
            "gaps_url": reverse("admin:compliance_coveragematrix_gaps") + _address(request, page=1),
        }


def asked_moment(request: HttpRequest) -> datetime:
    """Return the moment in ``?at=``, by UTC, or now."""
    text = request.GET.get("at", "")
    try:
        moment = parse_datetime(text if "T" in text else f"{text}T12:00")
    except ValueError:
        moment = None
    if moment is None:
        return timezone.now()
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment if moment.year >= 2000 and moment <= _LAST else timezone.now()


def _query(request: HttpRequest) -> MatrixQuery:
    asked = request.GET
    page = asked.get("page", "1")
    state = asked.get("state", "")
    return MatrixQuery(
        provider_code=asked.get("provider", "")[:32],
        jurisdiction=asked.get("place", "")[:16],
        state=state if state in CellState.values else "",
        game_code=asked.get("game", "").replace("\x00", "")[:128],
        text=asked.get("q", "").strip().replace("\x00", "")[:128],
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
    )


def _address(request: HttpRequest, *, page: int) -> str:
    asked = {key: value for key, value in request.GET.items() if value and key != "page"}
    if page > 1:
        asked["page"] = str(page)
    return f"?{urlencode(asked)}" if asked else "?"


def _shown(cell: Cell | None, at: datetime) -> dict[str, str] | None:
    if cell is None:
        return None
    why = " ".join(reason.text for reason in cell.cover.reasons)
    proof = cell.cover.certificate
    return {
        "tone": TONES[CellState(cell.state)],
        "text": cell.text,
        "url": cell_url(cell.game_id, cell.jurisdiction, at),
        "why": cell.why
        or (f"{proof.report_number} rev {proof.revision}" if proof is not None else why),
    }


def _gap_row(gap: Gap, at: datetime) -> Sequence[str]:
    return [
        link_cell(cell_url(gap.game.id, gap.jurisdiction, at), gap.game.game_code),
        gap.jurisdiction,
        badge(str(CellState(gap.state).label), TONES[CellState(gap.state)]),
        gap.why,
        _next(gap),
    ]


def _next(gap: Gap) -> SafeString | str:
    page = next_page(
        gap.code, gap.game, certificate_id=gap.certificate_id, renewal_id=gap.renewal_id
    )
    return link_cell(page, gap.action) if page else gap.action


def _verdict_panel(game: CatalogueGame, place: str, at: datetime) -> Panel:
    answer = can_serve(game_id=game.id, jurisdiction=place, at=at)
    said = "A launch would be allowed" if answer.allowed else "A launch would be refused"
    note = "Offer, register, deployments, rules and measured files are those of that moment; the "
    note += "catalogue's RTP and the policy on wrong files are today's."
    return Panel(
        title=said,
        note=note,
        columns=["", "What", "Why"],
        rows=verdict_rows(answer, game),
        tone="success" if answer.allowed else "danger",
    )


def _periods_panel(game_id: int, place: str, at: datetime) -> Panel:
    start, end = at - timedelta(days=365), at + timedelta(days=365)
    return Panel(
        title="A year back and ahead",
        note=f"Whole days begin at midnight in {place}.",
        columns=["From", "Up to", "Cover", "Because"],
        rows=[
            [
                at_cell(period.start),
                at_cell(period.end),
                badge("covered", "success")
                if period.cover.allowed
                else badge("not covered", "danger"),
                _because(period.cover),
            ]
            for period in cover_periods(game_id, place, start, end)
        ],
    )


def _because(cover: Cover) -> str:
    """Name what proves it, with what an officer should know of the proof, or what speaks against.

    Two spans of one report differ by their remarks.
    """
    reports = [f"{proof.report_number} rev {proof.revision}." for proof in cover.proofs]
    said = cover.remarks if cover.allowed else cover.reasons
    return " ".join([*(reports if cover.allowed else ()), *(one.text for one in said)])


def _renewals_panel(game_id: int, place: str, at: datetime) -> Panel:
    periods = cover_periods(game_id, place, at - timedelta(days=365), at + timedelta(days=1))
    ids = {
        period.cover.certificate.id for period in periods if period.cover.certificate is not None
    }
    renewals = renewals_of(ids)
    return Panel(
        title="Renewals",
        columns=["Certificate", "State", "Due", "Owner"],
        rows=[
            [
                link_cell(
                    reverse("admin:compliance_renewal_change", args=[one.pk]), one.certificate
                ),
                one.get_state_display(),
                str(one.due_on),
                str(one.owner or "nobody yet"),
            ]
            for one in renewals.values()
        ],
        empty_text="No renewal of what covers it was opened.",
        link=reverse("admin:compliance_renewal_add") + (f"?certificate={max(ids)}" if ids else ""),
        link_text="Plan a renewal",
    )


def _stakes_panel(game: CatalogueGame, place: str, now: datetime) -> Panel:
    lines = staked({game.id}, now).get((game.id, place), [])
    provider_id = provider_by_code(game.provider_code).pk

    def played(currency: str) -> SpanRounds:
        month = ((now - MONTH, now),)
        return SpanRounds(provider_id, game.id, place, currency, only_settled=True, spans=month)

    return Panel(
        title="Played there in the last 30 days",
        columns=["Currency", "Stake", "Rounds", "Players"],
        rows=[
            [
                line.currency,
                money_cell(line.stake_minor, line.currency),
                rounds_cell(line.rounds, played(line.currency)),
                f"{len(line.players):,}",
            ]
            for line in lines
        ],
        empty_text="Nobody from there played it in the last 30 days.",
    )
