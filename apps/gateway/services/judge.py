"""The decision on each message: pure, in the order sent, against one locked book.

The order of checks follows the field's contracts (protocols reference, finding 1): what we know
of the id, the tombstone, the player, the clock, protection, funds, and only then the money.
A native event tells of a round already played: it is recorded even where the ledger disagrees, and
only new stakes are refused. Single operations are judged in ``operations``.
"""

from apps.gateway.services.answers import Answers
from apps.gateway.services.operations import Operations, is_undoable
from apps.gateway.services.stakes import stake_refusal, starts_play
from apps.providers.contracts import (
    CanonicalEvent,
    CanonicalQuery,
    EventRefusal,
    Outcome,
    Parsed,
)
from apps.providers.enums import Operation
from apps.rounds.contracts import EventRow
from apps.rounds.enums import EventStatus, MoneyState, Origin, RoundState, RoundType
from apps.wallet.contracts import Wallet


class Judge(Answers):
    """Judges the messages of one delivery."""

    def judge(self, message: Parsed) -> Outcome:
        """Return the answer for one message, having written all its effects into the book."""
        if isinstance(message, EventRefusal):
            return self.refuse(message.event_id, message.code, message.detail)
        if isinstance(message, CanonicalQuery):
            return self._tell(message)
        if message.operation != Operation.ROUND:
            return Operations(self.book, self.context).judge(message)
        return self._judge_round(message)

    def _tell(self, query: CanonicalQuery) -> Outcome:
        """Answer a question about a player; it moves nothing and leaves only its delivery."""
        wallet = self.book.wallets.get(query.player_ref)
        if wallet is None:
            return self.refuse("", "unknown_player", query.player_ref[:64])
        if query.currency and query.currency != wallet.currency:
            return self.refuse("", "wrong_currency", query.currency[:3], wallet)
        return Outcome(
            "",
            EventStatus.ACCEPTED,
            "",
            self.purse(wallet).shown_minor,
            wallet.currency,
            player_ref=wallet.player_ref,
        )

    def _judge_round(self, event: CanonicalEvent) -> Outcome:
        existing = self.book.events.get((self.context.provider.id, event.event_id))
        return self._fresh(event, None) if existing is None else self._known(existing, event)

    def _known(self, existing: EventRow, event: CanonicalEvent) -> Outcome:
        if event.fingerprint not in {existing.fingerprint, existing.final_fingerprint}:
            is_final = _is_final_of(existing, event)
            return (self._finalize if is_final else self.conflict)(existing, event)
        # Once the final form has come, the tentative one can't be booked any more.
        is_outdated = existing.finalized and not event.finalized
        if existing.status == EventStatus.PARKED and not is_outdated:
            return self._again(event, existing)
        return self.repeat(existing)

    def _fresh(self, event: CanonicalEvent, into: EventRow | None) -> Outcome:
        wallet = self.book.wallets.get(event.player_ref)
        if wallet is None:
            return self.park(event, into, "unknown_player")
        stopped = self._stopped(event, into, wallet)
        if stopped is not None:
            return stopped
        return self._book(event, into, wallet)

    def _again(self, event: CanonicalEvent, existing: EventRow) -> Outcome:
        """Judge an event anew that moved no money yet, and note the delivery that decided it."""
        outcome = self._fresh(event, existing)
        if existing.status != EventStatus.PARKED:
            self.attempt(existing.event_id, existing.status, existing.code)
        return outcome

    def _stopped(
        self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet
    ) -> Outcome | None:
        """Refuse what can't be booked at all, and park what only time or a person can decide."""
        game_key = (self.context.provider.id, event.game_code)
        if event.currency != wallet.currency:
            return self.refuse(event.event_id, "wrong_currency", event.currency, wallet)
        if event.round_type != RoundType.ROLLBACK and game_key not in self.book.games:
            return self.refuse(event.event_id, "unknown_game", event.game_code, wallet)
        if self._is_ahead_of_go_live(event, wallet):
            return self.refuse(event.event_id, "provider_not_live", event.round_ref, wallet)
        undecided = (
            ("clock_skew", not self.is_in_clock_window(event)),
            ("unknown_reference", self._refers_to_nothing(event)),
            # People credited the player for it: booked as well, it would be paid twice.
            ("corrected", (self.context.provider.id, event.event_id) in self.book.corrected),
        )
        code = next((code for code, applies in undecided if applies), "")
        return self.park(event, into, code) if code else None

    def _is_ahead_of_go_live(self, event: CanonicalEvent, wallet: Wallet) -> bool:
        """Tell whether a real player's money would move for what no stake on our books stands for.

        A new stake is refused and remembered as such; money back of what we took goes on.
        """
        if not self.awaits_go_live(wallet) or self.context.origin == Origin.CORRECTION:
            return False
        found = self.book.find_round(self.context, event, wallet)
        key = (self.context.provider.id, event.event_id)
        is_open = found is None or found.settled_at is None
        is_refused_as_stake = is_open and not event.finalized and starts_play(event, found)
        moves_nothing = event.round_type == RoundType.ROLLBACK or key in self.book.tombstones
        stands = found is not None and found.standing_events > 0
        return not (is_refused_as_stake or moves_nothing or stands)

    def _book(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        key = (self.context.provider.id, event.event_id)
        ways = (
            (self.context.origin == Origin.CORRECTION, self._correct),
            (event.round_type == RoundType.ROLLBACK, self._roll_back),
            (key in self.book.tombstones, self.keep_tombstoned),
            (event.finalized, self._settle),
        )
        way = next((way for applies, way in ways if applies), self._tentative)
        return way(event, into, wallet)

    def _tentative(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        found = self.book.find_round(self.context, event, wallet)
        closed_at = found.settled_at if found is not None else None
        is_new_play = starts_play(event, found)
        if closed_at is not None and (not is_new_play or event.occurred_at <= closed_at):
            # Part of a played round that arrived after the round's final event.
            return self._settle(event, into, wallet)
        purse = self.purse(wallet)
        if is_new_play:
            code = "round_closed" if closed_at else ""
            if self.context.is_swept and into is None:
                # Nobody was told that this stake stands. If it was played, its final form settles.
                code = code or "ledger_unavailable"
            code = code or stake_refusal(self.book, purse, event)
            if code:
                return self.reject(event, into, wallet, code)
        round_row = found or self.book.round_of(self.context, event, wallet)
        row = self.row_in_round(event, into, round_row)
        purse.hold(row, round_row)
        round_row.state = RoundState.OPEN
        row.status = EventStatus.TENTATIVE
        return self.accept(row, wallet, code="")

    def _settle(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        """Record a played event and settle its round; nothing about it can be refused any more."""
        round_row = self.book.round_of(self.context, event, wallet)
        was_closed = round_row.state == RoundState.SETTLED
        row = self.row_in_round(event, into, round_row)
        purse = self.purse(wallet)
        self.settle_round(round_row, purse, event)
        purse.settle(row, round_row)
        row.status = EventStatus.ACCEPTED
        return self.accept(row, wallet, code="late" if was_closed else "")

    def _finalize(self, existing: EventRow, event: CanonicalEvent) -> Outcome:
        """Take the final form of an event that came as tentative: it settles the whole round."""
        wallet = self.book.wallets.get(existing.player_ref)
        was_taken = existing.status not in {EventStatus.REJECTED, EventStatus.PARKED}
        if not was_taken and wallet is not None and self._is_ahead_of_go_live(event, wallet):
            # The final form stays free, so that it can still be recorded once the provider is live.
            return self.refuse(event.event_id, "provider_not_live", event.round_ref, wallet)
        existing.final_fingerprint = event.fingerprint
        existing.finalized = True
        existing.is_changed = True
        existing.balance_before_minor = event.balance_before_minor
        existing.balance_after_minor = event.balance_after_minor
        if not was_taken or wallet is None:
            # We refused or parked the stake and the provider played it all the same.
            return self._again(event, existing)
        round_row = self.book.rounds_by_id.get(existing.round_id or 0)
        if round_row is not None and existing.money_state != MoneyState.ROLLED_BACK:
            self.settle_round(round_row, self.purse(wallet), event)
        existing.status = EventStatus.ACCEPTED
        self.attempt(existing.event_id, EventStatus.ACCEPTED, "")
        return self.accept(existing, wallet, code="")

    def _roll_back(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        target_key = (self.context.provider.id, event.reference_event_id)
        target = self.book.events.get(target_key)
        if target is not None and not is_undoable(target, event):
            return self.park(event, into, "unknown_reference")
        row = self.book.keep(self.context, event, into=into)
        row.status, row.money_state = EventStatus.ACCEPTED, MoneyState.NONE
        self.book.tombstones.add(target_key)
        code = ""
        if target is not None:
            row.round_id = target.round_id
            # A rollback's own amounts don't count: the target's own money goes back.
            code = "overdrawn" if self.give_back(target, wallet) else ""
        return self.accept(row, wallet, code=code, knows_target=target is not None)

    def _correct(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        """Post an approved correction; the round it belongs to keeps its own sums and state."""
        corrected = self.book.events[self.context.provider.id, event.reference_event_id]
        if corrected.status == EventStatus.PARKED:
            # What waits may still be booked itself: both together would be paid twice.
            return self.refuse(event.event_id, "event_waits", corrected.event_id, wallet)
        row = self.book.keep(self.context, event, into=into)
        row.round_id = corrected.round_id
        self.purse(wallet).correct(row)
        return self.answer(row, wallet)

    def _refers_to_nothing(self, event: CanonicalEvent) -> bool:
        if event.round_type != RoundType.ADJUSTMENT or not event.reference_event_id:
            return False
        return (self.context.provider.id, event.reference_event_id) not in self.book.events


def _is_final_of(existing: EventRow, event: CanonicalEvent) -> bool:
    """Tell whether this is a stored tentative event sent again as final, with equal money."""
    if existing.finalized or not event.finalized:
        return False
    return (
        existing.player_ref,
        existing.round_ref,
        existing.game_code,
        existing.currency,
        existing.bet_minor,
        existing.win_minor,
    ) == (
        event.player_ref,
        event.round_ref,
        event.game_code,
        event.currency,
        event.bet_minor,
        event.win_minor,
    )
