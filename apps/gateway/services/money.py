"""How an event's stake and win move through a player's pots. Pure: works on the book alone.

Cash is staked before bonus funds; wins are split in the proportion of the round's stakes (UKGC
glossary: mixed wager winnings split pro rata to the source of the stake). A rollback returns
to the pots the money came from, or to cash where no bonus is active any more.
"""

from datetime import datetime

from apps.bonuses.services.wagering import count_bet, reverse_bet
from apps.gateway.services.book import Book, Context
from apps.rounds.contracts import EventRow, RoundRow
from apps.rounds.enums import EventStatus, MoneyState
from apps.wallet.contracts import House, PlayerPot, Wallet
from apps.wallet.enums import Pot, TransferKind


class Purse:
    """One event's money: the player's pots on one side, the provider's house on the other."""

    def __init__(self, book: Book, context: Context, wallet: Wallet) -> None:
        self.book = book
        self.context = context
        self.wallet = wallet
        self.house = House(f"gaming:{context.provider.code}")
        self.receivable = House(f"receivable:{wallet.player_ref}")

    @property
    def has_active_bonus(self) -> bool:
        state = self.book.wagering.get(self.wallet.player_id)
        return state is not None and not state.is_completed

    def may_stake_bonus(self, moment: datetime) -> bool:
        """Tell whether bonus funds may be staked; past its expiry a bonus awaits forfeiture."""
        state = self.book.wagering.get(self.wallet.player_id)
        return state is not None and state.is_open_at(moment)

    def stakeable_minor(self, moment: datetime) -> int:
        bonus = self.wallet.balances[Pot.BONUS] if self.may_stake_bonus(moment) else 0
        return self.wallet.balances[Pot.CASH] + bonus

    def hold(self, row: EventRow, round_row: RoundRow) -> None:
        """Hold a tentative stake and keep its win pending: nothing withdrawable is credited."""
        subject = self._subject(row)
        self._fund(row, credit=self._pot(Pot.HELD), kind=TransferKind.HOLD)
        self._add_to_round(row, round_row)
        self.book.move(
            row,
            subject,
            kind=TransferKind.PEND,
            debit=self.house,
            credit=self._pot(Pot.PENDING),
            amount_minor=row.win_minor,
        )
        row.win_bonus_minor = self._bonus_share(row, round_row)
        row.money_state = MoneyState.HELD
        round_row.held.append(row)

    def settle_held(self, row: EventRow) -> None:
        """Capture a held stake and release its pending win, because its round was finalized."""
        subject = self._subject(row)
        self.book.move(
            row,
            subject,
            kind=TransferKind.CAPTURE,
            debit=self._pot(Pot.HELD),
            credit=self.house,
            amount_minor=row.bet_minor,
        )
        self._credit_win(row, debit=self._pot(Pot.PENDING), kind=TransferKind.SETTLE_WIN)
        row.money_state = MoneyState.SETTLED
        row.is_changed = True
        self._count(row)

    def settle(self, row: EventRow, round_row: RoundRow) -> None:
        """Take a played stake and pay its win at once; what the player lacks becomes receivable."""
        subject = self._subject(row)
        self._fund(row, credit=self.house, kind=TransferKind.STAKE)
        self.book.move(
            row,
            subject,
            kind=TransferKind.OVERDRAWN,
            debit=self.receivable,
            credit=self.house,
            amount_minor=row.overdrawn_minor,
        )
        self._add_to_round(row, round_row)
        row.win_bonus_minor = self._bonus_share(row, round_row)
        self._credit_win(row, debit=self.house, kind=TransferKind.WIN)
        row.money_state = MoneyState.SETTLED
        self._count(row)

    def release(self, row: EventRow) -> None:
        """Give a held stake back and withdraw its pending win."""
        subject = self._subject(row)
        cash, bonus = self._returned(row)
        for pot, amount, suffix in ((Pot.CASH, cash, ""), (Pot.BONUS, bonus, ":bonus")):
            self.book.move(
                row,
                subject,
                kind=TransferKind.RELEASE,
                debit=self._pot(Pot.HELD),
                credit=self._pot(pot),
                amount_minor=amount,
                key=f"{TransferKind.RELEASE}{suffix}",
                reverses=f"{TransferKind.HOLD}{suffix}",
            )
        self.book.move(
            row,
            subject,
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
        subject = self._subject(row)
        cash, bonus = self._returned(row)
        kind = TransferKind.ROLLBACK_STAKE
        was_held = self._was_held(row)
        original = TransferKind.CAPTURE if was_held else TransferKind.STAKE
        from_bonus = original if was_held else f"{original}:bonus"
        parts = (
            (self._pot(Pot.CASH), cash, "", original),
            (self._pot(Pot.BONUS), bonus, ":bonus", from_bonus),
            (self.receivable, row.overdrawn_minor, ":receivable", TransferKind.OVERDRAWN),
        )
        for side, amount, suffix, reverses in parts:
            self.book.move(
                row,
                subject,
                kind=kind,
                debit=self.house,
                credit=side,
                amount_minor=amount,
                key=f"{kind}{suffix}",
                reverses=str(reverses),
            )
        return self._take_win_back(row)

    def take_back_wagering(self, row: EventRow) -> None:
        """Reverse what the bet counted, at its original weight and rule version."""
        subject = self._subject(row)
        receipts = self.book.receipts.get(subject, [])
        if not receipts:
            return
        state = self.book.wagering.get(self.wallet.player_id)
        reversals, moved = reverse_bet(state, receipts)
        self.book.new_receipts.extend(reversals)
        receipts.extend(reversals)
        if moved is not None:
            self.book.wagering[self.wallet.player_id] = moved
            self.book.moved_grants[moved.grant_id] = moved

    def remove_from_round(self, row: EventRow, round_row: RoundRow) -> None:
        round_row.stake_minor -= row.bet_minor
        round_row.stake_bonus_minor -= row.stake_bonus_minor
        round_row.win_minor -= row.win_minor
        round_row.standing_events -= 1
        round_row.is_changed = True
        round_row.held = [held for held in round_row.held if held is not row]

    def _fund(self, row: EventRow, *, credit: PlayerPot | House, kind: TransferKind) -> None:
        balances = self.wallet.balances
        cash = min(balances[Pot.CASH], row.bet_minor)
        bonus = 0
        if self.may_stake_bonus(row.occurred_at):
            bonus = min(balances[Pot.BONUS], row.bet_minor - cash)
        row.stake_bonus_minor = bonus
        row.overdrawn_minor = row.bet_minor - cash - bonus
        for pot, amount, suffix in ((Pot.CASH, cash, ""), (Pot.BONUS, bonus, ":bonus")):
            self.book.move(
                row,
                self._subject(row),
                kind=kind,
                debit=self._pot(pot),
                credit=credit,
                amount_minor=amount,
                key=f"{kind}{suffix}",
            )

    def _credit_win(self, row: EventRow, *, debit: PlayerPot | House, kind: TransferKind) -> None:
        bonus = row.win_bonus_minor if self.has_active_bonus else 0
        row.win_bonus_minor = bonus
        parts = ((Pot.CASH, row.win_minor - bonus, ""), (Pot.BONUS, bonus, ":bonus"))
        for pot, amount, suffix in parts:
            self.book.move(
                row,
                self._subject(row),
                kind=kind,
                debit=debit,
                credit=self._pot(pot),
                amount_minor=amount,
                key=f"{kind}{suffix}",
            )

    def correct(self, row: EventRow) -> None:
        """Post an approved correction in the player's favour, linked to the event it corrects."""
        self.book.move(
            row,
            self.context.subject(row.reference_event_id),
            kind=TransferKind.CORRECTION,
            debit=House(f"corrections:{self.context.provider.code}"),
            credit=self._pot(Pot.CASH),
            amount_minor=row.win_minor,
            key=row.event_id,
        )
        row.money_state = MoneyState.SETTLED

    def _take_win_back(self, row: EventRow) -> int:
        balances = self.wallet.balances
        from_bonus = min(row.win_bonus_minor, balances[Pot.BONUS])
        from_cash = min(row.win_minor - from_bonus, balances[Pot.CASH])
        short = row.win_minor - from_bonus - from_cash
        kind = TransferKind.ROLLBACK_WIN
        original = TransferKind.SETTLE_WIN if self._was_held(row) else TransferKind.WIN
        parts = (
            (self._pot(Pot.CASH), from_cash, "", original),
            (self._pot(Pot.BONUS), from_bonus, ":bonus", f"{original}:bonus"),
            (self.receivable, short, ":receivable", original),
        )
        for side, amount, suffix, reverses in parts:
            self.book.move(
                row,
                self._subject(row),
                kind=kind,
                debit=side,
                credit=self.house,
                amount_minor=amount,
                key=f"{kind}{suffix}",
                reverses=str(reverses),
            )
        return short

    def _count(self, row: EventRow) -> None:
        """Count the stake towards the active bonus, with a receipt; release the bonus when done."""
        state = self.book.wagering.get(self.wallet.player_id)
        if state is None or state.is_completed or row.bet_minor == 0:
            return
        game = self.book.games.get((row.provider_id, row.game_code))
        subject = self._subject(row)
        receipt, moved = count_bet(
            state,
            subject=subject,
            game_code=row.game_code,
            category=game.category if game else "",
            stake_minor=row.bet_minor,
            occurred_at=row.occurred_at,
        )
        self.book.new_receipts.append(receipt)
        self.book.receipts.setdefault(subject, []).append(receipt)
        self.book.wagering[self.wallet.player_id] = moved
        self.book.moved_grants[moved.grant_id] = moved
        if moved.is_completed:
            self._release_bonus(row, moved.grant_id)

    def _release_bonus(self, row: EventRow, grant_id: int) -> None:
        self.book.move(
            row,
            f"grant:{grant_id}",
            kind=TransferKind.BONUS_CONVERSION,
            debit=self._pot(Pot.BONUS),
            credit=self._pot(Pot.CASH),
            amount_minor=self.wallet.balances[Pot.BONUS],
        )

    def _returned(self, row: EventRow) -> tuple[int, int]:
        """Return how a stake goes back to cash and bonus; a closed bonus takes nothing back."""
        bonus = row.stake_bonus_minor if self.has_active_bonus else 0
        return row.bet_minor - row.overdrawn_minor - bonus, bonus

    def _was_held(self, row: EventRow) -> bool:
        """Tell whether a settled event came in as tentative, which names its ledger lines."""
        return row.final_fingerprint != "" or row.status == EventStatus.TENTATIVE

    def _add_to_round(self, row: EventRow, round_row: RoundRow) -> None:
        round_row.stake_minor += row.bet_minor
        round_row.stake_bonus_minor += row.stake_bonus_minor
        round_row.win_minor += row.win_minor
        round_row.standing_events += 1
        round_row.is_changed = True

    def _bonus_share(self, row: EventRow, round_row: RoundRow) -> int:
        if round_row.stake_minor == 0 or not self.has_active_bonus:
            return 0
        return row.win_minor * round_row.stake_bonus_minor // round_row.stake_minor

    def _pot(self, pot: Pot) -> PlayerPot:
        return PlayerPot(self.wallet.player_id, pot)

    def _subject(self, row: EventRow) -> str:
        return self.context.subject(row.event_id)
