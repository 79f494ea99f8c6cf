"""Games x jurisdictions at a moment: what each cell says, and what is missing.

Only the page that is shown is judged, unless somebody asks for a state: which games are in it is
known only after all were judged.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from apps.compliance.contracts import Cell, Gap, Matrix, MatrixQuery, MatrixRow
from apps.compliance.enums import CellState
from apps.compliance.selectors.renewals import renewals_of
from apps.core.jurisdictions import day_in
from apps.players.rules import product_prohibition, rtp_floor
from apps.providers.contracts import CertificateRef, Cover, CoverReason
from apps.providers.selectors.coverage import coverage_by_game
from apps.providers.selectors.matrix import (
    CatalogueGame,
    last_reports,
    offered_games,
    offered_places,
    overrides_at,
    reviews_due_before,
)

PAGE_GAMES: Final = 50
EXPIRING_DAYS: Final = 90
_BASIS_POINTS: Final = 10_000
# No clock of a jurisdiction is further ahead of ours.
_A_DAY: Final = timedelta(days=1)

# Which objection says most, where several reports name the game and none covers it.
_SAYS_MOST: Final = (
    "digest_mismatch",
    "does_not_comply",
    "invalid_signature",
    "invalidated_by_change",
    "recalled",
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
_LOOK: Final = "Look at the reports that name the game"


type _Said = tuple[str, str]
"""The state of a cell, and in a few words why."""


class _Judge:
    """Turns verdicts into what the matrix says; what is the same for many cells is asked once."""

    def __init__(self, at: datetime) -> None:
        self._reviews = reviews_due_before(at.date() + _A_DAY)
        self._overrides = overrides_at(at)
        self._at = at
        self._days: dict[str, date] = {}
        self._laws: dict[tuple[str, Decimal | None], dict[str, str]] = {}
        self._terms: dict[tuple[int, str], _Said] = {}

    def said(self, game: CatalogueGame, covers: Mapping[str, Cover]) -> dict[str, _Said]:
        """Return what to say of the game in each place."""
        laws = self._laws.setdefault((game.category, game.theoretical_rtp), {})
        terms = self._terms
        found: dict[str, _Said] = {}
        for place, cover in covers.items():
            if place not in laws:
                laws[place] = law_against(game, place, self._day(place))[0]
            if laws[place]:
                found[place] = CellState.PROHIBITED, laws[place]
            elif cover.certificate is None:
                found[place] = self._uncovered(game, place, cover)
            else:
                key = cover.certificate.id, place
                if key not in terms:
                    terms[key] = self._term(cover.certificate, place)
                found[place] = terms[key]
        return found

    def _uncovered(self, game: CatalogueGame, place: str, cover: Cover) -> _Said:
        ends_at = self._overrides.get((game.id, place))
        if ends_at is not None:
            return CellState.OVERRIDE, f"Override until {ends_at:%Y-%m-%d %H:%M} UTC"
        why = main_reason(cover.reasons).code.replace("_", " ")
        return CellState.NOT_COVERED, f"Not covered: {why}"

    def _term(self, certificate: CertificateRef, place: str) -> _Said:
        day = self._day(place)
        review = self._reviews.get(certificate.id)
        if review is not None and review < day:
            return CellState.REVIEW_OVERDUE, f"Review {(day - review).days} days overdue"
        ends = certificate.expires_on
        if ends is not None and (ends - day).days <= EXPIRING_DAYS:
            left = (ends - day).days
            return CellState.EXPIRING, f"Expires in {left} days" if left else "Expires today"
        return CellState.COVERED, "Covered"

    def _day(self, place: str) -> date:
        if place not in self._days:
            self._days[place] = day_in(place, self._at)
        return self._days[place]


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
    judged: Mapping[int, _Row] | None = None
    if query.state:
        judged = _judge_all(games, at, places, query)
        games = [
            game
            for game in games
            if any(state == query.state for state, _ in judged[game.id].said.values())
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
    said: Mapping[str, _Said]

    def cells(self) -> dict[str, Cell]:
        return {
            place: Cell(self.game.id, place, state, text, self.covers[place])
            for place, (state, text) in self.said.items()
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
    coverage = coverage_by_game(at, game_ids=game_ids)
    judge, found = _Judge(at), {}
    covers_of = {one.game_id: one.covers for one in coverage}
    for game in games:
        covers = covers_of.get(game.id, {})
        if len(places) == 1:
            covers = {place: covers[place] for place in places if place in covers}
        found[game.id] = _Row(game, covers, judge.said(game, covers))
    return found


def _ids(games: Iterable[CatalogueGame]) -> list[int]:
    return [game.id for game in games]


def gaps_at(at: datetime, query: MatrixQuery) -> list[tuple[CatalogueGame, Cell]]:
    """Return every offer that must not be served; first those that a report can help.

    Offers under an override are gaps too: the override ends.
    """
    games = _games(query)
    places = [query.jurisdiction] if query.jurisdiction else offered_places()
    wanted = (
        {query.state}
        if query.state
        else {CellState.PROHIBITED, CellState.NOT_COVERED, CellState.OVERRIDE}
    )
    found = [
        (row.game, cell)
        for row in _judge_all(games, at, places, query).values()
        if any(state in wanted for state, _ in row.said.values())
        for cell in row.cells().values()
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
