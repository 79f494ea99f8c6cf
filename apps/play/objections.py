"""What speaks against serving a game beside its cover: the law of a place, and what closes it.

The launch gate asks it of one game in one place; the sweep of running sessions and the coverage
pages ask it of many, and what is the same for many of them is asked once. A property test holds
their answers together.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from apps.core.jurisdictions import day_in
from apps.integrity.selectors import closed_games
from apps.play.contracts import GateReason
from apps.players.contracts import Rule
from apps.players.rules import product_prohibition, rtp_floor
from apps.providers.coverage.facts import Running, lowest_rtp_percent
from apps.providers.selectors.matrix import CatalogueGame, providers_not_live


class Breach(NamedTuple):
    """A rule that forbids a game in a place; with the RTP of what runs, where that is too low."""

    rule: Rule
    low_rtp_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class _Laws:
    """What the laws of the places say of a category of games, by place."""

    prohibitions: Mapping[str, Breach]
    floors: Mapping[str, Rule]
    highest_floor: int


class Objections:
    """What speaks against games at a moment, in any of these places; two queries."""

    def __init__(self, at: datetime, places: Iterable[str]) -> None:
        self._wrong_files = closed_games(at)
        self._not_live = providers_not_live(at)
        self._days = {place: day_in(place, at) for place in places}
        self._laws: dict[str, _Laws] = {}

    def closing(self, game: CatalogueGame) -> GateReason | None:
        """Return what keeps the game from being served anywhere, whatever covers it."""
        if game.provider_code in self._not_live:
            return not_live(game.provider_code)
        wrong_file = self._wrong_files.get(game.id)
        return closed_by(wrong_file) if wrong_file is not None else None

    def unlawful(
        self,
        game: CatalogueGame,
        running: Mapping[str, Sequence[Running]],
        places: Collection[str],
    ) -> Mapping[str, Breach]:
        """Return, for each of these places where the law forbids the game, which rule does.

        Other places may be in it too. Where two rules forbid it, it is the one on the product.
        """
        if game.category not in self._laws:
            self._laws[game.category] = _laws(game.category, self._days)
        laws, stated_percent = self._laws[game.category], game.theoretical_rtp * 100
        if not running and stated_percent * 100 >= laws.highest_floor:
            return laws.prohibitions
        low: dict[str, Breach] = {}
        for place, floor in laws.floors.items():
            if place in places:
                breach = floor_breach(floor, running.get(place, ()), stated_percent)
                if breach is not None:
                    low[place] = breach
        return {**low, **laws.prohibitions} if low else laws.prohibitions


def breaches(
    jurisdiction: str,
    day: date,
    category: str,
    running: Iterable[Running],
    stated_percent: Decimal,
) -> list[Breach]:
    """Return every rule of the place on its day that forbids what runs there."""
    found = []
    prohibition = product_prohibition(jurisdiction, category, day)
    if prohibition is not None:
        found.append(Breach(prohibition))
    floor = rtp_floor(jurisdiction, category, day)
    low = None if floor is None else floor_breach(floor, running, stated_percent)
    return found if low is None else [*found, low]


def floor_breach(floor: Rule, running: Iterable[Running], stated_percent: Decimal) -> Breach | None:
    """Return the breach of a floor (basis points) by the lowest RTP that runs, or None."""
    percent = lowest_rtp_percent(running, stated_percent)
    return Breach(floor, percent) if percent * 100 < floor.value else None


def not_live(provider_code: str) -> GateReason:
    text = f"{provider_code} is not live yet: two people take it live by its checklist."
    return GateReason("provider_not_live", text)


def closed_by(wrong_file: str) -> GateReason:
    text = f"{wrong_file} on the game server is not the file that was certified."
    return GateReason("digest_mismatch", text)


def _laws(category: str, days: Mapping[str, date]) -> _Laws:
    prohibitions, floors = {}, {}
    for place, day in days.items():
        prohibition = product_prohibition(place, category, day)
        if prohibition is not None:
            prohibitions[place] = Breach(prohibition)
        floor = rtp_floor(place, category, day)
        if floor is not None:
            floors[place] = floor
    highest = max((floor.value for floor in floors.values()), default=0)
    return _Laws(prohibitions, floors, highest)
