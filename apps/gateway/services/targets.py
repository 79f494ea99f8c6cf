"""What a rollback takes back: the event it names, or the one stake of the round it names. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from apps.gateway.services.book import Book, Context
from apps.providers.contracts import CanonicalEvent
from apps.providers.enums import Operation
from apps.rounds.contracts import EventRow
from apps.rounds.enums import MoneyState
from apps.wallet.contracts import Wallet

_LONGEST: Final = 128
_STANDING: Final = frozenset({MoneyState.HELD, MoneyState.SETTLED})


@dataclass(frozen=True, slots=True)
class Aim:
    """A rollback that names what it takes back, or why that can't be told.

    ``is_round``: it names no message but its round, marked as no provider's id is.
    """

    event: CanonicalEvent
    code: str = ""
    is_round: bool = False


def names_round(event: CanonicalEvent) -> bool:
    """Tell whether a message takes back whatever stake its round has."""
    return event.operation == Operation.ROLLBACK and not event.reference_event_id


def standing_stakes(book: Book, round_id: int) -> list[EventRow]:
    """Return the stakes of a round that were taken and not given back, stored and of the batch."""
    return [
        row
        for row in book.events.values()
        if row.round_id == round_id
        and row.operation == Operation.STAKE
        and row.money_state in _STANDING
    ]


def may_be_undone(book: Book, events: Sequence[tuple[Context, CanonicalEvent]]) -> list[str]:
    """Return the subjects of all that a batch's messages refer to, by name or by round."""
    subjects = []
    for context, event in events:
        if event.reference_event_id:
            subjects.append(context.subject(event.reference_event_id))
        elif names_round(event) and event.player_ref in book.wallets:
            found = book.find_round(context, event, book.wallets[event.player_ref])
            stakes = standing_stakes(book, found.id) if found else []
            subjects.extend(context.subject(row.event_id) for row in stakes)
    return subjects


def aim(book: Book, context: Context, event: CanonicalEvent, wallet: Wallet) -> Aim:
    """Return the rollback with its target named, where its round leaves no doubt.

    The stake of the rollback's amount is meant, also where only one stands: of another amount it
    is not the one, for that may never have reached us. Without any stake it names its round: that
    is not known, or all of it was given back. A win that stands without a stake of ours is no
    round to guess in.
    """
    if not names_round(event):
        return Aim(event)
    found = book.find_round(context, event, wallet)
    stakes = standing_stakes(book, found.id) if found else []
    if stakes:
        meant = _meant(stakes, event)
        if len(meant) != 1:
            return Aim(event, "ambiguous_rollback")
        return Aim(replace(event, reference_event_id=meant[0].event_id))
    code = "already_settled" if found and found.standing_events else ""
    its_round = f"round:{event.round_ref}"[:_LONGEST]
    return Aim(replace(event, reference_event_id=its_round), code, is_round=True)


def _meant(stakes: list[EventRow], event: CanonicalEvent) -> list[EventRow]:
    """Return the stakes of the rollback's amount, or the only one where nothing compares.

    What a free stake was said to be worth is not booked.
    """
    has_nothing_to_compare = event.refund_minor is None or stakes[0].is_free
    if len(stakes) == 1 and has_nothing_to_compare:
        return stakes
    return [row for row in stakes if row.bet_minor == event.refund_minor]
