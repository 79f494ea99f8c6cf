"""What a cell of the matrix says: the launch gate's own answer, in a few words, for many at once.

A cell is served exactly if the gate allows it; a property test holds the two together. What is the
same for many cells is asked once.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from apps.compliance.enums import CellState
from apps.core.counting import counted
from apps.core.jurisdictions import day_in
from apps.core.percents import display_percent
from apps.play.objections import Objections
from apps.players.contracts import Rule
from apps.providers.contracts import CertificateRef, Cover, CoverReason
from apps.providers.selectors.coverage import GameCoverage
from apps.providers.selectors.matrix import (
    CatalogueGame,
    overrides_at,
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

_CLOSED_TEXTS: Final = {
    "provider_not_live": "Provider not live",
    "digest_mismatch": "Wrong file on the server",
}


class Said(NamedTuple):
    """The state of a cell, and why in a few words.

    Where something else than a missing report speaks against it, ``code`` is the gate's word for
    it and ``why`` says it in whole.
    """

    state: str
    text: str
    code: str = ""
    why: str = ""


class CellJudge:
    """Turns verdicts on cover into what the matrix says of a game in each place."""

    def __init__(self, at: datetime, places: Iterable[str]) -> None:
        self._reviews = reviews_due_before(at.date() + _A_DAY)
        self._overrides = overrides_at(at)
        self._days = {place: day_in(place, at) for place in places}
        self._objections = Objections(at, self._days)
        self._forbidden: dict[tuple[str, Decimal | None], Said] = {}
        self._terms: dict[tuple[int, str], Said] = {}

    def said(
        self, game: CatalogueGame, coverage: GameCoverage, covers: Mapping[str, Cover]
    ) -> dict[str, Said]:
        """Return what to say of the game in each place that ``covers`` names."""
        unlawful = self._objections.unlawful(game, coverage.running, covers)
        closed = self._closed(game)
        forbidden, terms = self._forbidden, self._terms
        found: dict[str, Said] = {}
        for place, cover in covers.items():
            if place in unlawful:
                rule, low_rtp_percent = unlawful[place]
                breach = rule.id, low_rtp_percent
                if breach not in forbidden:
                    forbidden[breach] = _forbidden(rule, low_rtp_percent)
                found[place] = forbidden[breach]
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

    def _closed(self, game: CatalogueGame) -> Said | None:
        reason = self._objections.closing(game)
        if reason is None:
            return None
        return Said(CellState.CLOSED, _CLOSED_TEXTS[reason.code], reason.code, reason.text)

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
            late = counted((day - review).days, "day")
            return Said(CellState.REVIEW_OVERDUE, f"Review {late} overdue")
        ends = certificate.expires_on
        if ends is not None and (ends - day).days <= EXPIRING_DAYS:
            left = (ends - day).days
            when = f"in {counted(left, 'day')}" if left else "today"
            return Said(CellState.EXPIRING, f"Expires {when}")
        return Said(CellState.COVERED, "Covered")


def _forbidden(rule: Rule, low_rtp_percent: Decimal | None) -> Said:
    state, cited = CellState.PROHIBITED, rule.citation
    if low_rtp_percent is None:
        return Said(state, f"Prohibited ({rule.id})", "prohibited_product", cited)
    why = f"The RTP is {display_percent(low_rtp_percent)}. {cited}"
    return Said(state, f"RTP below floor ({rule.id})", "rtp_below_floor", why)


def main_reason(reasons: Collection[CoverReason]) -> CoverReason:
    """Return the objection that tells most about what is missing."""
    ranked = [
        (_SAYS_MOST.index(reason.code) if reason.code in _SAYS_MOST else 0, place, reason)
        for place, reason in enumerate(reasons)
    ]
    return min(ranked, key=lambda entry: entry[:2])[2]
