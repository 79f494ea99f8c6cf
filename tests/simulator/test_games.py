"""Each game's theoretical return is what its paytable says, to the last fraction."""

import itertools
import random
from fractions import Fraction

import pytest

from apps.simulator.borealis.home import catalogue_rtp
from apps.simulator.borealis.rounds import PROMO_MULTIPLIER, STAKES_MINOR
from apps.simulator.games.catalogue import CATALOGUE, GAMES_BY_CODE
from apps.simulator.games.game import Game
from apps.simulator.games.reels import ReelPaytable
from apps.simulator.games.tables import RANK_WEIGHTS, Hand, baccarat_chances

# Worked out once from the paytables by hand or brute force, not by the code under test.
EXACT_RETURNS = {
    "borealis-slot-01": Fraction(15061, 16000),
    "borealis-slot-02": Fraction(3771, 4000),
    "borealis-slot-03": Fraction(8023, 8640),
    "borealis-slot-04": Fraction(3295, 3456),
    "borealis-slot-05": Fraction(953997395, 1019215872),
    "borealis-slot-06": Fraction(974319233, 1019215872),
    "borealis-roulette-01": Fraction(36, 37),
    "borealis-roulette-02": Fraction(36, 37),
    "borealis-baccarat-01": Fraction(23857452, 24134045),
    "borealis-live-01": Fraction(334, 351),
    "borealis-live-02": Fraction(103, 108),
}


@pytest.mark.parametrize("code", sorted(EXACT_RETURNS))
def test_theoretical_return_is_the_exact_figure_of_the_paytable(code: str) -> None:
    assert GAMES_BY_CODE[code].paytable.theoretical_rtp() == EXACT_RETURNS[code]


@pytest.mark.parametrize(
    "game", [game for game in CATALOGUE if game.category == "slot"], ids=lambda game: game.code
)
def test_a_slots_return_equals_the_sum_over_every_stop_of_every_reel(game: Game) -> None:
    paytable = game.paytable
    assert isinstance(paytable, ReelPaytable)
    lines = list(itertools.product(*paytable.reels))
    pays = [paytable.pays.get(line[0], Fraction(0)) if len(set(line)) == 1 else 0 for line in lines]
    value = Fraction(0)
    # From the last step of the ladder backwards: a winning line is worth its pay and the next step.
    for multiplier in reversed(paytable.ladder):
        value = Fraction(sum(pay * multiplier + (value if pay else 0) for pay in pays), len(lines))
    assert paytable.theoretical_rtp() == value


@pytest.mark.parametrize("game", CATALOGUE, ids=lambda game: game.code)
def test_played_return_of_many_rounds_comes_close_to_the_theoretical_one(game: Game) -> None:
    paytable = game.paytable
    draw = random.Random(20261122)
    rounds = 40_000
    pays = [sum(paytable.play(draw)) for _ in range(rounds)]
    mean = sum(pays) / Fraction(rounds)
    variance = sum(pay * pay for pay in pays) / Fraction(rounds) - mean * mean
    # Within five standard errors, all in fractions: (difference / error) squared is below 25.
    difference = mean - paytable.theoretical_rtp()
    assert difference * difference <= 25 * variance / rounds


def test_catalogue_prints_the_exact_return_rounded_to_four_decimals() -> None:
    assert catalogue_rtp(GAMES_BY_CODE["borealis-roulette-01"]) == "0.9730"
    assert catalogue_rtp(GAMES_BY_CODE["borealis-slot-01"]) == "0.9413"


def test_blackjack_natural_beats_a_drawn_twenty_one() -> None:
    natural = Hand().with_card(1).with_card(10)
    drawn = Hand().with_card(7).with_card(7).with_card(7)
    assert (natural.is_blackjack, drawn.is_blackjack) == (True, False)
    assert sum(RANK_WEIGHTS.values()) == 13


def test_baccarat_chances_sum_to_one_and_favour_the_banker() -> None:
    player, banker, tie = baccarat_chances()
    assert player + banker + tie == 1
    assert banker > player > tie


@pytest.mark.parametrize("game", CATALOGUE, ids=lambda game: game.code)
def test_every_win_is_a_whole_number_of_minor_units(game: Game) -> None:
    paytable = game.paytable
    draw = random.Random(7)
    for _ in range(5_000):
        for pay in paytable.play(draw):
            for stake_minor in STAKES_MINOR:
                assert (pay * stake_minor * PROMO_MULTIPLIER).denominator == 1
