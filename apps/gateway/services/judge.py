"""The decision on each event: pure, in the order sent, against one locked book.

The order of checks follows the field's contracts (protocols reference, finding 1): what we know
of the id, the tombstone, the player, the clock, protection, funds, and only then the money.
A round already played is recorded even where the ledger disagrees; only new stakes are refused.
"""

from datetime import timedelta

from apps.gateway.contracts import Outcome, Refused
from apps.gateway.services.book import Book, Context
from apps.gateway.services.money import Purse
from apps.gateway.services.stakes import stake_refusal
from apps.providers.contracts import CanonicalEvent, EventRefusal
from apps.rounds.contracts import AttemptRow, ConflictRow, DriftRow, EventRow, RoundRow
from apps.rounds.enums import EventStatus, MoneyState, Origin, RoundState, RoundType
from apps.rounds.events import PlayerOverdrawn
from apps.wallet.contracts import Wallet
from apps.wallet.enums import Pot


class Judge:
    """Judges the events of one delivery."""

    def __init__(self, book: Book, context: Context) -> None:
        self.book = book
        self.context = context

    def judge(self, event: CanonicalEvent | EventRefusal) -> Outcome:
        """Return the answer for one event, having written all its effects into the book."""
        if isinstance(event, EventRefusal):
            return self._refuse(event.event_id, event.code, event.detail)
        existing = self.book.events.get((self.context.provider.id, event.event_id))
        return self._fresh(event, None) if existing is None else self._known(existing, event)

    def _known(self, existing: EventRow, event: CanonicalEvent) -> Outcome:
        if event.fingerprint not in {existing.fingerprint, existing.final_fingerprint}:
            is_final = _is_final_of(existing, event)
            return (self._finalize if is_final else self._conflict)(existing, event)
        # Once the final form has come, the tentative one can't be booked any more.
        is_outdated = existing.finalized and not event.finalized
        if existing.status == EventStatus.PARKED and not is_outdated:
            return self._again(event, existing)
        return self._repeat(existing)

    def _fresh(self, event: CanonicalEvent, into: EventRow | None) -> Outcome:
        wallet = self.book.wallets.get(event.player_ref)
        if wallet is None:
            return self._park(event, into, "unknown_player")
        stopped = self._stopped(event, into, wallet)
        if stopped is not None:
            return stopped
        return self._book(event, into, wallet)

    def _again(self, event: CanonicalEvent, existing: EventRow) -> Outcome:
        """Judge an event anew that moved no money yet, and note the delivery that decided it."""
        outcome = self._fresh(event, existing)
        if existing.status != EventStatus.PARKED:
            self._attempt(existing.event_id, existing.status, existing.code)
        return outcome

    def _stopped(
        self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet
    ) -> Outcome | None:
        """Refuse what can't be booked at all, and park what only time or a person can decide."""
        game_key = (self.context.provider.id, event.game_code)
        if event.currency != wallet.currency:
            return self._refuse(event.event_id, "wrong_currency", event.currency, wallet)
        if event.round_type != RoundType.ROLLBACK and game_key not in self.book.games:
            return self._refuse(event.event_id, "unknown_game", event.game_code, wallet)
        undecided = (
            ("clock_skew", not self._is_in_clock_window(event)),
            ("unknown_reference", self._refers_to_nothing(event)),
        )
        code = next((code for code, applies in undecided if applies), "")
        return self._park(event, into, code) if code else None

    def _book(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        key = (self.context.provider.id, event.event_id)
        ways = (
            (self.context.origin == Origin.CORRECTION, self._correct),
            (event.round_type == RoundType.ROLLBACK, self._roll_back),
            (key in self.book.tombstones, self._tombstoned),
            (event.finalized, self._settle),
        )
        way = next((way for applies, way in ways if applies), self._tentative)
        return way(event, into, wallet)

    def _tentative(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        round_row = self.book.round_of(self.context, event, wallet)
        closed_at = round_row.settled_at if round_row.state != RoundState.OPEN else None
        if closed_at is not None and (event.bet_minor == 0 or event.occurred_at <= closed_at):
            # Part of a played round that arrived after the round's final event.
            return self._settle(event, into, wallet)
        purse = Purse(self.book, self.context, wallet)
        if event.bet_minor > 0:
            code = "round_closed" if closed_at else stake_refusal(self.book, purse, event)
            if code:
                return self._reject(event, into, wallet, code)
        row = self._row_in_round(event, into, round_row)
        purse.hold(row, round_row)
        round_row.state = RoundState.OPEN
        row.status = EventStatus.TENTATIVE
        return self._accept(row, wallet, code="")

    def _settle(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        """Record a played event and settle its round; nothing about it can be refused any more."""
        round_row = self.book.round_of(self.context, event, wallet)
        was_closed = round_row.state == RoundState.SETTLED
        row = self._row_in_round(event, into, round_row)
        row.code = "late" if was_closed else ""
        purse = Purse(self.book, self.context, wallet)
        self._settle_round(round_row, purse, event)
        purse.settle(row, round_row)
        row.status = EventStatus.ACCEPTED
        code = "overdrawn" if row.overdrawn_minor else row.code
        return self._accept(row, wallet, code=code)

    def _finalize(self, existing: EventRow, event: CanonicalEvent) -> Outcome:
        """Take the final form of an event that came as tentative: it settles the whole round."""
        existing.final_fingerprint = event.fingerprint
        existing.finalized = True
        existing.is_changed = True
        existing.balance_before_minor = event.balance_before_minor
        existing.balance_after_minor = event.balance_after_minor
        if existing.status in {EventStatus.REJECTED, EventStatus.PARKED}:
            # We refused or parked the stake and the provider played it all the same.
            return self._again(event, existing)
        wallet = self.book.wallets[existing.player_ref]
        round_row = self.book.rounds_by_id.get(existing.round_id or 0)
        if round_row is not None and existing.money_state != MoneyState.ROLLED_BACK:
            self._settle_round(round_row, Purse(self.book, self.context, wallet), event)
        existing.status = EventStatus.ACCEPTED
        self._attempt(existing.event_id, EventStatus.ACCEPTED, "")
        return self._accept(existing, wallet, code="")

    def _settle_round(self, round_row: RoundRow, purse: Purse, event: CanonicalEvent) -> None:
        for held in round_row.held:
            purse.settle_held(held)
        round_row.held = []
        round_row.state = RoundState.SETTLED
        round_row.settled_at = max(round_row.settled_at or event.occurred_at, event.occurred_at)
        round_row.is_changed = True

    def _roll_back(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        target_key = (self.context.provider.id, event.reference_event_id)
        target = self.book.events.get(target_key)
        if target is not None and not _may_roll_back(target, event):
            return self._park(event, into, "unknown_reference")
        row = self.book.keep(self.context, event, into=into)
        row.status, row.money_state = EventStatus.ACCEPTED, MoneyState.NONE
        self.book.tombstones.add(target_key)
        code = ""
        if target is not None:
            row.round_id = target.round_id
            code = self._undo(target, wallet)
        return self._accept(row, wallet, code=code, knows_target=target is not None)

    def _undo(self, target: EventRow, wallet: Wallet) -> str:
        """Return the target's own money to where it was; a rollback's own amounts don't count."""
        purse = Purse(self.book, self.context, wallet)
        short = 0
        if target.money_state == MoneyState.HELD:
            purse.release(target)
        elif target.money_state == MoneyState.SETTLED:
            short = purse.reverse(target)
            purse.take_back_wagering(target)
        else:
            return ""
        target.money_state = MoneyState.ROLLED_BACK
        target.is_changed = True
        round_row = self.book.rounds_by_id.get(target.round_id or 0)
        if round_row is not None:
            purse.remove_from_round(target, round_row)
            if round_row.standing_events == 0:
                round_row.state = RoundState.ROLLED_BACK
        return "overdrawn" if short else ""

    def _correct(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        """Post an approved correction; the round it belongs to keeps its own sums and state."""
        row = self.book.keep(self.context, event, into=into)
        corrected = self.book.events[self.context.provider.id, event.reference_event_id]
        row.round_id = corrected.round_id
        Purse(self.book, self.context, wallet).correct(row)
        return self._answer(row, wallet)

    def _tombstoned(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        """Keep the late original of a rollback that came first; it moves nothing."""
        row = self.book.keep(self.context, event, into=into)
        row.status, row.code = EventStatus.ACCEPTED, "late"
        row.money_state = MoneyState.ROLLED_BACK
        return self._answer(row, wallet)

    def _row_in_round(
        self, event: CanonicalEvent, into: EventRow | None, round_row: RoundRow
    ) -> EventRow:
        row = self.book.keep(self.context, event, into=into)
        row.round_id = round_row.id
        return row

    def _accept(
        self, row: EventRow, wallet: Wallet, *, code: str, knows_target: bool = True
    ) -> Outcome:
        if knows_target:
            drifted = self._note_drift(row, wallet)
            code = code or ("balance_mismatch" if drifted else "")
        if code == "overdrawn":
            self.book.facts.append(
                PlayerOverdrawn(
                    provider_id=row.provider_id, event_id=row.event_id, player_id=wallet.player_id
                )
            )
        row.code = code
        return self._answer(row, wallet)

    def _note_drift(self, row: EventRow, wallet: Wallet) -> bool:
        """Tell whether the provider's balance moved away from ours with this very event."""
        ours = wallet.playable_minor + wallet.balances[Pot.PENDING]
        difference = row.balance_after_minor - ours
        key = (row.provider_id, wallet.player_id)
        if difference == self.book.drift.get(key, 0):
            return False
        self.book.drift[key] = difference
        self.book.drift_rows.append(
            DriftRow(*key, difference, row.event_id, self.context.received_at)
        )
        return True

    def _answer(self, row: EventRow, wallet: Wallet) -> Outcome:
        row.balance_minor = wallet.playable_minor
        return Outcome(row.event_id, row.status, row.code, row.balance_minor, row.currency)

    def _repeat(self, existing: EventRow) -> Outcome:
        """Give the first answer again; a refusal stays a refusal, whatever changed since."""
        has_moved = existing.status in {EventStatus.ACCEPTED, EventStatus.TENTATIVE}
        status = "duplicate" if has_moved else existing.status
        self._attempt(existing.event_id, status, existing.code)
        return Outcome(
            existing.event_id, status, existing.code, existing.balance_minor, existing.currency
        )

    def _conflict(self, existing: EventRow, event: CanonicalEvent) -> Outcome:
        self._attempt(event.event_id, "conflict", "")
        self.book.conflicts.append(
            ConflictRow(
                provider_id=existing.provider_id,
                event_id=event.event_id,
                fingerprint=event.fingerprint,
                content=event.content,
                delivery_id=self.context.delivery_id or 0,
                seen_at=self.context.received_at,
            )
        )
        wallet = self.book.wallets.get(existing.player_ref)
        balance = wallet.playable_minor if wallet else None
        return Outcome(event.event_id, "conflict", "", balance, existing.currency)

    def _park(self, event: CanonicalEvent, into: EventRow | None, code: str) -> Outcome:
        """Store an event without moving money; a person or a later delivery decides."""
        row = self.book.keep(self.context, event, into=into)
        row.status, row.code, row.money_state = EventStatus.PARKED, code, MoneyState.NONE
        if into is not None:
            self._attempt(event.event_id, EventStatus.PARKED, code)
        return Outcome(event.event_id, EventStatus.PARKED, code, None, event.currency)

    def _reject(
        self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet, code: str
    ) -> Outcome:
        """Refuse a new stake and remember it: a retry gets the same answer even if funds arrive."""
        row = self.book.keep(self.context, event, into=into)
        row.status, row.code, row.money_state = EventStatus.REJECTED, code, MoneyState.NONE
        self._count_refusal(event.event_id, code, "")
        return self._answer(row, wallet)

    def _refuse(
        self, event_id: str, code: str, detail: str, wallet: Wallet | None = None
    ) -> Outcome:
        """Refuse an event and leave its id free, so that the genuine one can still come."""
        self._count_refusal(event_id, code, detail)
        if event_id:
            self._attempt(event_id, EventStatus.REJECTED, code)
        balance = wallet.playable_minor if wallet else None
        currency = wallet.currency if wallet else ""
        return Outcome(event_id, EventStatus.REJECTED, code, balance, currency)

    def _count_refusal(self, event_id: str, code: str, detail: str) -> None:
        self.book.refused.append(
            Refused(self.context.provider.id, code, self.context.received_at, event_id, detail)
        )

    def _attempt(self, event_id: str, status: str, code: str) -> None:
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

    def _is_in_clock_window(self, event: CanonicalEvent) -> bool:
        profile, now = self.context.provider, self.context.received_at
        oldest = now - timedelta(seconds=profile.past_seconds)
        newest = now + timedelta(seconds=profile.future_seconds)
        return oldest <= event.occurred_at <= newest

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


def _may_roll_back(target: EventRow, event: CanonicalEvent) -> bool:
    """Tell whether a provider may undo this: its own event, of this player, and no rollback."""
    return (
        target.player_ref == event.player_ref
        and target.round_type != RoundType.ROLLBACK
        and target.origin == Origin.CALLBACK
    )
