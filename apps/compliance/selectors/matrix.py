"""Games x jurisdictions at a moment: what each cell says, and what is missing.

Only the page that is shown is judged, unless somebody asks for a state: which games are in it is
known only after all were judged.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Final

from apps.compliance.contracts import Cell, Gap, Matrix, MatrixQuery, MatrixRow
from apps.compliance.enums import CellState
from apps.compliance.selectors.renewals import renewals_of
from apps.core.jurisdictions import day_in
from apps.players.rules import product_prohibition, rtp_floor
from apps.providers.contracts import CoverReason
from apps.providers.selectors.coverage import CoverageCell, coverage_on
from apps.providers.selectors.matrix import (
    CatalogueGame,
    last_reports,
    offered_games,
    offered_places,
    overrides_at,
    review_days,
)

PAGE_GAMES: Final = 50
EXPIRING_DAYS: Final = 90
_BASIS_POINTS: Final = 10_000

# Which objection says most, where several reports name the game and none covers it.
_SAYS_MOST: Final = (
    "digest_mismatch",
    "does_not_comply",
    "invalid_signature",
    "invalidated_by_change",
    "expired",
    "not_yet_effective",
    "other_build",
    "other_variant",
    "build_changed",
    "build_unknown",
    "variant_unknown",
    "not_deployed",
    "lab_not_accredited",
    "withdrawn",
    "other_jurisdiction",
    "superseded",
)
_ACTIONS: Final[Mapping[str, str]] = {
    "expired": "Renew it, or withdraw the offer",
    "invalidated_by_change": "Have the new build tested, or withdraw the offer",
    "no_certificate": "Upload the report, or withdraw the offer",
    "other_jurisdiction": "Have the lab add the jurisdiction, or withdraw the offer",
    "superseded": "Ask the lab why the new revision leaves the game out",
    "withdrawn": "Upload another report, or withdraw the offer",
    "does_not_comply": "Withdraw the offer: the test was failed",
    "invalid_signature": "Get the document again from the lab",
    "not_yet_effective": "Wait until it takes effect, or ask for an override",
    "digest_mismatch": "Stop the game: another package runs than was certified",
    "other_build": "Judge the change of build, or have it certified",
    "build_changed": "Judge the change of build, or have it certified",
    "build_unknown": "Record which build runs",
    "other_variant": "Deploy a certified RTP variant",
    "variant_unknown": "Record which RTP variant runs",
    "not_deployed": "Withdraw the offer, or record the deployment",
    "lab_not_accredited": "Record the lab's accreditation, or have it tested elsewhere",
    "unknown_jurisdiction": "Withdraw the offer: the place is not on file",
}
_LOOK: Final = "Look at the reports that name the game"


class _Judge:
    """Turns verdicts into what the matrix says; what is the same for many cells is asked once."""

    def __init__(self, games: Collection[CatalogueGame], at: datetime) -> None:
        self._games = {game.id: game for game in games}
        self._overrides = overrides_at(at)
        self._at = at
        self._days: dict[str, date] = {}
        # What the law speaks of. A number stands for it: hashing the RTP for each cell takes long.
        products: dict[tuple[str, object], int] = {}
        self._product_of = {
            game.id: products.setdefault((game.category, game.theoretical_rtp), len(products))
            for game in games
        }
        self._laws: dict[tuple[str, int], str] = {}
        self._covered_by: dict[tuple[int, str], tuple[str, str]] = {}
        self._reviews: dict[int, date] = {}

    def cells(self, found: Collection[CoverageCell]) -> list[Cell]:
        ids = {one.cover.certificate.id for one in found if one.cover.certificate is not None}
        self._reviews = review_days(ids)
        return [self._cell(one) for one in found if one.game_id in self._games]

    def _cell(self, one: CoverageCell) -> Cell:
        state, text = self._said(one)
        return Cell(one.game_id, one.jurisdiction, state, text, one.cover)

    def _said(self, one: CoverageCell) -> tuple[str, str]:
        law = self._law(self._games[one.game_id], one.jurisdiction)
        if law:
            return CellState.PROHIBITED, law
        if one.cover.certificate is not None:
            return self._covered(one.cover.certificate.id, one)
        ends_at = self._overrides.get((one.game_id, one.jurisdiction))
        if ends_at is not None:
            return CellState.OVERRIDE, f"Override until {ends_at:%Y-%m-%d %H:%M} UTC"
        why = main_reason(one.cover.reasons).code.replace("_", " ")
        return CellState.NOT_COVERED, f"Not covered: {why}"

    def _covered(self, certificate_id: int, one: CoverageCell) -> tuple[str, str]:
        key = (certificate_id, one.jurisdiction)
        if key not in self._covered_by:
            self._covered_by[key] = self._term(certificate_id, one)
        return self._covered_by[key]

    def _term(self, certificate_id: int, one: CoverageCell) -> tuple[str, str]:
        day = self._day(one.jurisdiction)
        review = self._reviews.get(certificate_id)
        if review is not None and review < day:
            return CellState.REVIEW_OVERDUE, f"Review {(day - review).days} days overdue"
        ends = one.cover.certificate.expires_on if one.cover.certificate else None
        if ends is not None and (ends - day).days <= EXPIRING_DAYS:
            left = (ends - day).days
            return CellState.EXPIRING, f"Expires in {left} days" if left else "Expires today"
        return CellState.COVERED, "Covered"

    def _day(self, place: str) -> date:
        if place not in self._days:
            self._days[place] = day_in(place, self._at)
        return self._days[place]

    def _law(self, game: CatalogueGame, place: str) -> str:
        key = (place, self._product_of[game.id])
        if key not in self._laws:
            self._laws[key] = law_against(game, place, self._day(place))[0]
        return self._laws[key]


def law_against(game: CatalogueGame, place: str, day: date) -> tuple[str, str]:
    """Return what the law of the place says against the game, in short and with its source.

    Both are empty where it says nothing.
    """
    prohibition = product_prohibition(place, game.category, day)
    if prohibition is not None:
        return f"Prohibited ({prohibition.id})", prohibition.citation
    floor = rtp_floor(place, game.category, day)
    if (
        floor is not None
        and game.theoretical_rtp is not None
        and game.theoretical_rtp * _BASIS_POINTS < floor.value
    ):
        return f"RTP below floor ({floor.id})", floor.citation
    return "", ""


def main_reason(reasons: Collection[CoverReason]) -> CoverReason:
    """Return the objection that tells most about what is missing."""
    ranked = [
        (_SAYS_MOST.index(reason.code) if reason.code in _SAYS_MOST else 0, place, reason)
        for place, reason in enumerate(reasons)
    ]
    return min(ranked, key=lambda entry: entry[:2])[2]


def _games(query: MatrixQuery) -> list[CatalogueGame]:
    return offered_games(
        provider_code=query.provider_code, text=query.text, game_code=query.game_code
    )


def matrix_at(at: datetime, query: MatrixQuery) -> Matrix:
    """Return one page of the matrix."""
    games = _games(query)
    places = [query.jurisdiction] if query.jurisdiction else offered_places()
    cells: dict[int, dict[str, Cell]] | None = None
    if query.state:
        cells = _all_cells(games, at, places, query)
        games = [
            game
            for game in games
            if any(cell.state == query.state for cell in cells.get(game.id, {}).values())
        ]
    pages = max(1, -(-len(games) // PAGE_GAMES))
    page = min(max(1, query.page), pages)
    shown = games[(page - 1) * PAGE_GAMES : page * PAGE_GAMES]
    if cells is None:
        cells = _cells(shown, at, places, game_ids=_ids(shown))
    rows = [MatrixRow(game, cells.get(game.id, {})) for game in shown]
    return Matrix(at, places, rows, len(games), page, pages)


def _all_cells(
    games: Collection[CatalogueGame], at: datetime, places: Collection[str], query: MatrixQuery
) -> dict[int, dict[str, Cell]]:
    is_narrowed = bool(query.provider_code or query.text or query.game_code)
    return _cells(games, at, places, game_ids=_ids(games) if is_narrowed else None)


def _cells(
    games: Collection[CatalogueGame],
    at: datetime,
    places: Collection[str],
    *,
    game_ids: Collection[int] | None,
) -> dict[int, dict[str, Cell]]:
    # Naming every game to the database costs it more than being asked for all of them.
    found: dict[int, dict[str, Cell]] = {}
    wanted = frozenset(places)
    verdicts = [one for one in coverage_on(at, game_ids=game_ids) if one.jurisdiction in wanted]
    for cell in _Judge(games, at).cells(verdicts):
        found.setdefault(cell.game_id, {})[cell.jurisdiction] = cell
    return found


def _ids(games: Iterable[CatalogueGame]) -> list[int]:
    return [game.id for game in games]


def gaps_at(at: datetime, query: MatrixQuery) -> list[tuple[CatalogueGame, Cell]]:
    """Return every offer that must not be served; first those that a report can help.

    Offers under an override are gaps too: the override ends.
    """
    games = _games(query)
    places = [query.jurisdiction] if query.jurisdiction else offered_places()
    known = {game.id: game for game in games}
    wanted = (
        {query.state}
        if query.state
        else {CellState.PROHIBITED, CellState.NOT_COVERED, CellState.OVERRIDE}
    )
    found = [
        (known[game_id], cell)
        for game_id, row in _all_cells(games, at, places, query).items()
        for cell in row.values()
        if cell.state in wanted
    ]
    return sorted(found, key=lambda gap: gap[1].state == CellState.PROHIBITED)


def with_next_action(found: Collection[tuple[CatalogueGame, Cell]], at: datetime) -> list[Gap]:
    """Say for each gap what to do next: which report lapsed, who has its renewal, or what else."""
    keys = {
        (game.id, cell.jurisdiction): (game.provider_code, game.game_code, cell.jurisdiction)
        for game, cell in found
    }
    reports = last_reports(set(keys.values()), at)
    renewals = renewals_of(report.id for report in reports.values())
    gaps = []
    for game, cell in found:
        if cell.state == CellState.PROHIBITED:
            gaps.append(
                Gap(
                    game,
                    cell.jurisdiction,
                    cell.state,
                    "prohibited",
                    law_against(game, cell.jurisdiction, day_in(cell.jurisdiction, at))[1],
                    "Withdraw the offer: no report can help",
                )
            )
            continue
        reason = main_reason(cell.cover.reasons)
        report = reports.get(keys[game.id, cell.jurisdiction])
        renewal = renewals.get(report.id) if report is not None else None
        action = _ACTIONS.get(reason.code, _LOOK)
        if renewal is not None and renewal.closed_at is None:
            action = f"Renewal: {renewal.get_state_display().lower()}, due {renewal.due_on}"
        gaps.append(
            Gap(
                game,
                cell.jurisdiction,
                cell.state,
                reason.code,
                reason.text,
                action,
                certificate_id=report.id if report is not None else None,
                renewal_id=renewal.pk if renewal is not None else None,
            )
        )
    return gaps
