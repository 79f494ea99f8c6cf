"""Games x jurisdictions: what covers each offer, and what speaks against it."""

from datetime import date
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.core.admin import Panel, badge, link_cell
from apps.providers.selectors.coverage import CoverageCell, coverage_on


def coverage_view(request: HttpRequest, model_admin: ModelAdmin[Any], today: date) -> HttpResponse:
    """Show the matrix for ``?on=YYYY-MM-DD``, today by default."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    on = _day(request.GET.get("on", ""), today)
    cells = coverage_on(on)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Coverage on {on}",
        "opts": model_admin.opts,
        "on": on.isoformat(),
        "panels": [_gaps_panel(cells), _matrix_panel(cells)],
    }
    return TemplateResponse(request, "providers/coverage.html", context)


def _day(text: str, today: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return today


def _gaps_panel(cells: list[CoverageCell]) -> Panel:
    gaps = [cell for cell in cells if not cell.cover.allowed]
    return Panel(
        title=f"Without cover: {len(gaps)} of {len(cells)} offers",
        columns=["Game", "Jurisdiction", "Why"],
        rows=[
            [
                f"{cell.provider_code}/{cell.game_code}",
                cell.jurisdiction,
                " ".join(reason.text for reason in cell.cover.reasons),
            ]
            for cell in gaps
        ],
        empty_text="Every offer is covered."
        if cells
        else "No game is on offer anywhere: load a catalogue with manage.py load_provider.",
        tone="danger" if gaps else "",
    )


def _matrix_panel(cells: list[CoverageCell]) -> Panel:
    jurisdictions = sorted({cell.jurisdiction for cell in cells})
    by_game: dict[tuple[str, str], dict[str, CoverageCell]] = {}
    for cell in cells:
        by_game.setdefault((cell.provider_code, cell.game_code), {})[cell.jurisdiction] = cell
    return Panel(
        title="Games and jurisdictions",
        columns=["Game", *jurisdictions],
        rows=[
            ["/".join(game), *(_cell(offers.get(place)) for place in jurisdictions)]
            for game, offers in by_game.items()
        ],
        empty_text="Nothing is on offer.",
    )


def _cell(cell: CoverageCell | None) -> SafeString | str:
    if cell is None:
        return "not offered"
    if cell.cover.certificate is None:
        return badge(cell.cover.reasons[-1].code.replace("_", " "), "danger")
    proof = cell.cover.certificate
    return link_cell(
        reverse("admin:providers_certificate_change", args=[proof.id]),
        f"{proof.report_number} rev {proof.revision}",
    )
