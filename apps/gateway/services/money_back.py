"""How an event's money goes back. Pure: works on the book alone.

A rollback reads the event's own ledger lines and returns to the pots the money came from,
whatever the provider's wallet model is by then. What was staked from a bonus that is closed by
now has no pot to return to: docs/decisions/bonus-stake-rolled-back.md says where it goes.
"""

from dataclasses import dataclass
from datetime import UTC
from typing import Final

from apps.bonuses.enums import GrantState
from apps.bonuses.services.grants import BONUS_COST
from apps.gateway.services.book import Book, Context
from apps.gateway.services.moved import lines_of
from apps.rounds.contracts import EventRow
from apps.wallet.contracts import (
    RECEIVABLE,
    WRITTEN_OFF,
    Debt,
    House,
    PlayerPot,
    PostedLine,
    Side,
    Wallet,
)
from apps.wallet.enums import Pot, TransferKind
from apps.wallet.play_models import clawback_pots, play_model

_STAKES: Final = (TransferKind.STAKE, TransferKind.HOLD, TransferKind.OVERDRAWN)
_WINS: Final = (TransferKind.WIN, TransferKind.SETTLE_WIN)


@dataclass(frozen=True, slots=True)
class _TakenBack:
    """So much of a win, out of one account, against the line that paid it."""

    side: Side
    amount_minor: int
    suffix: str
    line: PostedLine


