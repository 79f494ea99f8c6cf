"""A plain Python ledger: what the rules say should happen, without a database and without our code.

It shares nothing with the product but the words for pots; even the split of a win is worked out
anew, with exact fractions. ``test_ledger_machine`` plays the same things on both and compares.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from math import floor

HELD, PENDING, CASH, BONUS = "held", "pending", "cash", "bonus"


@dataclass
class ModelGrant:
    """A bonus: what must still be wagered, and what became of it."""

    made_at: datetime
    remaining: int
    state: str = "active"


@dataclass
class ModelRound:
    """The sums of a round's events that stand."""

    state: str = "new"
    stake: int = 0
    stake_bonus: int = 0
    standing: list["ModelEvent"] = field(default_factory=list)

    @property
    def is_closed(self) -> bool:
        return self.was_settled

    was_settled: bool = False


@dataclass
class ModelEvent:
    """One stake with its win, and where every part of both went."""

    at: datetime
    round: ModelRound
    stake: int
    win: int
    paid: dict[str, int] = field(default_factory=dict)
    short: int = 0
    won: dict[str, int] = field(default_factory=dict)
    win_bonus: int = 0
    state: str = "none"
    counted: tuple[ModelGrant, int] | None = None


class ModelPlayer:
    """One player's pots, and what the house's accounts moved because of this player."""

    def __init__(self, ref: str, currency: str, *, bonus_first: bool = False) -> None:
        self.ref = ref
        self.currency = currency
        self.order = (BONUS, CASH) if bonus_first else (CASH, BONUS)
        self.pots: Counter[str] = Counter()
        self.houses: Counter[str] = Counter()
        self.grants: list[ModelGrant] = []

    @property
    def grant(self) -> ModelGrant | None:
        return next((grant for grant in self.grants if grant.state == "active"), None)

    def to_pot(self, house: str, pot: str, amount: int) -> None:
        self.houses[house] -= amount
        self.pots[pot] += amount

    def shift(self, source: str, target: str, amount: int) -> None:
        self.pots[source] -= amount
        self.pots[target] += amount

    def give_bonus(self, bonus: int, required: int, at: datetime) -> None:
        self.to_pot("bonus_cost", BONUS, bonus)
        self.grants.append(ModelGrant(at, required))

    def close_grant(self, state: str) -> None:
        assert self.grant is not None
        self.grant.state = state
        self.to_pot("bonus_cost", BONUS, -self.pots[BONUS])


