from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from apps.providers.contracts import Cover
from apps.providers.selectors.matrix import CatalogueGame
from apps.rounds.rounds_in_spans import OpenedRound, PlaceInTime


class Cell(NamedTuple):
    """What the matrix says of one game in one jurisdiction, and why in a few words.

    ``code`` and ``why`` are set where something else than a missing report speaks against it.
    """

    game_id: int
    jurisdiction: str
    state: str
    text: str
    cover: Cover
    code: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    game: CatalogueGame
    cells: dict[str, Cell]


@dataclass(frozen=True, slots=True)
class MatrixQuery:
    """What to show: empty means all. ``text`` is part of a game's code or name."""

    provider_code: str = ""
    jurisdiction: str = ""
    state: str = ""
    text: str = ""
    game_code: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Matrix:
    """One page of games by jurisdictions, at one moment."""

    at: datetime
    places: list[str]
    rows: list[MatrixRow]
    games: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Gap:
    """An offer that must not be served, with what to do next.

    ``certificate_id`` is the report to renew, ``renewal_id`` its renewal, where there is one.
    """

    game: CatalogueGame
    jurisdiction: str
    state: str
    code: str
    why: str
    action: str
    certificate_id: int | None = None
    renewal_id: int | None = None


@dataclass(frozen=True, slots=True)
class Stake:
    """What was staked on a game in a jurisdiction in the last 30 days, in one currency."""

    currency: str
    stake_minor: int
    rounds: int
    players: frozenset[str]


@dataclass(frozen=True, slots=True)
class LostOffer:
    """An offer that is served now and would not be."""

    game_id: int
    provider_code: str
    game_code: str
    jurisdiction: str
    why: str
    stakes: tuple[Stake, ...] = ()


@dataclass(frozen=True, slots=True)
class WhatIfAnswer:
    """What stops being covered on a day, or without a report, and what was played there.

    ``stake_minor`` is by currency; ``players`` names each person once; ``gained`` are the offers
    (provider, game, jurisdiction) that are covered then and not now.
    """

    on: date
    without: str
    lost: list[LostOffer]
    gained: list[tuple[str, str, str]]
    since: datetime
    until: datetime
    stake_minor: dict[str, int] = field(default_factory=dict)
    rounds: int = 0
    players: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CertifiedPage:
    """Some rounds under a certificate, newest first.

    ``older`` says where the next page begins; it is None on the last page.
    """

    rounds: list[OpenedRound]
    older: PlaceInTime | None
