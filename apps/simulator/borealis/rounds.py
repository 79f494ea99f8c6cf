"""Playing rounds: games, players and their balances as the provider mirrors them.

Pure: the caller gives the random source, the players and the time span, and keeps what comes back.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from apps.simulator.borealis.events import Promo, ProviderEvent
from apps.simulator.errors import NoFundedPlayerError
from apps.simulator.games.catalogue import CATALOGUE
from apps.simulator.games.game import STAKE_GRAIN_MINOR, Game

STAKES_MINOR: Final = (20, 40, 100, 200, 500, 1000)
assert all(stake % STAKE_GRAIN_MINOR == 0 for stake in STAKES_MINOR)  # noqa: S101 - a wrong table must not start

STEP: Final = timedelta(milliseconds=900)
ROLLBACK_AFTER: Final = timedelta(seconds=4)
PROMO: Final = Promo(campaign="double-weekend", multiplier="2.0")
PROMO_MULTIPLIER: Final = 2

# Chances in thousandths, drawn as integers so that a seed gives the same rounds everywhere.
ROLLBACK_PER_MILLE: Final = 8
PROMO_PER_MILLE: Final = 60
REGULAR_PER_MILLE: Final = 120
"""Share of the rounds that the first player plays, so that a bonus visibly progresses."""


@dataclass(slots=True)
class PlayerMirror:
    """A player as the provider sees one: a reference, a currency, a balance it was told."""

    player_id: str
    currency: str
    balance_minor: int


@dataclass(frozen=True, slots=True)
class PlayedRound:
    """The events of one round in order; a pending result is the same event sent twice."""

    events: tuple[ProviderEvent, ...]
    is_rolled_back: bool = False

    @property
    def is_plain(self) -> bool:
        """One settled event without promotion: what a planted discrepancy may touch."""
        return len(self.events) == 1 and self.events[0].promo is None


@dataclass(slots=True)
class Numbering:
    """Hands out ids that no other run of this provider instance used."""

    instance: str
    next_event: int
    next_round: int

    def event_id(self) -> str:
        self.next_event += 1
        return f"bo-{self.instance}-{self.next_event:08}"

    def round_id(self) -> str:
        self.next_round += 1
        return f"bo-{self.instance}-r{self.next_round:07}"


@dataclass(frozen=True, slots=True)
class TimeSpan:
    starts_at: datetime
    ends_at: datetime


def play_rounds(
    count: int,
    *,
    draw: random.Random,
    players: list[PlayerMirror],
    numbering: Numbering,
    span: TimeSpan,
) -> Iterator[PlayedRound]:
    """Play ``count`` rounds evenly over ``span``, moving the players' balances as they go.

    A player's events never overlap: a round that would start inside the player's previous one
    starts right after it.

    Raises:
        NoFundedPlayerError: nobody can afford the highest stake any more.
    """
    gap = (span.ends_at - span.starts_at) / max(count, 1)
    busy_until: dict[str, datetime] = {}
    for index in range(count):
        player = _pick_player(draw, players)
        starts_at = span.starts_at + gap * index
        previous = busy_until.get(player.player_id)
        if previous is not None and starts_at <= previous:
            starts_at = previous + timedelta(milliseconds=1)
        table = _Table(draw, player, numbering, starts_at, min(STEP, gap), span.ends_at)
        played = table.play()
        busy_until[player.player_id] = played.events[-1].occurred_at
        yield played


def _pick_player(draw: random.Random, players: list[PlayerMirror]) -> PlayerMirror:
    funded = [player for player in players if player.balance_minor >= STAKES_MINOR[-1]]
    if not funded:
        raise NoFundedPlayerError
    if funded[0] is players[0] and draw.randrange(1000) < REGULAR_PER_MILLE:
        return funded[0]
    return funded[draw.randrange(len(funded))]


@dataclass(slots=True)
class _Table:
    """One round being played."""

    draw: random.Random
    player: PlayerMirror
    numbering: Numbering
    starts_at: datetime
    step: timedelta
    latest: datetime

    def play(self) -> PlayedRound:
        game = CATALOGUE[self.draw.randrange(len(CATALOGUE))]
        stake_minor = STAKES_MINOR[self.draw.randrange(len(STAKES_MINOR))]
        has_promo = game.is_promotable and self.draw.randrange(1000) < PROMO_PER_MILLE
        multiplier = PROMO_MULTIPLIER if has_promo else 1
        pays = game.paytable.play(self.draw)
        events = tuple(self._events(game, stake_minor, pays, multiplier))
        if has_promo:
            events = tuple(replace(event, promo=PROMO) for event in events)
        if game.has_pending_result:
            return PlayedRound(events=(replace(events[0], is_final=False), events[0]))
        if len(events) == 1 and not has_promo and self.draw.randrange(1000) < ROLLBACK_PER_MILLE:
            return PlayedRound(events=(events[0], self._rollback(events[0])), is_rolled_back=True)
        return PlayedRound(events=events)

    def _events(
        self, game: Game, stake_minor: int, pays: tuple[Fraction, ...], multiplier: int
    ) -> Iterator[ProviderEvent]:
        round_id = self.numbering.round_id()
        for number, pay in enumerate(pays):
            bet_minor = stake_minor if number == 0 else 0
            win_minor = _whole(pay * stake_minor * multiplier)
            before = self.player.balance_minor
            self.player.balance_minor += win_minor - bet_minor
            yield ProviderEvent(
                event_id=self.numbering.event_id(),
                round_id=round_id,
                player_id=self.player.player_id,
                occurred_at=self._at(self.step * number),
                bet_minor=bet_minor,
                win_minor=win_minor,
                currency=self.player.currency,
                game_code=game.code,
                round_type=game.round_type if number == 0 else "cascade",
                before_minor=before,
                after_minor=self.player.balance_minor,
                is_final=number == len(pays) - 1,
            )

    def _rollback(self, original: ProviderEvent) -> ProviderEvent:
        before = self.player.balance_minor
        self.player.balance_minor += original.bet_minor - original.win_minor
        return replace(
            original,
            event_id=self.numbering.event_id(),
            occurred_at=self._at(min(ROLLBACK_AFTER, self.step * 4)),
            bet_minor=0,
            win_minor=0,
            round_type="rollback",
            before_minor=before,
            after_minor=self.player.balance_minor,
            reference_event_id=original.event_id,
        )

    def _at(self, after: timedelta) -> datetime:
        at = min(self.starts_at + after, self.latest)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _whole(amount: Fraction) -> int:
    """Return an amount of minor units that must be whole, whatever the paytable says."""
    if amount.denominator != 1:
        raise AssertionError(amount)
    return amount.numerator
