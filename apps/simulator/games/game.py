"""What every game of the reference provider is: a catalogue entry and a way to play it."""

import random
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

STAKE_GRAIN_MINOR = 20
"""Stakes are multiples of this many minor units and every pay is a multiple of 1/20, so that
a win is always a whole number of minor units: nothing is rounded anywhere in the engine."""


class Paytable(Protocol):
    """The rules of one game, complete enough to compute its return exactly."""

    def theoretical_rtp(self) -> Fraction:
        """Return the exact expected return of one unit staked."""
        ...

    def play(self, draw: random.Random) -> tuple[Fraction, ...]:
        """Play one round; one pay, as a multiple of the stake, per event of the round."""
        ...


@dataclass(frozen=True, slots=True)
class Game:
    """One title of the catalogue."""

    code: str
    name: str
    category: str
    round_type: str
    paytable: Paytable
    is_promotable: bool = False
    has_pending_result: bool = False
    """The round is announced tentatively and settled by a second message with the same id."""


def pick_weighted(draw: random.Random, weights: tuple[int, ...]) -> int:
    """Return an index with probability weight/total, by an integer draw (no float involved)."""
    ticket = draw.randrange(sum(weights))
    for index, weight in enumerate(weights):
        if ticket < weight:
            return index
        ticket -= weight
    raise AssertionError(ticket)
