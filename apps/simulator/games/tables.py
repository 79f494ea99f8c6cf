"""Roulette, blackjack, baccarat and the live wheel, each with its exact return."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final, override

from apps.simulator.games.game import Paytable, pick_weighted

LOSS: Final = Fraction(0)
PUSH: Final = Fraction(1)


@dataclass(frozen=True, slots=True)
class RoulettePaytable(Paytable):
    """A single-zero wheel. The simulated players spread their bets by ``bet_weights``.

    A bet covers some numbers and returns 36/covered of the stake, which is what makes the return
    of each of them the same 36/37.
    """

    covered: tuple[int, ...] = (18, 12, 1)
    bet_weights: tuple[int, ...] = (6, 3, 1)

    @override
    def theoretical_rtp(self) -> Fraction:
        total = sum(self.bet_weights)
        return sum(
            (
                Fraction(weight, total) * Fraction(numbers, 37) * Fraction(36, numbers)
                for weight, numbers in zip(self.bet_weights, self.covered, strict=True)
            ),
            Fraction(0),
        )

    @override
    def play(self, draw: random.Random) -> tuple[Fraction, ...]:
        numbers = self.covered[pick_weighted(draw, self.bet_weights)]
        return (Fraction(36, numbers) if draw.randrange(37) < numbers else LOSS,)


@dataclass(frozen=True, slots=True)
class WheelPaytable(Paytable):
    """The live wheel: each segment shows a number; a bet on it pays the number to one."""

    segments: Mapping[int, int]
    """How many of the wheel's segments show each number."""
    bet_weights: Mapping[int, int]

    @override
    def theoretical_rtp(self) -> Fraction:
        stops, bets = sum(self.segments.values()), sum(self.bet_weights.values())
        return sum(
            (
                Fraction(weight, bets) * Fraction(self.segments[number], stops) * (number + 1)
                for number, weight in self.bet_weights.items()
            ),
            Fraction(0),
        )

    @override
    def play(self, draw: random.Random) -> tuple[Fraction, ...]:
        bets = tuple(self.bet_weights)
        bet = bets[pick_weighted(draw, tuple(self.bet_weights.values()))]
        stops = tuple(self.segments)
        stop = stops[pick_weighted(draw, tuple(self.segments.values()))]
        return (Fraction(bet + 1) if stop == bet else LOSS,)


RANK_WEIGHTS: Final = {1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 9: 1, 10: 4}
"""Blackjack values of an endless shoe: the ace is 1, tens and pictures are 10."""


@dataclass(frozen=True, slots=True)
class Hand:
    """A blackjack hand as the total counting aces as one, whether it holds an ace, its size."""

    hard: int = 0
    has_ace: bool = False
    cards: int = 0

    @property
    def is_soft(self) -> bool:
        return self.has_ace and self.hard + 10 <= 21

    @property
    def total(self) -> int:
        return self.hard + 10 if self.is_soft else self.hard

    @property
    def is_blackjack(self) -> bool:
        return self.cards == 2 and self.total == 21

    def with_card(self, rank: int) -> "Hand":
        return Hand(self.hard + rank, self.has_ace or rank == 1, self.cards + 1)


@dataclass(frozen=True, slots=True)
class BlackjackPaytable(Paytable):
    """Blackjack from an endless shoe, player on a fixed strategy without doubling or splitting.

    The player stands on soft 18, on hard 17, and on hard 12 against a dealer's 2 to 6; the
    dealer stands on every 17. Blackjack pays ``blackjack_pays`` to one.
    """

    blackjack_pays: Fraction = Fraction(3, 2)

    @override
    def theoretical_rtp(self) -> Fraction:
        returned = Fraction(0)
        for upcard, upcard_weight in RANK_WEIGHTS.items():
            dealer = _final_hands(Hand().with_card(upcard), None)
            player = _final_hands(Hand(), upcard)
            for mine, mine_chance in player.items():
                for theirs, theirs_chance in dealer.items():
                    chance = Fraction(upcard_weight, 13) * mine_chance * theirs_chance
                    returned += chance * self._returned(mine, theirs)
        return returned

    @override
    def play(self, draw: random.Random) -> tuple[Fraction, ...]:
        upcard = _draw_rank(draw)
        player, dealer = Hand(), Hand().with_card(upcard)
        while not _stands(player, upcard):
            player = player.with_card(_draw_rank(draw))
        while not _stands(dealer, None):
            dealer = dealer.with_card(_draw_rank(draw))
        return (self._returned(_result(player), _result(dealer)),)

    def _returned(self, player: int, dealer: int) -> Fraction:
        if player == BUST:
            return LOSS
        if player == dealer:
            return PUSH
        if player == BLACKJACK:
            return 1 + self.blackjack_pays
        return Fraction(2) if dealer == BUST or player > dealer else LOSS


