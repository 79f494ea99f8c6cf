"""What every judgement ends in: a row, an answer, and the traces they leave. Pure."""

from datetime import timedelta

from apps.gateway.contracts import Refused
from apps.gateway.services.book import Book, Context
from apps.gateway.services.money import Purse
from apps.gateway.services.stakes import is_rehearsal
from apps.providers.contracts import CanonicalEvent, Outcome
from apps.providers.enums import RefusedStakeReplay, RepeatedBalance
from apps.rounds.contracts import AttemptRow, ConflictRow, DriftRow, EventRow, RoundRow
from apps.rounds.enums import EventStatus, MoneyState, RoundState
from apps.rounds.events import PlayerOverdrawn
from apps.wallet.contracts import Wallet
from apps.wallet.enums import Pot


class Answers:
    """Answers the messages of one delivery, having written their effects into the book."""

    def __init__(self, book: Book, context: Context) -> None:
        self.book = book
        self.context = context
        self.policy = context.provider.policy

    def purse(self, wallet: Wallet) -> Purse:
        return Purse(self.book, self.context, wallet)

    def row_in_round(
        self, event: CanonicalEvent, into: EventRow | None, round_row: RoundRow
    ) -> EventRow:
        row = self.book.keep(self.context, event, into=into)
        row.round_id = round_row.id
        # Money back may name a game that nobody knows: it is of the game that was played.
        row.game_id = row.game_id or round_row.game_id
        return row

    def settle_round(self, round_row: RoundRow, purse: Purse, event: CanonicalEvent) -> None:
        """Capture what the round still holds and close it."""
        for held in round_row.held:
            purse.settle_held(held)
            if held.overdrawn_minor > 0 and held.event_id != event.event_id:
                self.tell_of_debt(held, purse.wallet)
        round_row.held = []
        round_row.state = RoundState.SETTLED
        round_row.settled_at = max(round_row.settled_at or event.occurred_at, event.occurred_at)
        round_row.is_changed = True

    def give_back(self, target: EventRow, wallet: Wallet) -> int:
        """Return an event's own money to where it was and take it out of its round.

        Returns what of its win the player no longer has; an event without money is left alone.
        """
        purse = self.purse(wallet)
        short = 0
        if target.money_state in {MoneyState.HELD, MoneyState.SETTLED}:
            # A reward belongs to no round, and was counted all the same.
            purse.take_back_tally(target)
        if target.money_state == MoneyState.HELD:
            purse.release(target)
        elif target.money_state == MoneyState.SETTLED:
            short = purse.reverse(target)
            purse.take_back_wagering(target)
        else:
            return 0
        target.money_state = MoneyState.ROLLED_BACK
        target.is_changed = True
        round_row = self.book.rounds_by_id.get(target.round_id or 0)
        if round_row is not None:
            purse.remove_from_round(target, round_row)
            if round_row.standing_events == 0:
                round_row.state = RoundState.ROLLED_BACK
        return short

    def keep_tombstoned(
        self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet
    ) -> Outcome:
        """Keep the late original of a rollback that came first; it moves nothing."""
        row = self.book.keep(self.context, event, into=into)
        row.status, row.code = EventStatus.ACCEPTED, "late"
        row.money_state = MoneyState.ROLLED_BACK
        return self.answer(row, wallet)

    def accept(
        self, row: EventRow, wallet: Wallet, *, code: str, knows_target: bool = True
    ) -> Outcome:
        was_told = row.code == "overdrawn"
        if row.overdrawn_minor > 0 and row.money_state == MoneyState.SETTLED:
            # A debt is told whatever made it, and once: the final form of an event makes no second.
            code = "overdrawn"
        if knows_target:
            drifted = self._note_drift(row, wallet)
            code = code or ("balance_mismatch" if drifted else "")
        if code == "overdrawn" and not was_told:
            self.tell_of_debt(row, wallet)
        row.code = code
        return self.answer(row, wallet)

    def tell_of_debt(self, row: EventRow, wallet: Wallet) -> None:
        self.book.facts.append(
            PlayerOverdrawn(
                provider_id=row.provider_id, event_id=row.event_id, player_id=wallet.player_id
            )
        )

    def answer(self, row: EventRow, wallet: Wallet) -> Outcome:
        row.balance_minor = self.purse(wallet).shown_minor
        return self._outcome(row, row.status, row.code, row.balance_minor)

    def repeat(self, existing: EventRow) -> Outcome:
        """Give the first answer again; a refusal stays a refusal, whatever changed since."""
        has_moved = existing.status in {EventStatus.ACCEPTED, EventStatus.TENTATIVE}
        status = "duplicate" if has_moved else existing.status
        self.attempt(existing.event_id, status, existing.code)
        balance = existing.balance_minor
        wallet = self.book.wallets.get(existing.player_ref)
        if self.policy.repeated_balance == RepeatedBalance.CURRENT and wallet is not None:
            balance = self.purse(wallet).shown_minor
        return self._outcome(existing, status, existing.code, balance)

    def conflict(self, existing: EventRow, event: CanonicalEvent) -> Outcome:
        self.attempt(event.event_id, "conflict", "")
        wallet = self.book.wallets.get(event.player_ref)
        self.book.conflicts.append(
            ConflictRow(
                provider_id=existing.provider_id,
                event_id=event.event_id,
                fingerprint=event.fingerprint,
                content=event.content,
                delivery_id=self.context.delivery_id or 0,
                seen_at=self.context.received_at,
                is_of_test_player=wallet is not None and is_rehearsal(wallet),
            )
        )
        # Never another player's balance: the id may be the first player's, the caller the second.
        if wallet is None:
            return Outcome(event.event_id, "conflict", "", None, existing.currency)
        shown = self.purse(wallet).shown_minor
        return Outcome(
            event.event_id, "conflict", "", shown, wallet.currency, player_ref=wallet.player_ref
        )

    def park(self, event: CanonicalEvent, into: EventRow | None, code: str) -> Outcome:
        """Store an event without moving money; a person or a later delivery decides."""
        row = self.book.keep(self.context, event, into=into)
        row.status, row.code, row.money_state = EventStatus.PARKED, code, MoneyState.NONE
        if into is not None:
            self.attempt(event.event_id, EventStatus.PARKED, code)
        return self._outcome(row, EventStatus.PARKED, code, None)

    def reject(
        self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet, code: str
    ) -> Outcome:
        """Refuse a new stake and remember it: a retry gets the same answer even if funds arrive.

        Where a person asks again about a stake that left its id free, it stays free.
        """
        if self.context.is_asked_again and into is None:
            return self.refuse(event.event_id, code, event.round_ref, wallet)
        row = self.book.keep(self.context, event, into=into)
        row.status, row.code, row.money_state = EventStatus.REJECTED, code, MoneyState.NONE
        self._count_refusal(event.event_id, code, "")
        return self.answer(row, wallet)

    def refuse(
        self, event_id: str, code: str, detail: str, wallet: Wallet | None = None
    ) -> Outcome:
        """Refuse an event and leave its id free, so that the genuine one can still come."""
        self._count_refusal(event_id, code, detail)
        if event_id:
            self.attempt(event_id, EventStatus.REJECTED, code)
        if wallet is None:
            return Outcome(event_id, EventStatus.REJECTED, code, None, "")
        return Outcome(
            event_id,
            EventStatus.REJECTED,
            code,
            self.purse(wallet).shown_minor,
            wallet.currency,
            player_ref=wallet.player_ref,
        )

    def awaits_go_live(self, wallet: Wallet) -> bool:
        """Tell whether this is a real player at a provider that is only rehearsed with."""
        return not self.context.provider.is_live and not is_rehearsal(wallet)

    def attempt(self, event_id: str, status: str, code: str) -> None:
        if self.context.delivery_id is not None:
            self.book.attempts.append(
                AttemptRow(
                    provider_id=self.context.provider.id,
                    event_id=event_id,
                    delivery_id=self.context.delivery_id,
                    received_at=self.context.received_at,
                    status=status,
                    code=code,
                )
            )

    def is_judged_again(self, existing: EventRow) -> bool:
        """Tell whether a refused stake that comes again may be taken this time."""
        return (
            existing.status == EventStatus.REJECTED
            and self.policy.refused_stake_replay == RefusedStakeReplay.REEVALUATE
        )

    def is_in_clock_window(self, event: CanonicalEvent) -> bool:
        """Tell whether the event's own time is near enough to when it came (M21)."""
        profile, now = self.context.provider, self.context.received_at
        oldest = now - timedelta(seconds=profile.past_seconds)
        newest = now + timedelta(seconds=profile.future_seconds)
        return oldest <= event.occurred_at <= newest

    def _outcome(self, row: EventRow, status: str, code: str, balance_minor: int | None) -> Outcome:
        return Outcome(
            row.event_id, status, code, balance_minor, row.currency, row.id, row.player_ref
        )

    def _note_drift(self, row: EventRow, wallet: Wallet) -> bool:
        """Tell whether the provider's balance moved away from ours with this very event."""
        if row.balance_after_minor is None:
            return False
        ours = self.purse(wallet).shown_minor + wallet.balances[Pot.PENDING]
        difference = row.balance_after_minor - ours
        key = (row.provider_id, wallet.player_id)
        if difference == self.book.drift.get(key, 0):
            return False
        self.book.drift[key] = difference
        self.book.drift_rows.append(
            DriftRow(*key, difference, row.event_id, self.context.received_at)
        )
        return True

    def _count_refusal(self, event_id: str, code: str, detail: str) -> None:
        self.book.refused.append(
            Refused(self.context.provider.id, code, self.context.received_at, event_id, detail)
        )
