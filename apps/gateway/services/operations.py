"""The decision on single operations: stake, win, rollback and reward of a seamless wallet. Pure.

The order of checks is the field's (protocols reference, finding 1). A new stake may be refused and
its refusal is remembered. Money back is never refused for the player's standing, limits or
session; where it can't be booked yet (its stake is unknown to us) its id stays free, because the
provider comes again until we take it.
"""

from dataclasses import replace

from apps.gateway.services.answers import Answers
from apps.gateway.services.money import Purse
from apps.gateway.services.stakes import stake_refusal
from apps.gateway.services.targets import aim, names_round, standing_stakes
from apps.providers.contracts import CanonicalEvent, Outcome
from apps.providers.enums import (
    LateStake,
    Operation,
    Permission,
    RefundAmount,
    RollbackNumber,
    RollbackOfWin,
    StakeSettles,
    WinWithoutStake,
)
from apps.rounds.contracts import EventRow, RoundRow
from apps.rounds.enums import EventStatus, MoneyState, Origin, RoundState, RoundType
from apps.wallet.contracts import Wallet

_PROMOTIONAL = frozenset({RoundType.FREE_SPIN, RoundType.BONUS, RoundType.JACKPOT})


class Operations(Answers):
    """Judges the operations of one delivery."""

    def judge(self, event: CanonicalEvent) -> Outcome:
        existing = self.book.events.get((self.context.provider.id, event.event_id))
        into = None
        if existing is not None:
            if _differs(event, existing):
                return self.conflict(existing, event)
            if existing.status != EventStatus.PARKED and not self.is_judged_again(existing):
                return self.repeat(existing)
            into = existing
        wallet = self.book.wallets.get(event.player_ref)
        code = self._unbookable(event, wallet)
        if wallet is None or code:
            return self.refuse(event.event_id, code, event.currency[:3], wallet)
        if not self.is_in_clock_window(event):
            # A provider's own time decides limits, bonus and day only where it can be true.
            event = replace(event, occurred_at=self.context.received_at)
        ways = {
            Operation.STAKE: self._stake,
            Operation.WIN: self._win,
            Operation.REWARD: self._reward,
            Operation.ROLLBACK: self._roll_back,
        }
        return ways[Operation(event.operation)](event, into, wallet)

    def _unbookable(self, event: CanonicalEvent, wallet: Wallet | None) -> str:
        """Return why a message can't be booked for anybody; its id stays free."""
        is_rollback = event.operation == Operation.ROLLBACK
        is_game_unknown = self._lacks_game(event, wallet)
        checks = (
            # A game nobody knows is no other game of the session's.
            ("unknown_game", is_game_unknown and event.session_problem == "session_mismatch"),
            (event.session_problem, self._is_held_to_session(event, wallet)),
            ("unknown_player", wallet is None),
            (
                "wrong_currency",
                wallet is not None
                and event.currency != wallet.currency
                and not (is_rollback and not event.currency),
            ),
            ("unknown_game", is_game_unknown),
            ("bad_amount", event.jackpot_minor > event.win_minor),
            (
                "clock_skew",
                event.operation == Operation.STAKE and not self.is_in_clock_window(event),
            ),
        )
        return next((code for code, applies in checks if applies), "")

    def _lacks_game(self, event: CanonicalEvent, wallet: Wallet | None) -> bool:
        """Tell whether a message is of no game that we know: a win has its round's.

        A rollback that names no stake must name its round in full, the game with it.
        """
        if (self.context.provider.id, event.game_code) in self.book.games or wallet is None:
            return False
        if event.operation == Operation.WIN:
            return self._round_of_win(event, wallet) is None
        return event.operation == Operation.STAKE or names_round(event)

    def _is_held_to_session(self, event: CanonicalEvent, wallet: Wallet | None) -> bool:
        """Tell whether the session's problem is the answer: never to who is kept out altogether.

        An exclusion ends the sessions too, and what keeps the player out is what must be told.
        """
        if not event.session_problem:
            return False
        if wallet is None or event.operation != Operation.STAKE:
            return True
        return not self.book.protection.standing(wallet.player_id, self.context.received_at)

    def _stake(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        found = self.book.find_round(self.context, event, wallet)
        if self._is_tombstoned(event, found):
            return self._stake_after_its_rollback(event, into, wallet)
        purse = self.purse(wallet)
        is_closed = found is not None and found.settled_at is not None
        code = ""
        if is_closed and self.policy.stake_after_close == Permission.REFUSE:
            code = "round_closed"
        elif self.context.is_swept:
            # Nobody was told that this stake stands, and its round may be played without it.
            code = "ledger_unavailable"
        elif event.bet_minor == 0 and not event.is_free:
            code = "bad_amount" if self.policy.zero_stake == Permission.REFUSE else ""
        code = code or stake_refusal(self.book, purse, event)
        if code:
            return self.reject(event, into, wallet, code)
        round_row = found or self.book.round_of(self.context, event, wallet)
        row = self.row_in_round(event, into, round_row)
        # One refused before is placed now: it is paid at the moment that it is judged by.
        row.occurred_at = event.occurred_at
        row.status = EventStatus.ACCEPTED
        waits = purse.model.is_stake_held and self.policy.stake_settles == StakeSettles.AT_CLOSE
        if waits and not is_closed:
            purse.hold(row, round_row)
        else:
            # Nothing closes a closed round a second time: what was held in it would stay held.
            purse.take(row, round_row)
        round_row.state = RoundState.SETTLED if is_closed else RoundState.OPEN
        if event.finalized:
            self.settle_round(round_row, purse, event)
        return self.accept(row, wallet, code="late" if is_closed else "")

    def _is_tombstoned(self, event: CanonicalEvent, found: RoundRow | None) -> bool:
        """Tell whether a rollback came before this stake, naming it or only its round."""
        is_round_undone = (
            self.policy.rollback_number == RollbackNumber.OWN
            and found is not None
            and found.state == RoundState.ROLLED_BACK
            and found.settled_at is not None
        )
        key = (self.context.provider.id, event.event_id)
        return is_round_undone or key in self.book.tombstones

    def _stake_after_its_rollback(
        self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet
    ) -> Outcome:
        """Keep a stake whose rollback came first; it moves nothing, whatever we answer."""
        if self.policy.late_stake == LateStake.REFUSE:
            return self.reject(event, into, wallet, "rolled_back")
        return self.keep_tombstoned(event, into, wallet)

    def _win(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        found = self._round_of_win(event, wallet)
        code = self._without_stake(event, found, wallet)
        is_late = found is not None and found.settled_at is not None
        if not code and is_late and self.policy.win_after_close == Permission.REFUSE:
            code = "round_closed"
        if code:
            return self.refuse(event.event_id, code, event.reference_event_id, wallet)
        return self._credit(event, into, wallet, code="late" if is_late else "")

    def _reward(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        """Credit what belongs to no round: a prize, cashback, a tournament's payout."""
        if self.awaits_go_live(wallet):
            return self.refuse(event.event_id, "provider_not_live", event.round_ref, wallet)
        row = self.book.keep(self.context, event, into=into)
        row.status = EventStatus.ACCEPTED
        self.purse(wallet).pay(row, self.book.no_round(row))
        return self.accept(row, wallet, code="")

    def _credit(
        self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet, *, code: str
    ) -> Outcome:
        round_row = self._round_of_win(event, wallet)
        if round_row is None:
            round_row = self.book.round_of(self.context, event, wallet)
        row = self.row_in_round(event, into, round_row)
        row.status = EventStatus.ACCEPTED
        purse = self.purse(wallet)
        if event.finalized:
            # Held stakes are captured first: the win is shared in the proportion of the stakes.
            self.settle_round(round_row, purse, event)
            self._settle_named_round(round_row, purse, event, wallet)
        purse.pay(row, round_row)
        if round_row.state == RoundState.ROLLED_BACK:
            # Something stands in it again.
            is_closed = round_row.settled_at is not None
            round_row.state = RoundState.SETTLED if is_closed else RoundState.OPEN
        return self.accept(row, wallet, code=code)

    def _settle_named_round(
        self, booked_in: RoundRow, purse: Purse, event: CanonicalEvent, wallet: Wallet
    ) -> None:
        """Close the round that a win says it ends, where its stake is another round's."""
        named = self.book.find_round(self.context, event, wallet)
        if named is not None and named is not booked_in and named.standing_events > 0:
            self.settle_round(named, purse, event)

    def _round_of_win(self, event: CanonicalEvent, wallet: Wallet) -> RoundRow | None:
        """Return the round that a win belongs to: its stake's, where it names one that stands.

        A win booked elsewhere would leave that stake open to a rollback, and both be paid.
        """
        stake = self._named_stake(event)
        if stake is None:
            return self.book.find_round(self.context, event, wallet)
        return self.book.rounds_by_id[stake.round_id or 0]

    def _named_stake(self, event: CanonicalEvent) -> EventRow | None:
        """Return the stake that a win names, where it is the player's and stands."""
        if not event.reference_event_id:
            return None
        found = self.book.events.get((self.context.provider.id, event.reference_event_id))
        return found if found is not None and _stands(found, event) else None

    def _without_stake(self, event: CanonicalEvent, found: RoundRow | None, wallet: Wallet) -> str:
        """Return why a win has no stake to stand on, or an empty string."""
        key = (self.context.provider.id, event.reference_event_id)
        target = self.book.events.get(key) if event.reference_event_id else None
        is_promo = event.is_free or event.round_type in _PROMOTIONAL
        allowed = {
            WinWithoutStake.ALLOW: True,
            WinWithoutStake.PROMO: is_promo,
            WinWithoutStake.REFUSE: False,
        }[WinWithoutStake(self.policy.win_without_stake)]
        if event.reference_event_id:
            is_undone = target is not None and target.money_state == MoneyState.ROLLED_BACK
            stands = self._named_stake(event) is not None
        else:
            is_undone = found is not None and found.state == RoundState.ROLLED_BACK
            # A round may hold wins alone, paid without a stake: they are nothing to win on.
            stands = found is not None and (
                found.stake_minor > 0 or bool(standing_stakes(self.book, found.id))
            )
        if is_undone:
            return "stake_rolled_back"
        if not stands and self.awaits_go_live(wallet):
            return "provider_not_live"
        return "" if stands or allowed else "unknown_stake"

    def _roll_back(self, event: CanonicalEvent, into: EventRow | None, wallet: Wallet) -> Outcome:
        aimed = aim(self.book, self.context, event, wallet)
        event = aimed.event
        key = (self.context.provider.id, event.reference_event_id)
        target = self.book.events.get(key)
        if target is not None and target.player_ref != event.player_ref:
            # A success would say that this stake is given back, and it stands.
            return self.refuse(event.event_id, "session_mismatch", target.event_id, wallet)
        if target is not None and not is_undoable(target, event):
            target = None
        code = aimed.code or self._rollback_refusal(event, target, wallet)
        if code:
            detail = event.reference_event_id or event.round_ref
            return self.refuse(event.event_id, code, detail, wallet)
        if not event.currency:
            # The database wants to know what a row's amounts are in, even where they are zero.
            event = replace(event, currency=wallet.currency)
        row = self.book.keep(self.context, event, into=into)
        row.status, row.money_state = EventStatus.ACCEPTED, MoneyState.NONE
        code = "unknown_target"
        self.book.tombstones.add(key)
        if aimed.is_round:
            self._close_undone_round(event, row, wallet)
        if target is not None:
            row.round_id = target.round_id
            code = self._undo(target, wallet, event)
        return self.accept(row, wallet, code=code)

    def _close_undone_round(self, event: CanonicalEvent, row: EventRow, wallet: Wallet) -> None:
        """Close the round of a rollback that found no stake there: a stake yet to come is its."""
        round_row = self.book.round_of(self.context, event, wallet)
        round_row.state = RoundState.ROLLED_BACK
        round_row.settled_at = round_row.settled_at or event.occurred_at
        round_row.is_changed = True
        row.round_id = round_row.id

    def _rollback_refusal(
        self, event: CanonicalEvent, target: EventRow | None, wallet: Wallet
    ) -> str:
        if target is None or target.money_state not in {MoneyState.HELD, MoneyState.SETTLED}:
            return ""
        if target.operation in {Operation.WIN, Operation.REWARD}:
            return self._win_refusal(target, wallet)
        is_settled = self.book.is_settled_stake(target)
        # A free stake took nothing: what its rollback says it was worth is no amount to return.
        must_match = self.policy.refund_amount == RefundAmount.MUST_MATCH and not target.is_free
        checks = (
            ("already_settled", is_settled and self.policy.rollback_after_win != Permission.ALLOW),
            ("amount_mismatch", must_match and event.refund_minor not in {None, target.bet_minor}),
        )
        return next((code for code, applies in checks if applies), "")

    def _win_refusal(self, target: EventRow, wallet: Wallet) -> str:
        if self.policy.rollback_of_win == RollbackOfWin.RECEIVABLE:
            return ""
        has_money = self.purse(wallet).missing_of_win(target) == 0
        is_allowed = self.policy.rollback_of_win == RollbackOfWin.ALLOW and has_money
        return "" if is_allowed else "not_refundable"

    def _undo(self, target: EventRow, wallet: Wallet, event: CanonicalEvent) -> str:
        """Return the original amount to the pots it came from; close the round if so told."""
        short = self.give_back(target, wallet)
        round_row = self.book.rounds_by_id.get(target.round_id or 0)
        if round_row is not None:
            self._close_after_rollback(round_row, event, self.purse(wallet))
        stated = None if target.is_free else event.refund_minor
        differs = stated not in {None, target.bet_minor or target.win_minor}
        return "overdrawn" if short else "amount_differs" if differs else ""

    def _close_after_rollback(
        self, round_row: RoundRow, event: CanonicalEvent, purse: Purse
    ) -> None:
        if round_row.standing_events == 0:
            round_row.state = RoundState.ROLLED_BACK
            if event.finalized:
                # Closed once is closed: a further rollback must not let new stakes in.
                round_row.settled_at = round_row.settled_at or event.occurred_at
            round_row.is_changed = True
        elif event.finalized:
            self.settle_round(round_row, purse, event)


def _differs(event: CanonicalEvent, existing: EventRow) -> bool:
    """Tell whether a message has the id of another: its content, its player or its game differs.

    Where only the session tells player and game, no fingerprint could cover them. A rollback has
    its game from its target, whichever session it is told in.
    """
    is_in_game = event.is_game_of_session and event.operation != Operation.ROLLBACK
    is_other_content = event.fingerprint != existing.fingerprint and not event.is_same_by_id
    return (
        is_other_content
        or event.player_ref not in {"", existing.player_ref}
        or (is_in_game and event.game_code != existing.game_code)
    )


def _stands(stake: EventRow, event: CanonicalEvent) -> bool:
    """Tell whether this is a stake of the same player that was taken and not given back."""
    has_money = stake.money_state in {MoneyState.HELD, MoneyState.SETTLED}
    is_own_stake = stake.operation == Operation.STAKE and stake.player_ref == event.player_ref
    return has_money and is_own_stake


def is_undoable(target: EventRow, event: CanonicalEvent) -> bool:
    """Tell whether a provider may undo this: its own event, of this player, and no rollback."""
    return (
        target.player_ref == event.player_ref
        and target.round_type != RoundType.ROLLBACK
        and target.origin == Origin.CALLBACK
    )