BUST: Final = 0
BLACKJACK: Final = 22
"""A result above any total, so that a natural beats a drawn 21."""


def _result(hand: Hand) -> int:
    if hand.is_blackjack:
        return BLACKJACK
    return hand.total if hand.total <= 21 else BUST


def _stands(hand: Hand, upcard: int | None) -> bool:
    """Say whether the hand takes no more cards; ``upcard`` None is the dealer's own rule."""
    if hand.cards < 2:
        return False
    if upcard is None:
        return hand.total >= 17
    if hand.is_soft:
        return hand.total >= 18
    return hand.total >= (12 if 2 <= upcard <= 6 else 17)


@cache
def _final_hands(hand: Hand, upcard: int | None) -> Mapping[int, Fraction]:
    """Return the chance of each result reachable from ``hand``."""
    if _stands(hand, upcard):
        return {_result(hand): Fraction(1)}
    chances: dict[int, Fraction] = {}
    for rank, weight in RANK_WEIGHTS.items():
        for result, chance in _final_hands(hand.with_card(rank), upcard).items():
            chances[result] = chances.get(result, Fraction(0)) + Fraction(weight, 13) * chance
    return chances


def _draw_rank(draw: random.Random) -> int:
    return min(draw.randrange(1, 14), 10)


POINT_WEIGHTS: Final = {0: 4, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 9: 1}
BANKER_DRAWS: Final[Mapping[int, range | tuple[int, ...]]] = {
    0: range(10),
    1: range(10),
    2: range(10),
    3: (0, 1, 2, 3, 4, 5, 6, 7, 9),
    4: range(2, 8),
    5: range(4, 8),
    6: range(6, 8),
    7: (),
}
"""Player's third card on which the banker, holding the key, draws too."""


@dataclass(frozen=True, slots=True)
class BaccaratPaytable(Paytable):
    """Punto banco from an endless shoe; bets spread over player, banker and tie."""

    player_weight: int = 5
    banker_weight: int = 5
    tie_weight: int = 0
    banker_pays: Fraction = Fraction(19, 20)
    tie_pays: int = 8

    @override
    def theoretical_rtp(self) -> Fraction:
        player, banker, tie = baccarat_chances()
        bets = self.player_weight + self.banker_weight + self.tie_weight
        return (
            self.player_weight * (player * 2 + tie)
            + self.banker_weight * (banker * (1 + self.banker_pays) + tie)
            + self.tie_weight * tie * (1 + self.tie_pays)
        ) / bets

    @override
    def play(self, draw: random.Random) -> tuple[Fraction, ...]:
        bet = pick_weighted(draw, (self.player_weight, self.banker_weight, self.tie_weight))
        player = (_draw_point(draw) + _draw_point(draw)) % 10
        banker = (_draw_point(draw) + _draw_point(draw)) % 10
        player, banker = _third_cards(player, banker, _draw_point(draw), _draw_point(draw))
        if player == banker:
            return (Fraction(1 + self.tie_pays) if bet == 2 else PUSH,)
        if bet == 0:
            return (Fraction(2) if player > banker else LOSS,)
        return (1 + self.banker_pays if bet == 1 and banker > player else LOSS,)


def _draw_point(draw: random.Random) -> int:
    return min(draw.randrange(1, 14), 10) % 10


def _third_cards(player: int, banker: int, first: int, second: int) -> tuple[int, int]:
    """Apply the drawing rules; a card that the rules don't call for is left in the shoe."""
    if player >= 8 or banker >= 8:
        return player, banker
    if player >= 6:
        return player, (banker + first) % 10 if banker <= 5 else banker
    drawn = (player + first) % 10
    return drawn, (banker + second) % 10 if first in BANKER_DRAWS[banker] else banker


@cache
def baccarat_chances() -> tuple[Fraction, Fraction, Fraction]:
    """Return the exact chances of a player win, a banker win and a tie."""
    totals: dict[int, int] = dict.fromkeys(range(10), 0)
    for one, one_weight in POINT_WEIGHTS.items():
        for two, two_weight in POINT_WEIGHTS.items():
            totals[(one + two) % 10] += one_weight * two_weight
    ways = {"player": 0, "banker": 0, "tie": 0}
    for player, player_ways in totals.items():
        for banker, banker_ways in totals.items():
            for first, first_ways in POINT_WEIGHTS.items():
                for second, second_ways in POINT_WEIGHTS.items():
                    mine, theirs = _third_cards(player, banker, first, second)
                    key = "tie" if mine == theirs else "player" if mine > theirs else "banker"
                    ways[key] += player_ways * banker_ways * first_ways * second_ways
    total = 13**6
    return (
        Fraction(ways["player"], total),
        Fraction(ways["banker"], total),
        Fraction(ways["tie"], total),
    )
