"""How an event's stake and win move through a player's pots. Pure: works on the book alone.

Which pots pay a stake and where a win goes is the play model's word (``wallet.play_models``); a
win is split in the proportion of the round's stakes (UKGC glossary: mixed wager winnings split
pro rata to the source of the stake). Money
back is the base class's part (``money_back``).
"""

from datetime import datetime

from apps.bonuses.services.wagering import count_bet, reverse_bet
from apps.gateway.services.money_back import MoneyBack, suffix_of
from apps.gateway.services.moved import receipts_of
from apps.providers.enums import Operation
from apps.rounds.contracts import EventRow, RoundRow
from apps.rounds.enums import MoneyState
from apps.wallet.contracts import House, Side
from apps.wallet.enums import Pot, TransferKind


class Purse(MoneyBack):
    """One event's money: the player's pots on one side, the provider's house on the other."""

    @property
    def has_active_bonus(self) -> bool:
        state = self.book.wagering.get(self.wallet.player_id)
        return state is not None and not state.is_completed

    @property
    def shown_minor(self) -> int:
        """What the provider is told that the player has: what could be staked now."""
        return self.stakeable_minor(self.context.received_at)

    def _is_of_running_bonus(self, row: EventRow) -> bool:
        """Tell whether an event was played under the bonus that the player has now.

        There is one at a time, so what is older than it was played under another, or under none.
        """
        state = self.book.wagering.get(self.wallet.player_id)
        if state is None or state.is_completed:
            return False
        return state.granted_at <= row.occurred_at

    def may_stake_bonus(self, moment: datetime) -> bool:
        """Tell whether bonus funds may be staked; past its expiry a bonus awaits forfeiture."""
        state = self.book.wagering.get(self.wallet.player_id)
        return state is not None and state.is_open_at(moment)

    def stakeable_minor(self, moment: datetime) -> int:
        return self.model.stakeable_minor(
            self.wallet.balances, bonus_is_open=self.may_stake_bonus(moment)
        )

    def lacks_funds(self, stake_minor: int, moment: datetime) -> bool:
        """Tell whether a new stake may be refused for funds, and must be."""
        is_short = stake_minor > self.stakeable_minor(moment)
        return self.model.may_refuse_for_funds and is_short

    def hold(self, row: EventRow, round_row: RoundRow) -> None:
        """Hold a tentative stake and keep its win pending: nothing withdrawable is credited.

        Where money is set apart for playing, stake and win are booked there at once: that pot
        isn't withdrawable, and it is not emptied while a round is open.
        """
        if not self.model.is_stake_held:
            self.settle(row, round_row)
            return
        self._fund(row, credit=self._pot(Pot.HELD), kind=TransferKind.HOLD)
        self._add_to_round(row, round_row)
        self._count_stake(row)
        self.book.move(
            row,
            self._subject(row),
            kind=TransferKind.PEND,
            debit=self.house,
            credit=self._pot(Pot.PENDING),
            amount_minor=row.win_minor,
        )
        row.win_bonus_minor = self._bonus_share(row, round_row)
        row.money_state = MoneyState.HELD
        round_row.held.append(row)

    def settle_held(self, row: EventRow) -> None:
        """Capture a held stake and release its pending win, because its round was finalized.

        Each capture names the hold that it ends, like a release: a hold ends once, and whole. A
        stake that an earlier version held short was played all the same: what it lacked is owed.
        """
        main = row.bet_minor - row.stake_bonus_minor - row.overdrawn_minor
        for amount, suffix in ((main, ""), (row.stake_bonus_minor, ":bonus")):
            self.book.move(
                row,
                self._subject(row),
                kind=TransferKind.CAPTURE,
                debit=self._pot(Pot.HELD),
                credit=self.house,
                amount_minor=amount,
                key=f"{TransferKind.CAPTURE}{suffix}",
                reverses=f"{TransferKind.HOLD}{suffix}",
            )
        self._owe(row)
        if not self._is_of_running_bonus(row):
            # The bonus that it was played with is closed: its part of the win is cash.
            row.win_bonus_minor = 0
        # Only money of the player's own pots is ever held, whatever the model is by now.
        self._credit_win(
            row, debit=self._pot(Pot.PENDING), kind=TransferKind.SETTLE_WIN, main_pot=Pot.CASH
        )
        row.money_state = MoneyState.SETTLED
        row.is_changed = True
        self._count_win(row)
        self._count(row)

    def settle(self, row: EventRow, round_row: RoundRow) -> None:
        """Take a played stake and pay its win at once; what the player lacks becomes receivable."""
        self._take_stake(row)
        self._pay_win(row, round_row)
        self._count(row)

    def take(self, row: EventRow, round_row: RoundRow) -> None:
        """Take a stake at once, without a win; what the player lacks becomes receivable."""
        self._take_stake(row)
        self._add_to_round(row, round_row)
        self._count_stake(row)
        row.money_state = MoneyState.SETTLED
        self._count(row)

    def pay(self, row: EventRow, round_row: RoundRow) -> None:
        """Credit a win at once, into an open or a closed round, split by the round's stakes."""
        self._pay_win(row, round_row)

    def take_back_wagering(self, row: EventRow) -> None:
        """Reverse what the bet counted, at its original weight and rule version."""
        receipts = receipts_of(self.book, self._subject(row), may_be_new=row.is_new)
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
        if not self._is_of_running_bonus(row):
            ended = min(row.stake_bonus_minor, round_row.ended_bonus_minor)
            round_row.ended_bonus_minor -= ended
        round_row.is_changed = True
        round_row.held = [held for held in round_row.held if held is not row]

    def take_back_tally(self, row: EventRow) -> None:
        """Take an event out of the hour that the player's limits counted it in.

        Asked before the event's money state is changed: a win that was only pending never counted.
        """
        is_won = row.money_state == MoneyState.SETTLED
        self.book.protection.count(
            self.wallet.player_id,
            at=row.received_at,
            staked_minor=-row.bet_minor,
            won_minor=-row.win_minor if is_won else 0,
        )

    def _take_stake(self, row: EventRow) -> None:
        self._fund(row, credit=self.house, kind=TransferKind.STAKE)
        self._owe(row)

    def _owe(self, row: EventRow) -> None:
        self.book.move(
            row,
            self._subject(row),
            kind=TransferKind.OVERDRAWN,
            debit=self.receivable,
            credit=self.house,
            amount_minor=row.overdrawn_minor,
        )

    def _pay_win(self, row: EventRow, round_row: RoundRow) -> None:
        self._add_to_round(row, round_row)
        self._count_stake(row)
        self._count_win(row)
        row.win_bonus_minor = self._bonus_share(row, round_row)
        self._credit_win(row, debit=self.house, kind=TransferKind.WIN, main_pot=self.model.main_pot)
        row.money_state = MoneyState.SETTLED

    def _fund(self, row: EventRow, *, credit: Side, kind: TransferKind) -> None:
        funding = self.model.fund(
            self.wallet.balances,
            row.bet_minor,
            bonus_is_open=self.may_stake_bonus(row.occurred_at),
        )
        row.stake_bonus_minor = funding.from_pot(Pot.BONUS)
        row.overdrawn_minor = funding.short_minor
        for part in funding.parts:
            self.book.move(
                row,
                self._subject(row),
                kind=kind,
                debit=self._pot(part.pot),
                credit=credit,
                amount_minor=part.amount_minor,
                key=f"{kind}{suffix_of(part.pot)}",
            )

    def _credit_win(self, row: EventRow, *, debit: Side, kind: TransferKind, main_pot: str) -> None:
        bonus = row.win_bonus_minor
        for pot, amount in ((main_pot, row.win_minor - bonus), (Pot.BONUS, bonus)):
            self.book.move(
                row,
                self._subject(row),
                kind=kind,
                debit=debit,
                credit=self._pot(pot),
                amount_minor=amount,
                key=f"{kind}{suffix_of(pot)}",
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

    def _add_to_round(self, row: EventRow, round_row: RoundRow) -> None:
        round_row.stake_minor += row.bet_minor
        round_row.stake_bonus_minor += row.stake_bonus_minor
        round_row.win_minor += row.win_minor
        round_row.standing_events += 1
        round_row.is_changed = True

    def _count_stake(self, row: EventRow) -> None:
        """Count a stake in the hour in which it reached us, whatever time its provider tells.

        Limits are judged by our clock. Only a round that was played already says when it was.
        """
        is_played = row.operation == Operation.ROUND and row.finalized
        self.book.protection.count(
            self.wallet.player_id,
            at=row.received_at,
            played_at=row.occurred_at if is_played else None,
            staked_minor=row.bet_minor,
        )

    def _count_win(self, row: EventRow) -> None:
        """Count a win once it is the player's, in the hour in which its event reached us.

        A pending one may still be taken back.
        """
        self.book.protection.count(
            self.wallet.player_id, at=row.received_at, won_minor=row.win_minor
        )

    def _bonus_share(self, row: EventRow, round_row: RoundRow) -> int:
        """Return the running bonus's part of a win: in the proportion of what it staked itself."""
        if not self.has_active_bonus:
            return 0
        _, bonus = self.model.share_win(
            row.win_minor,
            stake_minor=round_row.stake_minor,
            stake_bonus_minor=round_row.stake_bonus_minor - round_row.ended_bonus_minor,
        )
        return bonus.amount_minor