class MoneyBack:
    """Releasing a held event and reversing a settled one."""

    def __init__(self, book: Book, context: Context, wallet: Wallet) -> None:
        self.book = book
        self.context = context
        self.wallet = wallet
        self.house = House(f"gaming:{context.provider.code}")
        self.receivable = House(f"{RECEIVABLE}{wallet.player_ref}")
        self.model = play_model(
            context.provider.wallet_model,
            context.provider.code,
            wallet.jurisdiction,
            context.received_at.astimezone(UTC).date(),
        )

    def release(self, row: EventRow) -> None:
        """Give a held stake back and withdraw its pending win."""
        cash = row.bet_minor - row.overdrawn_minor - row.stake_bonus_minor
        bonus_home, bonus_kind = self._home_of_bonus(row, TransferKind.RELEASE)
        parts = (
            (self._pot(Pot.CASH), TransferKind.RELEASE, cash, ""),
            (bonus_home, bonus_kind, row.stake_bonus_minor, ":bonus"),
        )
        for side, kind, amount, suffix in parts:
            self.book.move(
                row,
                self._subject(row),
                kind=kind,
                debit=self._pot(Pot.HELD),
                credit=side,
                amount_minor=amount,
                key=f"{TransferKind.RELEASE}{suffix}",
                reverses=f"{TransferKind.HOLD}{suffix}",
            )
        self.book.move(
            row,
            self._subject(row),
            kind=TransferKind.UNPEND,
            debit=self._pot(Pot.PENDING),
            credit=self.house,
            amount_minor=row.win_minor,
            reverses=TransferKind.PEND,
        )

    def reverse(self, row: EventRow) -> int:
        """Take a settled event back and return what of its win the player no longer has.

        The stake goes back before the win is taken, so the player's own stake covers it first.
        """
        lines = lines_of(self.book, self._subject(row), may_be_new=row.is_new)
        self._give_stake_back(row, lines)
        return self._take_win_back(row, lines)

    def _give_stake_back(self, row: EventRow, lines: list[PostedLine]) -> None:
        kind = TransferKind.ROLLBACK_STAKE
        captured = [line.key for line in lines if line.kind == TransferKind.CAPTURE]
        for line in lines:
            if line.kind not in _STAKES:
                continue
            if not line.debit_pot:
                self._give_debt_back(row, line)
                continue
            home: Side = self._pot(line.debit_pot)
            moved_as, suffix = kind, suffix_of(line.debit_pot)
            if line.debit_pot == Pot.BONUS:
                home, moved_as = self._home_of_bonus(row, kind)
            self.book.move(
                row,
                self._subject(row),
                kind=moved_as,
                debit=self.house,
                credit=home,
                amount_minor=line.amount_minor,
                key=f"{kind}{suffix}",
                reverses_key=_ended_by(line, captured),
            )

    def _give_debt_back(self, row: EventRow, line: PostedLine) -> None:
        """Give back what a player owed of a stake: first what is open, which then is owed no more.

        What was ended goes back to who bore it, the player's cash before the house; each such line
        names the end that it takes back.
        """
        kind = TransferKind.ROLLBACK_STAKE
        debt = self.book.debts.get(row.player_ref, Debt(line.amount_minor))
        ended = line.amount_minor - min(line.amount_minor, max(debt.open_minor, 0))
        parts: list[tuple[Side, int, str, str]] = []
        for end in debt.ends:
            taken = min(end.left_minor, ended)
            home = self._pot(Pot.CASH) if end.is_settled else WRITTEN_OFF
            parts.append((home, taken, f":{end.subject}", end.key))
            end.left_minor -= taken
            ended -= taken
        still_owed = line.amount_minor - sum(part[1] for part in parts)
        for home, amount, suffix, reversed_key in (
            (self.receivable, still_owed, ":receivable", line.key),
            *parts,
        ):
            self.book.move(
                row,
                self._subject(row),
                kind=kind,
                debit=self.house,
                credit=home,
                amount_minor=amount,
                key=f"{kind}{suffix}",
                reverses_key=reversed_key,
            )

    def missing_of_win(self, row: EventRow) -> int:
        """Return what of a settled win the pots no longer hold that it would be taken from."""
        lines = lines_of(self.book, self._subject(row), may_be_new=row.is_new)
        return self._plan_for_win(row, lines)[1]

    def _take_win_back(self, row: EventRow, lines: list[PostedLine]) -> int:
        """Take a win out of the pots it went to; what they lack is owed, and returned."""
        parts, owed = self._plan_for_win(row, lines)
        for part in parts:
            self.book.move(
                row,
                self._subject(row),
                kind=TransferKind.ROLLBACK_WIN,
                debit=part.side,
                credit=self.house,
                amount_minor=part.amount_minor,
                key=f"{TransferKind.ROLLBACK_WIN}{part.suffix}",
                reverses_key=part.line.key,
            )
        return owed

    def _plan_for_win(
        self, row: EventRow, lines: list[PostedLine]
    ) -> tuple[list["_TakenBack"], int]:
        """Return from where a win is taken back, and what of it nobody holds any more."""
        wins = {line.credit_pot: line for line in lines if line.kind in _WINS}
        bonus = wins.pop(Pot.BONUS, None)
        main = next(iter(wins.values()), bonus)
        if main is None:
            return [], 0
        parts = []
        owed = sum(line.amount_minor for line in wins.values())
        if bonus is not None:
            part = self._plan_for_bonus_win(row, bonus)
            parts.append(part)
            owed += bonus.amount_minor - part.amount_minor
        pots = clawback_pots(main.credit_pot if wins else Pot.CASH)
        for pot, suffix in zip(pots, ("", ":cash"), strict=False):
            taken = min(self.wallet.balances[pot], owed)
            parts.append(_TakenBack(self._pot(pot), taken, suffix, main))
            owed -= taken
        parts.append(_TakenBack(self.receivable, owed, ":receivable", main))
        return parts, owed

    def _plan_for_bonus_win(self, row: EventRow, line: PostedLine) -> "_TakenBack":
        """Return what the bonus part of a win is taken from; the player's cash covers the rest.

        Of a bonus that was forfeited, the house has this part already.
        """
        home, _ = self._home_of_bonus(row, TransferKind.ROLLBACK_WIN)
        taken = line.amount_minor
        if isinstance(home, PlayerPot):
            in_pot = 0 if home.pot == Pot.CASH else self.wallet.balances[home.pot]
            taken = min(in_pot, taken)
        return _TakenBack(home, taken, ":bonus", line)

    def _home_of_bonus(self, row: EventRow, kind: TransferKind) -> tuple[Side, TransferKind]:
        """Return where the bonus part of a returned stake goes, and as what it is booked.

        To the bonus it was staked from while that is open, to cash where its wagering is done, and
        else to the house: had it not been staked, it would have been forfeited with the rest.
        """
        state = self._state_of_grant(row)
        if state == GrantState.ACTIVE:
            return self._pot(Pot.BONUS), kind
        if state == GrantState.COMPLETED:
            return self._pot(Pot.CASH), kind
        return BONUS_COST, TransferKind.STAKE_FORFEITED

    def _state_of_grant(self, row: EventRow) -> GrantState | None:
        """Return what became of the grant that a stake's bonus part was taken from.

        A player has one grant at a time, and a stake takes bonus funds only of a grant made
        before it was placed: that is the youngest such grant.
        """
        loaded = self.book.grants.get(self.wallet.player_id, [])
        own = [grant for grant in loaded if grant.granted_at <= row.occurred_at]
        if not own:
            return None
        running = self.book.wagering.get(self.wallet.player_id)
        if running is not None and running.grant_id == own[-1].grant_id:
            return running.state
        return own[-1].state

    def _pot(self, pot: str) -> PlayerPot:
        return PlayerPot(self.wallet.player_id, pot)

    def _subject(self, row: EventRow) -> str:
        return self.context.subject(row.event_id)


def suffix_of(pot: str) -> str:
    """Return what tells the bonus part of a movement from the other in their keys."""
    return ":bonus" if pot == Pot.BONUS else ""


def _ended_by(line: PostedLine, captured: list[str]) -> str:
    """Return the key of the capture that ended a hold; of any other line its own.

    A capture from before each part had its own took both parts at once.
    """
    own = f"{TransferKind.CAPTURE}{suffix_of(line.debit_pot)}"
    return next((key for key in captured if key.endswith(f":{own}")), (captured or [line.key])[0])
