"""How money is played with at a provider: three models behind one interface. Pure.

* ``Hold``: stakes come from the player's own pots and are held until their round closes.
* ``SubWallet``: the player fills a pot of ours that is set apart for the provider, by session and
  top-up; stakes are taken from it at once and wins stay in it until it is swept or cashed out.
* ``TransferWallet``: the money lies in the provider's own wallet and our pot mirrors it. What we
  hear of was played there already, so nothing can be refused for funds.

``play_model`` is the only way to get one. The gateway's purse asks it and never the model's name.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import ClassVar, override

from apps.wallet.enums import PlayModelName, Pot, SpendOrder
from apps.wallet.spend_orders import spend_order

_SUB = "sub:"
_TRANSFERRED = "transferred:"


@dataclass(frozen=True, slots=True)
class Part:
    """So much of one pot."""

    pot: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Funding:
    """Which pots pay a stake, in the order they are asked, and what none of them covers."""

    parts: tuple[Part, ...]
    short_minor: int

    def from_pot(self, pot: str) -> int:
        return sum(part.amount_minor for part in self.parts if part.pot == pot)


def sub_pot(provider_code: str) -> str:
    """Return the pot that is set apart for playing at a provider."""
    return f"{_SUB}{provider_code}"


def transferred_pot(provider_code: str) -> str:
    """Return the pot that mirrors the player's wallet at a provider."""
    return f"{_TRANSFERRED}{provider_code}"


def session_subject(public_id: str) -> str:
    """Return the subject of the ledger line that funded a session when it was opened."""
    return f"session:{public_id}"


def is_sub_pot(pot: str) -> bool:
    return pot.startswith(_SUB)


def provider_of_pot(pot: str) -> str:
    """Return the provider a pot is set apart for, or an empty string for a pot of the player's."""
    for prefix in (_SUB, _TRANSFERRED):
        if pot.startswith(prefix):
            return pot.removeprefix(prefix)
    return ""


def clawback_pots(win_pot: str) -> tuple[str, ...]:
    """Return the pots a win is taken back from, in order; what they lack becomes receivable.

    What was swept from a sub-wallet to cash since is still the same money. What lacks in the
    provider's own wallet is the provider's to claim and is never taken out of cash here.
    """
    return (win_pot, Pot.CASH) if is_sub_pot(win_pot) else (win_pot,)


class PlayModel(ABC):
    """What the purse must know to move a stake and a win."""

    name: ClassVar[PlayModelName]
    is_stake_held: ClassVar[bool]
    """Whether a stake waits in ``held`` until its round closes; otherwise it is taken at once."""
    may_refuse_for_funds: ClassVar[bool]
    """Whether a new stake that the pots don't cover may be refused."""

    @property
    @abstractmethod
    def main_pot(self) -> str:
        """Where wins go that were not staked from bonus funds."""

    @property
    @abstractmethod
    def spend_pots(self) -> tuple[str, ...]:
        """The pots a stake may come from, in the order they are asked."""

    @property
    def may_stake_bonus(self) -> bool:
        return Pot.BONUS in self.spend_pots

    def stakeable_minor(self, balances: Mapping[str, int], *, bonus_is_open: bool) -> int:
        """Return what a new stake may be at most, which is the balance that a provider is told.

        Closed bonus funds only await forfeiture.
        """
        return sum(
            balances.get(pot, 0) for pot in self.spend_pots if bonus_is_open or pot != Pot.BONUS
        )

    def fund(
        self, balances: Mapping[str, int], stake_minor: int, *, bonus_is_open: bool
    ) -> Funding:
        """Tell which pots pay a stake; pots that pay nothing are left out."""
        parts = []
        left = stake_minor
        for pot in self.spend_pots:
            if pot == Pot.BONUS and not bonus_is_open:
                continue
            taken = min(max(balances.get(pot, 0), 0), left)
            if taken:
                parts.append(Part(pot, taken))
                left -= taken
        return Funding(tuple(parts), left)

    def share_win(
        self, win_minor: int, *, stake_minor: int, stake_bonus_minor: int
    ) -> tuple[Part, Part]:
        """Split a win between the main pot and bonus, in the proportion of the round's stakes.

        The two parts always add up to the win (``apportion``). A win without a stake is the main
        pot's.
        """
        weights = (stake_minor - stake_bonus_minor, stake_bonus_minor) if stake_minor else (1, 0)
        main, bonus = apportion(win_minor, weights)
        return Part(self.main_pot, main), Part(Pot.BONUS, bonus)


@dataclass(frozen=True, slots=True)
class Hold(PlayModel):
    """Everything on our ledger, everything held until the round closes: the default."""

    name: ClassVar[PlayModelName] = PlayModelName.HOLD
    is_stake_held: ClassVar[bool] = True
    may_refuse_for_funds: ClassVar[bool] = True

    order: SpendOrder

    @property
    @override
    def main_pot(self) -> str:
        return Pot.CASH

    @property
    @override
    def spend_pots(self) -> tuple[str, ...]:
        if self.order == SpendOrder.BONUS_FIRST:
            return (Pot.BONUS, Pot.CASH)
        return (Pot.CASH, Pot.BONUS)


@dataclass(frozen=True, slots=True)
class SubWallet(PlayModel):
    """A pot of ours for one provider. Bonus funds are not played in it: it is filled with cash."""

    name: ClassVar[PlayModelName] = PlayModelName.SUB_WALLET
    is_stake_held: ClassVar[bool] = False
    may_refuse_for_funds: ClassVar[bool] = True

    provider_code: str

    @property
    @override
    def main_pot(self) -> str:
        return sub_pot(self.provider_code)

    @property
    @override
    def spend_pots(self) -> tuple[str, ...]:
        return (self.main_pot,)


@dataclass(frozen=True, slots=True)
class TransferWallet(PlayModel):
    """The provider's own wallet, mirrored."""

    name: ClassVar[PlayModelName] = PlayModelName.TRANSFER
    is_stake_held: ClassVar[bool] = False
    may_refuse_for_funds: ClassVar[bool] = False

    provider_code: str

    @property
    @override
    def main_pot(self) -> str:
        return transferred_pot(self.provider_code)

    @property
    @override
    def spend_pots(self) -> tuple[str, ...]:
        return (self.main_pot,)


@lru_cache(maxsize=4096)
def play_model(wallet_model: str, provider_code: str, jurisdiction: str, on: date) -> PlayModel:
    """Return how a player of ``jurisdiction`` plays at a provider on a day of UTC.

    Raises:
        ValueError: there is no such model; the provider's own constraint doesn't let one be stored.
    """
    match PlayModelName(wallet_model):
        case PlayModelName.HOLD:
            return Hold(spend_order(jurisdiction, on))
        case PlayModelName.SUB_WALLET:
            return SubWallet(provider_code)
        case PlayModelName.TRANSFER:
            return TransferWallet(provider_code)


def apportion(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Split an amount in proportion to weights, by largest remainder; the parts add up to it.

    Each part is rounded down, then the units left over go one each to the largest remainders, and
    among equals to the earlier part. No part is more than one unit from its exact share.

    Raises:
        ValueError: a negative weight, or no weight above zero.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("Weights are not negative and not all zero.")
    parts = [amount_minor * weight // total for weight in weights]
    remainders = [amount_minor * weight % total for weight in weights]
    left = amount_minor - sum(parts)
    for place in sorted(range(len(weights)), key=lambda at: (-remainders[at], at))[:left]:
        parts[place] += 1
    return parts
