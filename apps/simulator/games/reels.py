"""Three-reel slots, with or without cascades; the return follows from strips and pays alone."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import override

from apps.simulator.games.game import Paytable


@dataclass(frozen=True, slots=True)
class ReelPaytable(Paytable):
    """Three independent reels; three of a kind on the line pays, everything else loses.

    With a ``ladder`` of more than one step a winning line cascades: the reels fall again at the
    next step's multiplier, until a line loses or the ladder ends.
    """

    reels: tuple[str, str, str]
    """Each reel as the symbols on its strip, one character per stop."""
    pays: Mapping[str, Fraction]
    ladder: tuple[int, ...] = (1,)

    def line_chances(self) -> dict[str, Fraction]:
        """Return the exact probability of three of a kind for each paying symbol."""
        counts = [Counter(reel) for reel in self.reels]
        stops = len(self.reels[0]) * len(self.reels[1]) * len(self.reels[2])
        return {
            symbol: Fraction(counts[0][symbol] * counts[1][symbol] * counts[2][symbol], stops)
            for symbol in self.pays
        }

    @override
    def theoretical_rtp(self) -> Fraction:
        chances = self.line_chances()
        hit = sum(chances.values(), Fraction(0))
        pay = sum((chances[symbol] * self.pays[symbol] for symbol in self.pays), Fraction(0))
        # A step is reached only if every step before it won.
        return sum(
            (hit**depth * pay * multiplier for depth, multiplier in enumerate(self.ladder)),
            Fraction(0),
        )

    @override
    def play(self, draw: random.Random) -> tuple[Fraction, ...]:
        wins: list[Fraction] = []
        for multiplier in self.ladder:
            line = [reel[draw.randrange(len(reel))] for reel in self.reels]
            paid = self.pays.get(line[0], Fraction(0)) if len(set(line)) == 1 else Fraction(0)
            wins.append(paid * multiplier)
            if paid == 0:
                break
        return tuple(wins)
