"""Games x jurisdictions at a moment: what each cell says, and what is missing.

Only the page that is shown is judged, unless somebody asks for a state: which games are in it is
known only after all were judged.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from apps.compliance.contracts import Cell, Gap, Matrix, MatrixQuery, MatrixRow
from apps.compliance.enums import CellState
from apps.compliance.selectors.cells import CellJudge, Said, main_reason
from apps.compliance.selectors.renewals import renewals_of
from apps.providers.contracts import Cover
from apps.providers.selectors.coverage import coverage_by_game
from apps.providers.selectors.matrix import (
    CatalogueGame,
    last_reports,
    offered_games,
    offered_places,
)

PAGE_GAMES: Final = 50
_ACTIONS: Final[Mapping[str, str]] = {
    "expired": "Renew it, or withdraw the offer",
    "invalidated_by_change": "Have the new build tested, or withdraw the offer",
    "no_certificate": "Upload the report, or withdraw the offer",
    "other_jurisdiction": "Have the lab add the jurisdiction, or withdraw the offer",
    "recalled": "Upload another report, or withdraw the offer",
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
RENEWED_BY: Final = frozenset({"expired", "invalidated_by_change", "recalled", "superseded"})
"""What a new report mends, so that its renewal is the next step once somebody has it in hand."""
_LOOK: Final = "Look at the reports that name the game"
# What to do where no report is missing, by the gate's word for what speaks against the offer.
_OTHER_ACTIONS: Final[Mapping[str, str]] = {
    "prohibited_product": "Withdraw the offer: no report can help",
    "rtp_below_floor": "Deploy a variant with a higher RTP, or withdraw the offer",
    "digest_mismatch": "Have the certified file put back and measured again",
    "provider_not_live": "Take the provider live by its checklist",
}


def _games(query: MatrixQuery, at: datetime) -> list[CatalogueGame]:
    return offered_games(
        at, provider_code=query.provider_code, text=query.text, game_code=query.game_code
    )


def matrix_at(at: datetime, query: MatrixQuery) -> Matrix:
    """Return one page of the matrix."""
    games = _games(query, at)
    places = [query.jurisdiction] if query.jurisdiction else offered_places(at)
    judged: Mapping[int, _Row] | None = None
    if query.state:
        judged = _judge_all(games, at, places, query)
        games = [
            game
            for game in games
            if any(one.state == query.state for one in judged[game.id].said.values())
        ]
    pages = max(1, -(-len(games) // PAGE_GAMES))
    page = min(max(1, query.page), pages)
    shown = games[(page - 1) * PAGE_GAMES : page * PAGE_GAMES]
    if judged is None:
        judged = _judge(shown, at, places, game_ids=_ids(shown))
    rows = [MatrixRow(game, judged[game.id].cells()) for game in shown]
    return Matrix(at, places, rows, len(games), page, pages)


@dataclass(frozen=True, slots=True)
class _Row:
    """A game with what covers it and what is said of it, by jurisdiction."""

    game: CatalogueGame
    covers: Mapping[str, Cover]
    said: Mapping[str, Said]

    def cells(self, states: Collection[str] = tuple(CellState)) -> dict[str, Cell]:
        """Return the cells in these states; most are in none of a few, and cost nothing then."""
        game_id, covers = self.game.id, self.covers
        return {
            place: Cell(game_id, place, one.state, one.text, covers[place], one.code, one.why)
            for place, one in self.said.items()
            if one.state in states
        }


def _judge_all(
    games: Collection[CatalogueGame], at: datetime, places: Sequence[str], query: MatrixQuery
) -> dict[int, _Row]:
    # Naming every game to the database costs it more than being asked for all of them.
    is_narrowed = bool(query.provider_code or query.text or query.game_code)
    return _judge(games, at, places, game_ids=_ids(games) if is_narrowed else None)


def _judge(
    games: Collection[CatalogueGame],
    at: datetime,
    places: Sequence[str],
    *,
    game_ids: Collection[int] | None,
) -> dict[int, _Row]:
    """Return what is said of each of these games in these places."""
    coverage_of = {one.game_id: one for one in coverage_by_game(at, game_ids=game_ids)}
    judge = CellJudge(at, set[str]().union(*(one.covers for one in coverage_of.values())))
    found = {}
    for game in games:
        coverage = coverage_of.get(game.id)
        if coverage is None:
            found[game.id] = _Row(game, {}, {})
            continue
        covers = coverage.covers
        if len(places) == 1:
            covers = {place: covers[place] for place in places if place in covers}
        found[game.id] = _Row(game, covers, judge.said(game, coverage, covers))
    return found


def _ids(games: Iterable[CatalogueGame]) -> list[int]:
    return [game.id for game in games]


def gaps_at(at: datetime, query: MatrixQuery) -> list[tuple[CatalogueGame, Cell]]:
    """Return every offer that must not be served; last those that the law forbids.

    Offers under an override are gaps too: the override ends.
    """
    games = _games(query, at)
    places = [query.jurisdiction] if query.jurisdiction else offered_places(at)
    wanted = (
        {query.state}
        if query.state
        else {
            CellState.PROHIBITED,
            CellState.NOT_COVERED,
            CellState.CLOSED,
            CellState.OVERRIDE,
        }
    )
    found = [
        (row.game, cell)
        for row in _judge_all(games, at, places, query).values()
        for cell in row.cells(wanted).values()
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
        if cell.code:
            action = _OTHER_ACTIONS[cell.code]
            gaps.append(Gap(game, cell.jurisdiction, cell.state, cell.code, cell.why, action))
            continue
        reason = main_reason(cell.cover.reasons)
        report = reports.get(keys[game.id, cell.jurisdiction])
        renewal = None
        if report is not None and reason.code in RENEWED_BY:
            renewal = renewals.get(report.id)
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