class ModelTable:
    """One player at one provider: holds where ``own_pot`` is empty, else a pot set apart."""

    def __init__(self, player: ModelPlayer, provider: str, own_pot: str = "") -> None:
        self.player = player
        self.pots = player.pots
        self.house = f"gaming:{provider}"
        self.own_pot = own_pot

    @property
    def spend_pots(self) -> tuple[str, ...]:
        return (self.own_pot,) if self.own_pot else self.player.order

    @property
    def stakeable(self) -> int:
        pots = self.spend_pots if self.player.grant else [p for p in self.spend_pots if p != BONUS]
        return sum(self.pots[pot] for pot in pots)

    def play(self, event: ModelEvent) -> None:
        """Settle a final event: first what its round holds, then the event itself."""
        self.close(event.round)
        self._pay_stake(event, None)
        self._join(event)
        event.win_bonus = self._bonus_share(event)
        self._pay_win(event, from_pending=False)
        self._count(event)

    def hold(self, event: ModelEvent) -> None:
        """Hold a tentative event's stake; a pot set apart is played from at once."""
        event.round.state = "open"
        if self.own_pot:
            self._pay_stake(event, None)
            self._join(event)
            self._pay_win(event, from_pending=False)
            self._count(event)
            return
        self._pay_stake(event, HELD)
        self._join(event)
        self.player.to_pot(self.house, PENDING, event.win)
        event.win_bonus = self._bonus_share(event)
        event.state = "held"

    def close(self, played: ModelRound) -> None:
        for event in played.standing:
            if event.state == "held":
                self.player.to_pot(self.house, HELD, -event.stake)
                self._pay_win(event, from_pending=True)
                self._count(event)
        played.state, played.was_settled = "settled", True

    def undo(self, event: ModelEvent) -> None:
        """Give an event's money back to where it came from, and take its win from where it went."""
        if event.state == "held":
            self._release(event)
        elif event.state == "settled":
            self._give_stake_back(event)
            self._take_win_back(event)
            self._uncount(event)
        else:
            event.state = "undone"
            return
        event.state = "undone"
        played = event.round
        played.stake -= event.stake
        played.stake_bonus -= event.paid.get(BONUS, 0)
        played.standing.remove(event)
        if not played.standing:
            played.state = "undone"

    def _pay_stake(self, event: ModelEvent, into: str | None) -> None:
        left = event.stake
        for pot in self.spend_pots:
            if pot == BONUS and self.player.grant is None:
                continue
            part = min(self.pots[pot], left)
            left -= part
            event.paid[pot] = part
            self.pots[pot] -= part
            if into is None:
                self.player.houses[self.house] += part
            else:
                self.pots[into] += part
        event.short = left
        self.player.houses[self.house] += left
        self.player.houses[f"receivable:{self.player.ref}"] -= left

    def _join(self, event: ModelEvent) -> None:
        event.round.stake += event.stake
        event.round.stake_bonus += event.paid.get(BONUS, 0)
        event.round.standing.append(event)

    def _bonus_share(self, event: ModelEvent) -> int:
        """Split a win pro rata; the odd unit goes to the larger remainder, and else to cash."""
        played = event.round
        if self.player.grant is None or played.stake == 0:
            return 0
        bonus = Fraction(event.win * played.stake_bonus, played.stake)
        cash = event.win - bonus
        odd = event.win - floor(bonus) - floor(cash)
        takes_odd_unit = odd and bonus - floor(bonus) > cash - floor(cash)
        return floor(bonus) + (1 if takes_odd_unit else 0)

    def _pay_win(self, event: ModelEvent, *, from_pending: bool) -> None:
        bonus = event.win_bonus if self.player.grant else 0
        event.won = {self.own_pot or CASH: event.win - bonus, BONUS: bonus}
        for pot, part in event.won.items():
            if from_pending:
                self.player.shift(PENDING, pot, part)
            else:
                self.player.to_pot(self.house, pot, part)
        event.state = "settled"

    def _count(self, event: ModelEvent) -> None:
        grant = self.player.grant
        if grant is None or event.stake == 0:
            return
        counted = min(event.stake, grant.remaining) if event.at >= grant.made_at else 0
        event.counted = (grant, counted)
        grant.remaining -= counted
        if counted and grant.remaining == 0:
            grant.state = "completed"
            self.player.shift(BONUS, CASH, self.pots[BONUS])

    def _uncount(self, event: ModelEvent) -> None:
        if event.counted is not None and event.counted[0].state == "active":
            event.counted[0].remaining += event.counted[1]

    def _fate_of_bonus(self, event: ModelEvent) -> str:
        own = [grant for grant in self.player.grants if grant.made_at <= event.at]
        return own[-1].state if own else "none"

    def _release(self, event: ModelEvent) -> None:
        self.player.shift(HELD, CASH, event.paid.get(CASH, 0))
        bonus = event.paid.get(BONUS, 0)
        match self._fate_of_bonus(event):
            case "active":
                self.player.shift(HELD, BONUS, bonus)
            case "completed":
                self.player.shift(HELD, CASH, bonus)
            case _:
                self.player.to_pot("bonus_cost", HELD, -bonus)
        self.player.to_pot(self.house, PENDING, -event.win)

    def _give_stake_back(self, event: ModelEvent) -> None:
        self.player.houses[self.house] -= event.short
        self.player.houses[f"receivable:{self.player.ref}"] += event.short
        for pot, part in event.paid.items():
            fate = self._fate_of_bonus(event) if pot == BONUS else "own"
            if fate in {"own", "active"}:
                self.player.to_pot(self.house, pot, part)
            elif fate == "completed":
                self.player.to_pot(self.house, CASH, part)
            else:
                self.player.houses[self.house] -= part
                self.player.houses["bonus_cost"] += part

    def _take_win_back(self, event: ModelEvent) -> None:
        owed = event.win - event.won[BONUS]
        bonus, fate = event.won[BONUS], self._fate_of_bonus(event)
        if fate == "active":
            taken = min(self.pots[BONUS], bonus)
            self.player.to_pot(self.house, BONUS, -taken)
            owed += bonus - taken
        elif fate == "completed":
            owed += bonus
        else:
            self.player.houses[self.house] += bonus
            self.player.houses["bonus_cost"] -= bonus
        for pot in (self.own_pot, CASH) if self.own_pot else (CASH,):
            taken = min(self.pots[pot], owed)
            self.player.to_pot(self.house, pot, -taken)
            owed -= taken
        self.player.houses[self.house] += owed
        self.player.houses[f"receivable:{self.player.ref}"] -= owed
