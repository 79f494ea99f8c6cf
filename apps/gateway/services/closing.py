"""Closing a stuck round: one person says how and why, a second agrees, and its money moves once."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.db import connection, transaction

from apps.core.batches import Cursor
from apps.core.money import display_money
from apps.core.reasons import require_reason
from apps.core.services import record_audit
from apps.gateway.contracts import ToJudge
from apps.gateway.errors import RoundMovedError, RoundNotStuckError
from apps.gateway.services.answers import Answers
from apps.gateway.services.apply import context_of, load_book, save_book
from apps.gateway.services.book import Book
from apps.gateway.services.moved import load_what_moved
from apps.providers.contracts import CanonicalEvent
from apps.providers.selectors.catalogue import games_by_code
from apps.providers.selectors.profiles import provider_profile_by_id
from apps.rounds.contracts import EventRow, RoundRow, StuckRound
from apps.rounds.enums import EventStatus, MoneyState, Origin, RoundState, RoundType
from apps.rounds.selectors import stuck_round
from apps.rounds.services import store
from apps.staff.contracts import ApprovalGrant
from apps.staff.services import request_approval
from apps.staff.services.approvals import Person

ROUND_CLOSING: Final = "gateway.round_closing"


class Closing(StrEnum):
    """How a stuck round ends."""

    RETURN = "return"
    """The round was not played to its end: its stakes go back to where they came from.

    A win that one message paid together with its stake goes back with it.
    """
    SETTLE = "settle"
    """The round was played: held stakes are taken and the wins that wait are paid."""


@dataclass(frozen=True, slots=True)
class ClosingOrder:
    """What somebody wants done about a stuck round, and what it rests on."""

    round_id: int
    closing: Closing
    evidence: str


@transaction.atomic
def request_closing(order: ClosingOrder, *, acting_user: Person, reason: str, now: datetime) -> int:
    """Ask a second person to close a stuck round; returns the approval's id.

    Raises:
        ReasonRequiredError: nobody said what it rests on.
        RoundNotStuckError: there is no such round, or its provider closed it.
        AlreadyPendingError, NotAllowedToDecideError: as they say.
    """
    evidence = require_reason(order.evidence)
    found = _stuck(order.round_id)
    approval = request_approval(
        kind=ROUND_CLOSING,
        subject=f"round:{found.id}",
        title=_title(found, order.closing),
        payload={**_facts(found), "closing": str(order.closing), "evidence": evidence},
        requested_by=acting_user,
        reason=reason,
        now=now,
    )
    return approval.pk


def _title(found: StuckRound, closing: Closing) -> str:
    goes_back = found.won_with_stake_minor if closing == Closing.RETURN else 0
    stays = found.paid_minor - goes_back
    took = f"{_said(found, found.taken_minor)} taken and " if found.taken_minor else ""
    held, pending = _said(found, found.held_minor), _said(found, found.pending_minor)
    said = {
        Closing.RETURN: f"Return {took}{held} held",
        Closing.SETTLE: f"Take {held} held, pay {pending}",
    }[closing]
    said += f", take back {_said(found, goes_back)} won" if goes_back else ""
    said += f", leave {_said(found, stays)} paid" if stays else ""
    return f"{said}, in round {found.round_ref} ({found.provider_code}, {found.player_ref})"[:200]


def _said(found: StuckRound, amount_minor: int) -> str:
    return display_money(amount_minor, found.currency)


def recheck_closing(payload: dict[str, Any]) -> None:
    """Refuse an approval about a round that is no longer as it was shown.

    Raises:
        RoundNotStuckError: its provider closed it meanwhile.
        RoundMovedError: it holds or paid other money than the approver was shown.
    """
    _require_as_shown(_facts(_stuck(payload["round_id"])), payload)


def execute_closing(approved: ApprovalGrant) -> dict[str, Any]:
    """Close the round as two people agreed, once; runs inside the approval's transaction.

    The player's pots are locked first, as every batch does, so a message of the provider comes
    either before, and voids this, or after, and finds a closed round.

    Raises:
        RoundNotStuckError, RoundMovedError: the provider's own message came first.
    """
    payload = approved.payload
    found = _stuck(payload["round_id"])
    _close(found, Closing(payload["closing"]), approved)
    record_audit(
        action="gateway.round.closed_by_people",
        actor=None,
        subject=approved.subject,
        details={**payload, "approval_id": approved.approval_id},
        now=approved.now,
    )
    return {**_facts(found), "closing": payload["closing"]}


def _close(found: StuckRound, closing: Closing, approved: ApprovalGrant) -> None:
    event = _event(found, closing, approved)
    profile = provider_profile_by_id(found.provider_id)
    delivery = ToJudge(profile, approved.now, None, (event,), origin=Origin.CORRECTION)
    context = context_of(delivery)
    games = {(profile.id, code): game for code, game in games_by_code(profile.id).items()}
    with connection.cursor() as cursor:
        book = load_book(cursor, [delivery], [(context, event)], games, approved.now)
        round_row = book.rounds_by_id[found.id]
        taken = _taken(cursor, book, round_row)
        _require_unmoved(round_row, taken, approved.payload)
        # What goes back returns to the pots it came from and to the grant it was staked from, and
        # what it counted towards that grant is owed again.
        staked = [*round_row.held, *taken]
        load_what_moved(cursor, book, [context.subject(event.event_id) for event in staked])
        answers, wallet = Answers(book, context), book.wallets[found.player_ref]
        row = answers.row_in_round(event, None, round_row)
        row.status, row.money_state = EventStatus.ACCEPTED, MoneyState.NONE
        row.code = f"closed_{closing}"
        if closing == Closing.RETURN:
            short = [answers.give_back(target, wallet) for target in staked]
            if any(short):
                answers.tell_of_debt(row, wallet)
        if round_row.standing_events:
            answers.settle_round(round_row, answers.purse(wallet), event)
        else:
            round_row.settled_at = approved.now
        answers.answer(row, wallet)
        save_book(cursor, book, approved.now)


def _taken(cursor: Cursor, book: Book, round_row: RoundRow) -> list[EventRow]:
    """Return what an unclosed round took at once, as the one object that the book has of each."""
    if round_row.settled_at is not None:
        return []
    rows = store.find_taken_events(cursor, round_row.id)
    return [book.events.setdefault((row.provider_id, row.event_id), row) for row in rows]


def _require_unmoved(round_row: RoundRow, taken: list[EventRow], payload: dict[str, Any]) -> None:
    """Look again under the lock: a message may have come since the approval was looked at."""
    if round_row.state != RoundState.STUCK:
        raise RoundNotStuckError("The round is not stuck any more; its provider sent a message.")
    pending = sum(event.win_minor for event in round_row.held)
    facts = {
        "held_minor": sum(event.bet_minor for event in round_row.held),
        "pending_minor": pending,
        "taken_minor": sum(event.bet_minor for event in taken),
        "paid_minor": round_row.win_minor - pending,
        "won_with_stake_minor": sum(event.win_minor for event in taken),
        "standing_events": round_row.standing_events,
    }
    _require_as_shown(facts, payload)


def _require_as_shown(facts: dict[str, Any], payload: dict[str, Any]) -> None:
    """Refuse another round than was shown; what a request does not name, it showed none of."""
    if any(payload.get(name, 0) != fact for name, fact in facts.items()):
        raise RoundMovedError(
            "The round has other money or other messages in it than when this was asked for."
        )


def _stuck(round_id: int) -> StuckRound:
    found = stuck_round(round_id)
    if found is None:
        raise RoundNotStuckError("The round is not stuck; its provider may have closed it.")
    return found


def _event(found: StuckRound, closing: Closing, approved: ApprovalGrant) -> CanonicalEvent:
    # A provider can't send "@" in an id, so it can neither take nor roll back one of ours.
    event_id = f"closing@{approved.approval_id}"
    return CanonicalEvent(
        event_id=event_id,
        round_ref=found.round_ref,
        player_ref=found.player_ref,
        occurred_at=approved.now,
        bet_minor=0,
        win_minor=0,
        currency=found.currency,
        game_code=found.game_code,
        round_type=RoundType.ADJUSTMENT,
        balance_before_minor=None,
        balance_after_minor=None,
        finalized=True,
        reference_event_id="",
        promo_campaign="",
        promo_multiplier="",
        session_token="",
        fingerprint=hashlib.sha256(f"{event_id}|{found.id}|{closing}".encode()).hexdigest(),
        content={"closing": str(closing)},
    )


def _facts(found: StuckRound) -> dict[str, Any]:
    return {
        "round_id": found.id,
        "round": found.round_ref,
        "provider": found.provider_code,
        "player": found.player_ref,
        "currency": found.currency,
        "held_minor": found.held_minor,
        "pending_minor": found.pending_minor,
        "taken_minor": found.taken_minor,
        "paid_minor": found.paid_minor,
        "won_with_stake_minor": found.won_with_stake_minor,
        "standing_events": found.standing_events,
        "opened_at": found.opened_at.isoformat(),
    }
