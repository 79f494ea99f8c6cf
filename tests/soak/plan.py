"""What the providers play: an endless plan for each seat, the same for the same seed. Pure."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from apps.simulator.dialects.contract import Step
from tests.soak.contracts import CLEAN, Copy, Faults, Op, RoundPlan

PROTOCOLS: Final = ("native", "swipe", "hub88", "iplaygames")
SHARED: Final = "soak-shared"
"""A player of all four providers at once: one wallet, four parties that never hear of another."""

_CURRENCIES: Final = {
    "native": ("EUR", "JPY", "KWD", "USD"),
    "swipe": ("EUR", "JPY", "KWD", "USD"),
    "hub88": ("EUR", "JPY", "KWD", "AUD"),
    # Its amounts are cents, so a currency with other decimals can't be said in it.
    "iplaygames": ("EUR", "USD", "AUD", "EUR"),
}
_HOT_LOOPS: Final = (4, 2, 1, 1, 1)
_RICH_MINOR: Final = 10**11
_POOR_MINOR: Final = 600


@dataclass(frozen=True, slots=True)
class SeatPlan:
    """A player at a provider; ``loops`` rounds are played at once, so hot accounts are hot."""

    protocol: str
    player: str
    currency: str
    opening_minor: int
    loops: int

    @property
    def provider(self) -> str:
        return provider_code(self.protocol)

    @property
    def is_poor(self) -> bool:
        return self.opening_minor < _RICH_MINOR


def provider_code(protocol: str) -> str:
    return f"soak-{protocol}"


def seats() -> list[SeatPlan]:
    """Return every seat: hot and quiet players, one without much money, one shared by all."""
    found = []
    for protocol in PROTOCOLS:
        currencies = _CURRENCIES[protocol]
        for number, loops in enumerate(_HOT_LOOPS):
            opening = _POOR_MINOR if number == len(_HOT_LOOPS) - 1 else _RICH_MINOR
            currency = currencies[number % len(currencies)]
            player = f"soak-{protocol}-{number}"
            found.append(SeatPlan(protocol, player, currency, opening, loops))
        found.append(SeatPlan(protocol, SHARED, "EUR", _RICH_MINOR, 2))
    return found


class Planner:
    """Plans the rounds of one loop of one seat."""

    def __init__(self, seat: SeatPlan, seed: int, loop: int) -> None:
        self._seat = seat
        text = f"{seed}:{seat.provider}:{seat.player}:{loop}"
        self._rng = Random(text)

    def rounds(self) -> Iterator[RoundPlan]:
        plan = {
            "native": self._native,
            "swipe": self._swipe,
            "hub88": self._per_operation,
            "iplaygames": self._per_operation,
        }[self._seat.protocol]
        while True:
            yield plan(self._round_id())

    def _native(self, round_id: str) -> RoundPlan:
        chance = self._rng.random()
        if chance < 0.10:
            reward = self._op(Step.REWARD, "", win_minor=self._amount())
            return RoundPlan(wins=(reward if chance < 0.05 else self._free_spin(round_id),))
        if self._seat.is_poor or chance < 0.45:
            return self._native_in_steps(round_id)
        win = self._win()
        played = self._op(Step.PLAYED, round_id, stake_minor=self._amount(), win_minor=win)
        if chance > 0.92:
            return RoundPlan((), (self._undo(played),), (played,), self._rng.random() < 0.5)
        return RoundPlan(wins=(played,))

    def _native_in_steps(self, round_id: str) -> RoundPlan:
        stake = self._op(Step.STAKE, round_id, stake_minor=self._amount())
        if self._rng.random() < 0.15:
            return RoundPlan((stake,), (self._undo(stake),))
        return RoundPlan(
            (stake,),
            (),
            self._wins(round_id, ""),
            is_shuffled=not self._seat.is_poor and self._rng.random() < 0.5,
        )

    def _free_spin(self, round_id: str) -> Op:
        win = self._win()
        op = self._op(Step.PLAYED, round_id, win_minor=win)
        return replace(op, is_free=True)

    def _swipe(self, round_id: str) -> RoundPlan:
        if self._rng.random() < 0.08:
            return self._free_rounds_of_swipe(round_id)
        stake = self._op(Step.STAKE, round_id, stake_minor=self._amount())
        win = self._op(Step.WIN, round_id, win_minor=self._win(), closes=True)
        return RoundPlan((stake,), (), (win,))

    def _free_rounds_of_swipe(self, round_id: str) -> RoundPlan:
        """Free stakes and wins are only told; the one payout at the end is money."""
        campaign = f"fr_{self._rng.getrandbits(40)}"
        stake = self._op(Step.STAKE, round_id, stake_minor=self._amount())
        win = self._op(Step.WIN, round_id, win_minor=self._win())
        told = [replace(op, is_free=True, moves=False, campaign=campaign) for op in (stake, win)]
        payout = self._op(Step.WIN, self._round_id(), win_minor=self._amount(), closes=True)
        return RoundPlan((told[0],), (), (told[1], replace(payout, campaign=campaign)))

    def _per_operation(self, round_id: str) -> RoundPlan:
        chance = self._rng.random()
        if chance < 0.05:
            return RoundPlan(wins=(self._op(Step.REWARD, round_id, win_minor=self._amount()),))
        if chance < 0.12:
            return self._free_round(round_id)
        return self._staked_round(round_id, count=2 if chance < 0.30 else 1)

    def _staked_round(self, round_id: str, *, count: int) -> RoundPlan:
        stakes = [self._op(Step.STAKE, round_id, stake_minor=self._amount()) for _ in range(count)]
        if self._rng.random() < 0.06:
            return RoundPlan(tuple(stakes), tuple(self._undo(stake) for stake in stakes))
        undone = (self._undo(stakes[0]),) if count == 2 and self._rng.random() < 0.5 else ()
        if count == 1 and self._seat.protocol == "hub88" and self._rng.random() < 0.1:
            return RoundPlan((replace(stakes[0], closes=True),))
        return RoundPlan(tuple(stakes), undone, self._wins(round_id, stakes[-1].id))

    def _free_round(self, round_id: str) -> RoundPlan:
        """A free spin: its stake is no money, its win is."""
        stake = self._op(Step.STAKE, round_id, stake_minor=self._amount())
        win = self._op(Step.WIN, round_id, win_minor=self._amount(), closes=True)
        campaign = f"free-{self._rng.getrandbits(40)}"
        return RoundPlan(
            (replace(stake, is_free=True, moves=False, campaign=campaign),),
            (),
            (replace(win, is_free=True, target_id=stake.id, campaign=campaign),),
        )

    def _wins(self, round_id: str, target_id: str) -> tuple[Op, ...]:
        """Plan up to three wins; the last closes the round, a lost one with nothing."""
        # Who has little loses it, and is refused until a reward brings some more.
        count = 0 if self._seat.is_poor else self._rng.choice((0, 1, 1, 2, 3))
        amounts = [self._amount() for _ in range(count)] or [0]
        last = len(amounts) - 1
        wins = [
            self._op(Step.WIN, round_id, win_minor=amount, closes=number == last)
            for number, amount in enumerate(amounts)
        ]
        return tuple(replace(win, target_id=target_id) for win in wins)

    def _op(
        self,
        step: Step,
        round_id: str,
        *,
        stake_minor: int = 0,
        win_minor: int = 0,
        closes: bool = False,
    ) -> Op:
        return Op(
            provider=self._seat.provider,
            id=self._transaction_id(),
            step=step,
            player=self._seat.player,
            currency=self._seat.currency,
            round_id=round_id or self._round_id(),
            stake_minor=stake_minor,
            win_minor=win_minor,
            closes=closes,
            faults=self._faults(step),
        )

    def _undo(self, target: Op) -> Op:
        return replace(undo_of(target), faults=self._faults(Step.ROLLBACK))

    def _faults(self, step: Step) -> Faults:
        rng = self._rng
        copy = Copy.NONE
        if rng.random() < 0.15:
            copy = Copy.AT_ONCE if rng.random() < 0.34 else Copy.LATER
        is_native = self._seat.protocol == "native"
        faults = Faults(
            copy=copy,
            copy_after=rng.uniform(0.05, 6.0),
            hold_back=rng.uniform(0.0, 1.5) if rng.random() < 0.10 else rng.uniform(0.0, 0.05),
            hangs_up=rng.random() < 0.03,
            overtaken=rng.random() < 0.01,
            has_conflict=rng.random() < 0.002,
            is_forged=rng.random() < 0.005,
            is_forged_only=rng.random() < 0.001,
            is_stale=is_native and rng.random() < 0.005,
            is_malformed=rng.random() < 0.003,
            is_gap=rng.random() < 0.01,
        )
        if step == Step.ROLLBACK:
            return replace(faults, is_gap=False, is_malformed=False, has_conflict=False)
        # A provider asks before it takes a stake, so only a win can be missing; ours tells later.
        may_be_missing = is_native or step in {Step.WIN, Step.REWARD}
        return faults if may_be_missing else replace(faults, is_gap=False)

    def _amount(self) -> int:
        return self._rng.randint(1, 400)

    def _win(self) -> int:
        return 0 if self._seat.is_poor or self._rng.random() < 0.5 else self._rng.randint(1, 1_500)

    def _transaction_id(self) -> str:
        if self._seat.protocol == "iplaygames":
            return str(self._rng.randrange(1, 2**52))
        if self._seat.protocol == "native":
            return f"a-{self._rng.getrandbits(80):020x}"
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def _round_id(self) -> str:
        if self._seat.protocol == "swipe":
            return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        return f"r-{self._rng.getrandbits(64):016x}"


def undo_of(target: Op) -> Op:
    """Return the rollback that a provider sends for an operation; the same each time."""
    own_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{target.provider}:{target.id}"))
    return replace(
        target,
        id=f"rollback:{target.id}" if target.provider == provider_code("iplaygames") else own_id,
        step=Step.ROLLBACK,
        target_id=target.id,
        closes=False,
        faults=CLEAN,
    )
