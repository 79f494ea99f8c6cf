"""The largest amounts that a message may bring. Pure: asked of each message before it is judged."""

from apps.gateway.services.book import Book
from apps.providers.contracts import CanonicalEvent, EventRefusal, Parsed
from apps.rounds.enums import EventStatus
from apps.wallet.contracts import LARGEST_AMOUNT_MINOR, LARGEST_CREDITED_MINOR


def within_bounds(book: Book, provider_id: int, message: Parsed) -> Parsed:
    """Return the message, or its refusal where an amount or the balance would be too large.

    No column could hold it, and an exception would fail every batch that the message is in. What
    is known already passes: its money moved, or waits in a pot. Money that goes back always finds
    room (``LARGEST_BALANCE_MINOR``).
    """
    if not isinstance(message, CanonicalEvent) or _is_known(book, provider_id, message):
        return message
    if max(message.bet_minor, message.win_minor) > LARGEST_AMOUNT_MINOR:
        return EventRefusal(message.event_id, "bad_amount", "")
    wallet = book.wallets.get(message.player_ref)
    held = sum(wallet.balances.values()) if wallet is not None else 0
    if message.win_minor and held + message.win_minor > LARGEST_CREDITED_MINOR:
        return EventRefusal(message.event_id, "balance_too_large", "")
    return message


def _is_known(book: Book, provider_id: int, event: CanonicalEvent) -> bool:
    known = book.events.get((provider_id, event.event_id))
    return known is not None and known.status != EventStatus.PARKED
