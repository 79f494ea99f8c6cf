"""The titles of the reference provider."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from apps.simulator.games.game import Game
from apps.simulator.games.reels import ReelPaytable
from apps.simulator.games.tables import (
    BaccaratPaytable,
    BlackjackPaytable,
    RoulettePaytable,
    WheelPaytable,
)

TALL_REEL: Final = "A" * 2 + "B" * 3 + "C" * 4 + "D" * 5 + "E" * 6
SHORT_REEL: Final = "A" + "B" * 2 + "C" * 4 + "D" * 5
CASCADE_LADDER: Final = (1, 2, 3, 5)


def _slot(number: int, name: str, reel: str, pays: str, ladder: tuple[int, ...] = (1,)) -> Game:
    """Build a slot; ``pays`` is ``symbol=multiple`` of the stake, separated by spaces."""
    table = {
        symbol: Fraction(multiple)
        for symbol, multiple in (entry.split("=") for entry in pays.split())
    }
    paytable = ReelPaytable(reels=(reel, reel, reel), pays=table, ladder=ladder)
    return Game(f"borealis-slot-{number:02}", name, "slot", "base", paytable, is_promotable=True)


def _wheel(number: int, name: str, bet_weights: Mapping[int, int]) -> Game:
    paytable = WheelPaytable(segments={1: 26, 2: 17, 5: 8, 10: 3}, bet_weights=bet_weights)
    return Game(
        f"borealis-live-{number:02}", name, "live", "live_hand", paytable, has_pending_result=True
    )


CATALOGUE: Final[tuple[Game, ...]] = (
    _slot(1, "Polar Night", TALL_REEL, "A=100 B=40 C=20 D=12.5 E=13"),
    _slot(2, "Ice Road", TALL_REEL, "A=150 B=30 C=22.5 D=12 E=12"),
    _slot(3, "Lantern Fish", SHORT_REEL, "A=120 B=25 C=6.4 D=7"),
    _slot(4, "Herring Run", SHORT_REEL, "A=200 B=20 C=6.25 D=7.1"),
    _slot(5, "Cascade Fjord", SHORT_REEL, "A=100 B=20 C=5 D=5.5", CASCADE_LADDER),
    _slot(6, "Falling Light", SHORT_REEL, "A=80 B=25 C=5.5 D=5.3", CASCADE_LADDER),
    Game("borealis-roulette-01", "Harbour Roulette", "roulette", "base", RoulettePaytable()),
    Game(
        "borealis-roulette-02",
        "Column Roulette",
        "roulette",
        "base",
        RoulettePaytable(covered=(12, 6, 4), bet_weights=(4, 2, 1)),
    ),
    Game("borealis-blackjack-01", "Blackjack 3:2", "blackjack", "base", BlackjackPaytable()),
    Game(
        "borealis-blackjack-02",
        "Blackjack 6:5",
        "blackjack",
        "base",
        BlackjackPaytable(blackjack_pays=Fraction(6, 5)),
    ),
    Game("borealis-baccarat-01", "Punto Banco", "baccarat", "base", BaccaratPaytable()),
    _wheel(1, "Wheel of the North", {1: 8, 2: 4, 5: 1}),
    _wheel(2, "Long Wheel", {1: 4, 2: 4}),
)

GAMES_BY_CODE: Final = {game.code: game for game in CATALOGUE}
