"""Whatever is filled, staked, won, rolled back and swept: sums hold and pots come back."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.gateway.services.holds import holds_out_of_step
from apps.gateway.services.sub_wallets import MoneyOrder, fund_sub_wallet, sweep_sub_wallets
from apps.wallet.errors import InsufficientFundsError
from apps.wallet.models import Transfer
from tests.gateway.builders import Casino, assert_ledger_holds, later, open_casino
from tests.gateway.test_properties import MODERATE, money, undone

CASH = 2_000
AMOUNTS = st.integers(0, 1_500)
STEPS = st.lists(
    st.tuples(st.sampled_from(["fund", "play", "stake", "undo", "sweep"]), AMOUNTS, AMOUNTS),
    max_size=14,
)


@pytest.mark.django_db
@pytest.mark.parametrize("wallet_model", ["sub_wallet", "hold"])
def test_a_plain_model_of_pots_agrees_after_every_step(wallet_model: str) -> None:
    casino = open_casino(cash_minor=CASH)
    casino.provider.wallet_model = wallet_model
    casino.provider.save()

    @MODERATE
    @given(STEPS)
    def check(steps: list[tuple[str, int, int]]) -> None:
        with undone():
            Evening(casino, wallet_model).play(steps)

    check()


class Evening:
    """The casino beside four numbers and a list of what stands."""

    def __init__(self, casino: Casino, wallet_model: str) -> None:
        self.casino = casino
        self.is_sub = wallet_model == "sub_wallet"
        self.cash, self.sub, self.held, self.pending, self.owed = CASH, 0, 0, 0, 0
        self.standing: list[tuple[str, int, int, int]] = []
        self.number = 0

    def play(self, steps: list[tuple[str, int, int]]) -> None:
        ways: dict[str, Callable[[int, int], None]] = {
            "fund": self.fund,
            "play": self.final,
            "stake": self.tentative,
            "undo": self.undo,
            "sweep": self.sweep,
        }
        for kind, first, second in steps:
            self.number += 1
            self.casino.now = later(self.number)
            ways[kind](first, second)
            self.compare()

    def fund(self, amount: int, _: int) -> None:
        if not self.is_sub or amount == 0:
            return
        order = MoneyOrder(self.casino.player.pk, "aurora", amount, "AUD", f"k-{self.number}")
        if amount > self.cash:
            with pytest.raises(InsufficientFundsError):
                fund_sub_wallet(order, now=self.casino.now)
            return
        fund_sub_wallet(order, now=self.casino.now)
        self.cash, self.sub = self.cash - amount, self.sub + amount

    def final(self, bet: int, win: int) -> None:
        event_id = f"e-{self.number}"
        self.casino.send_one(self.event(event_id, bet, win, is_final=True))
        paid = min(bet, self.purse)
        self.owed += bet - paid
        self.put(win - paid)
        self.standing.append((event_id, paid, bet - paid, win))

    def tentative(self, bet: int, win: int) -> None:
        """A round of two messages: the stake with its win, and the empty event that closes it."""
        event_id = f"e-{self.number}"
        answer = self.casino.send_one(self.event(event_id, bet, win, is_final=False))
        if bet > self.purse:
            assert answer["code"] == "insufficient_funds"
            return
        closing = self.casino.event(
            f"f-{self.number}", round_id=f"r-{event_id}", bet_amount="0.00", win_amount="0.00"
        )
        self.casino.send_one(closing)
        self.put(win - bet)
        self.standing.append((event_id, bet, 0, win))

    def undo(self, pick: int, _: int) -> None:
        if not self.standing:
            return
        event_id, paid, short, win = self.standing.pop(pick % len(self.standing))
        answer = self.casino.send_one(self.casino.rollback(f"b-{self.number}", event_id))
        assert answer["status"] == "accepted"
        self.owed -= short
        self.put(paid)
        taken = min(self.purse, win)
        self.put(-taken)
        from_cash = min(self.cash, win - taken) if self.is_sub else 0
        self.cash -= from_cash
        self.owed += win - taken - from_cash

    def sweep(self, _: int, __: int) -> None:
        sweep_sub_wallets("aurora", now=self.casino.now)
        self.cash, self.sub = self.cash + self.sub, 0

    def compare(self) -> None:
        pots = self.casino.pots()
        assert (pots["cash"], pots.get("sub:aurora", 0)) == (self.cash, self.sub)
        assert (pots["held"], pots["pending"], pots["bonus"]) == (0, 0, 0)
        assert holds_out_of_step() == []
        assert_ledger_holds()
        dangling = Transfer.objects.filter(kind__startswith="rollback", reverses=None)
        assert not dangling.exists()

    @property
    def purse(self) -> int:
        return self.sub if self.is_sub else self.cash

    def put(self, change: int) -> None:
        if self.is_sub:
            self.sub += change
        else:
            self.cash += change

    def event(self, event_id: str, bet: int, win: int, *, is_final: bool) -> dict[str, object]:
        return self.casino.event(
            event_id,
            round_id=f"r-{event_id}",
            bet_amount=money(bet),
            win_amount=money(win),
            finalized=is_final,
        )
