"""What a cell of the matrix says: the launch gate's own answer, in a few words, for many at once.

A cell is served exactly if the gate allows it; a property test holds the two together. What is the
same for many cells is asked once.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from apps.compliance.enums import CellState
from apps.core.jurisdictions import day_in
from apps.core.percents import display_percent
from apps.integrity.selectors import closed_games
from apps.players.contracts import Rule
from apps.players.rules import product_prohibition, rtp_floor
from apps.providers.contracts import CertificateRef, Cover, CoverReason
from apps.providers.coverage.facts import lowest_rtp_percent
from apps.providers.selectors.coverage import GameCoverage
from apps.providers.selectors.matrix import (
    CatalogueGame,
    overrides_at,
    providers_not_live,
    reviews_due_before,
)

EXPIRING_DAYS: Final = 90
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


class Said(NamedTuple):
    """The state of a cell, and why in a few words.

    Where something else than a missing report speaks against it, ``code`` is the gate's word for
    it and ``why`` says it in whole.
    """

    state: str
    text: str
    code: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Laws:
    """What the laws of the places say of a category of games, by place."""

    prohibitions: Mapping[str, Said]
    floors: Mapping[str, Rule]
    highest_floor: int


class CellJudge:
    """Turns verdicts on cover into what the matrix says of a game in each place."""

    def __init__(self, at: datetime, places: Iterable[str]) -> None:
        self._reviews = reviews_due_before(at.date() + _A_DAY)
        self._overrides = overrides_at(at)
        self._wrong_files = closed_games()
        self._not_live = providers_not_live()
        self._days = {place: day_in(place, at) for place in places}
        self._laws: dict[str, _Laws] = {}
        self._terms: dict[tuple[int, str], Said] = {}

    def said(
        self, game: CatalogueGame, coverage: GameCoverage, covers: Mapping[str, Cover]
    ) -> dict[str, Said]:
        """Return what to say of the game in each place that ``covers`` names."""
        unlawful, closed = self._unlawful(game, coverage, covers), self._closed(game)
        terms = self._terms
        found: dict[str, Said] = {}
        for place, cover in covers.items():
            if place in unlawful:
                found[place] = unlawful[place]
            elif cover.certificate is None:
                found[place] = self._uncovered(game, place, cover, closed)
            elif closed is not None:
                found[place] = closed
            else:
                key = cover.certificate.id, place
                if key not in terms:
                    terms[key] = self._term(cover.certificate, place)
                found[place] = terms[key]
        return found

    def _unlawful(
        self, game: CatalogueGame, coverage: GameCoverage, covers: Collection[str]
    ) -> Mapping[str, Said]:
        if game.category not in self._laws:
            self._laws[game.category] = _laws(game.category, self._days)
        laws, stated = self._laws[game.category], game.theoretical_rtp * 100
        if not coverage.running and stated * 100 >= laws.highest_floor:
            return laws.prohibitions
        low: dict[str, Said] = {}
        for place, floor in laws.floors.items():
            if place in covers:
                rtp_percent = lowest_rtp_percent(coverage.running.get(place, ()), stated)
                if rtp_percent * 100 < floor.value:
                    figure = display_percent(rtp_percent)
                    low[place] = Said(
                        CellState.PROHIBITED,
                        f"RTP below floor ({floor.id})",
                        "rtp_below_floor",
                        f"The RTP is {figure}. {floor.citation}",
                    )
        return {**low, **laws.prohibitions} if low else laws.prohibitions

    def _closed(self, game: CatalogueGame) -> Said | None:
        """Return what keeps the game from being served anywhere, whatever covers it."""
        if game.provider_code in self._not_live:
            why = f"{game.provider_code} is not live yet: two people take it live by its checklist."
            return Said(CellState.CLOSED, "Provider not live", "provider_not_live", why)
        wrong_file = self._wrong_files.get(game.id)
        if wrong_file is None:
            return None
        text = f"{wrong_file} on the game server is not the file that was certified."
        return Said(CellState.CLOSED, "Wrong file on the server", "digest_mismatch", text)

    def _uncovered(
        self, game: CatalogueGame, place: str, cover: Cover, closed: Said | None
    ) -> Said:
        ends_at = self._overrides.get((game.id, place))
        if ends_at is not None and cover.may_be_lifted:
            return closed or Said(
                CellState.OVERRIDE, f"Override until {ends_at:%Y-%m-%d %H:%M} UTC"
            )
        why = main_reason(cover.reasons).code.replace("_", " ")
        return Said(CellState.NOT_COVERED, f"Not covered: {why}")

    def _term(self, certificate: CertificateRef, place: str) -> Said:
        day = self._days[place]
        review = self._reviews.get(certificate.id)
        if review is not None and review < day:
            return Said(CellState.REVIEW_OVERDUE, f"Review {(day - review).days} days overdue")
        ends = certificate.expires_on
        if ends is not None and (ends - day).days <= EXPIRING_DAYS:
            left = (ends - day).days
            return Said(CellState.EXPIRING, f"Expires in {left} days" if left else "Expires today")
        return Said(CellState.COVERED, "Covered")


def _laws(category: str, days: Mapping[str, date]) -> _Laws:
    prohibitions, floors = {}, {}
    for place, day in days.items():
        prohibition = product_prohibition(place, category, day)
        if prohibition is not None:
            prohibitions[place] = Said(
                CellState.PROHIBITED,
                f"Prohibited ({prohibition.id})",
                "prohibited_product",
                prohibition.citation,
            )
        floor = rtp_floor(place, category, day)
        if floor is not None:
            floors[place] = floor
    highest = max((floor.value for floor in floors.values()), default=0)
    return _Laws(prohibitions, floors, highest)


def main_reason(reasons: Collection[CoverReason]) -> CoverReason:
    """Return the objection that tells most about what is missing."""
    ranked = [
        (_SAYS_MOST.index(reason.code) if reason.code in _SAYS_MOST else 0, place, reason)
        for place, reason in enumerate(reasons)
    ]
    return min(ranked, key=lambda entry: entry[:2])[2]
